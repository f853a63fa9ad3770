"""One budget of threads for all that computes: torch, ONNX Runtime, CTranslate2, OpenCV."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Linux control group, version 2: microseconds of CPU time in a period, or `max`."""


def thread_budget(asked: int) -> int:
    """Threads to use: as asked, or for 0 one per core that this process may use."""
    return asked or max(1, min(_cores(), _quota()))


def set_thread_environment() -> None:
    """Set what torch, CTranslate2 and tokenizers read once, when they are imported. What the person has set wins."""
    # waiting threads sleep: spinning ones made a query take 280 ms instead of 14 ms while both cores were busy
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # tokenizers would take a thread per core beside the budget
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """Whole cores that a container may use; as many as there are where nothing limits them."""
    try:
        limit, period = _QUOTA.read_text(encoding="ascii").split()
        return max(1, round(int(limit) / int(period)))
    except (OSError, ValueError):
        return _cores()
