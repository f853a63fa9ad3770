"""The processes that work for one folder: which they are, what they weigh, what they have computed, and their end.

Linux only: it reads /proc. A process belongs to a folder when its command line or environment names it, or when one
that does is among its ancestors. So it finds an engine, which is nobody's child, with its workers and models.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""What reading of a process raises that has ended, or that belongs to somebody else."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
HEAVY_LIBRARIES = ("libtorch_cpu", "onnxruntime_pybind11_state")


def family(folder: Path) -> list[int]:
    """Processes that work for the folder, this one left out."""
    named = set(_named(folder))
    parents = {pid: int(fields[1]) for pid in _all() if (fields := _fields(pid))}
    while more := {pid for pid, parent in parents.items() if parent in named and pid not in named}:
        named |= more
    return sorted(pid for pid in named if pid != os.getpid() and (fields := _fields(pid)) and fields[0] != "Z")


def pss(folder: Path) -> float:
    """MB of all processes together; what several of them share counts once."""
    return sum(_memory(pid, "Pss:") for pid in family(folder))


def anonymous(folder: Path) -> float:
    """MB of all processes that stand for no file: heaps and stacks. Nothing that other programs do changes it."""
    return sum(_memory(pid, "Anonymous:", "Swap:") for pid in family(folder))


def processor_seconds(folder: Path) -> float:
    """Seconds that all of them have computed, and their children that have ended."""
    ticks = sum(sum(map(int, fields[11:15])) for pid in family(folder) if (fields := _fields(pid)))
    return ticks / TICKS_A_SECOND


def end_all(folder: Path, patience: float = 20.0) -> None:
    """Ask those that name the folder to end, wait for the others to follow, and kill what is left."""
    for pid in _named(folder):
        _signal(pid, signal.SIGTERM)
    until = time.monotonic() + patience
    while left := family(folder):
        if time.monotonic() > until:
            for pid in left:
                _signal(pid, signal.SIGKILL)
        time.sleep(0.05)


def strangers() -> list[int]:
    """Other processes that have torch or ONNX Runtime in memory: what they share with ours makes ours look lighter."""
    return [pid for pid in _all() if pid != os.getpid() and any(name in _maps(pid) for name in HEAVY_LIBRARIES)]


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _named(folder: Path) -> list[int]:
    names = [os.fsencode(folder) + end for end in (b"/", b"\0")]
    found = []
    for pid in _all():
        with suppress(*GONE):
            given = Path(f"/proc/{pid}/cmdline").read_bytes() + b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
            if pid != os.getpid() and any(name in given for name in names):
                found.append(pid)
    return found


def _fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat behind the command, so from `state` on (proc_pid_stat(5)); empty where it has ended."""
    with suppress(*GONE):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _memory(pid: int, *kinds: str) -> float:
    """MB of a process, of the kinds that proc_pid_smaps(5) tells; 0 for one that has ended."""
    with suppress(*GONE):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1.024 / 1000 for line in lines if line.startswith(kinds))
    return 0.0


def _maps(pid: int) -> str:
    with suppress(*GONE):
        return Path(f"/proc/{pid}/maps").read_text()
    return ""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(*GONE):
        os.kill(pid, number)
