"""What a parser worker takes from itself before it meets the first file. Linux gives all of it, others the limits only.

The numbers are those of the kernel: <linux/prctl.h>, <linux/landlock.h>, <linux/sched.h>.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable

_SET_PDEATHSIG, _SET_NO_NEW_PRIVS = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/X11/fonts/Type1",
    "/usr/share/X11/fonts/TTF",
)
"""The system's fonts, which stand in for those that a document lacks: a confined process can open them, to read.
Those of the person's own folder are not among them."""

_FILES = 32
"""Descriptors of one worker: its socket, three standard streams, one document with its sidecars."""


def lock_down(*, memory_bytes: int, parent: int, readable: Iterable[str] = ()) -> list[str]:
    """Confine this process for good; what could be done, in words.

    What will be imported must be there already, or lie in `readable`. `parent` is the process that started this one.
    `readable`: folders whose files may still be read, beside those of fonts.
    """
    os.chdir("/")
    os.nice(5)
    on = _limit(memory_bytes)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            on.append("no new privileges")
        if libc.unshare(_NEW_USER_AND_NETWORK) == 0:
            on.append("no network")
        on.extend(_landlock(libc, (*FONT_FOLDERS, *readable)))
        # after unshare: a change of credentials forgets this signal
        libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)  # it was gone before the signal was set
    return on


def _limit(memory_bytes: int) -> list[str]:
    """Bounds on memory, files and core dumps. A bound that the system does not know, or has lower, is left out."""
    on = []
    for what, bound, words in (
        (resource.RLIMIT_CORE, 0, "no core dumps"),
        (resource.RLIMIT_FSIZE, 0, "no writing"),
        (resource.RLIMIT_NOFILE, _FILES, f"{_FILES} files"),
        (resource.RLIMIT_AS, memory_bytes, f"{memory_bytes / 1e9:.1f} GB of memory"),
    ):
        try:
            resource.setrlimit(what, (bound, bound))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS
            continue
        on.append(words)
    return on


def _landlock(libc: ctypes.CDLL, readable: Iterable[str]) -> list[str]:
    """Deny all paths but those folders, all TCP ports, signals and abstract sockets to the outside, where possible."""
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return []
    paths = (1 << 13) - 1
    for since, right in ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15)):  # refer, truncate, device ioctl
        if version >= since:
            paths |= right
    ports, outside = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(_LANDLOCK_CREATE, struct.pack("QQQ", paths, ports, outside)[:size], size, 0)
    if rules < 0:
        return []
    for folder in readable:
        _allow_reading(libc, rules, folder)
    confined = libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0
    os.close(rules)
    return [f"landlock {version}"] if confined else []


def _allow_reading(libc: ctypes.CDLL, rules: int, folder: str) -> None:
    """Let files beneath a folder be read. One that is not there, or cannot be named in a rule, stays shut."""
    try:
        fd = os.open(folder, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError:
        return
    rule = struct.pack("=Qi", _READ_FILE | _READ_FOLDER, fd)
    libc.syscall(_LANDLOCK_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
    os.close(fd)
