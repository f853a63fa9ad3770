"""The memory that this process holds, as the operating system counts it."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FROM_NOW = "5"
"""Written there, Linux counts the peak from now on (proc(5))."""


def reset_peak_memory() -> None:
    """Count the peak from now on, where the system can: on others it is that of the whole run."""
    try:
        _CLEAR.write_text(_FROM_NOW, encoding="ascii")
    except OSError:
        return  # not Linux, or not allowed there


def peak_memory_bytes() -> int:
    """Bytes of memory held at the worst."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii", errors="replace"))
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
