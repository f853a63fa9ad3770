"""Memory, in bytes: what this machine has, and how it is given back.

Imports no torch.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_STATM = Path("/proc/self/statm")
_GROUP = Path("/sys/fs/cgroup")
"""Linux control group, version 2: what a container may use."""
GROWN_BYTES = 32_000_000
"""Bytes by which a process has to grow before it is worth a look at all of its heap."""


def machine_memory() -> tuple[int, int]:
    """Bytes that are free and bytes in all, of the machine or of the container."""
    free, total = _whole()
    try:
        most = int((_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_GROUP / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (_GROUP / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):  # no container, or `max`: without limit
        return free, total
    return min(free, max(0, most - used + int(stat.get("inactive_file", 0)))), min(total, most)


def physical_memory() -> int:
    """Bytes that the machine has built in. Raises OSError or ValueError where the system does not say."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def is_memory_shortage(error: BaseException | None) -> bool:
    """Whether something failed for want of memory, of the machine or of its GPU."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
            return True
        error = error.__cause__ or error.__context__
    return False


def release_memory() -> None:
    """Give back what a model held that nobody refers to any more. What the engine froze is looked at, too."""
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    gc.collect()
    if frozen:
        gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()
    trim_heap()


def trim_heap() -> None:
    """Give back what was freed: glibc keeps it, as it may be needed again."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class GrownHeap:
    """Gives back what was freed once this process has grown, as one large file lets it grow.

    glibc gives back by itself only what lies at the end of a heap; what was freed below it adds up from file to file.
    """

    def __init__(self) -> None:
        self._resident = _resident_memory()

    def trim(self) -> None:
        """Trim the heap if the process has grown by `GROWN_BYTES` since it was last done."""
        grown = _resident_memory() - self._resident
        if grown >= GROWN_BYTES:
            trim_heap()
        if grown >= GROWN_BYTES or grown < 0:
            self._resident = _resident_memory()


def _resident_memory() -> int:
    """Bytes of this process that are in memory (proc_pid_statm(5)); 0 where the system does not say."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _whole() -> tuple[int, int]:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        found = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":", 1) for line in lines)}
        return found["MemAvailable"], found["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):  # not Linux: what others use is not known
        total = physical_memory()
        return total, total
