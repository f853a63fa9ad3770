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
from pathlib import Path

_SET_PDEATHSIG, _SET_NO_NEW_PRIVS = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
_NEW_MOUNTS_AND_IPC = 0x00020000 | 0x08000000
_MOUNT_PRIVATE = 0x40000 | 0x4000
_NO_SETUID_NO_DEVICES = 2 | 4
_RUN_FILE, _WRITE_FILE = 1 << 0, 1 << 1
PRIVATE_FOLDER = "/tmp"  # of a program that is locked in: memory, and nobody else's
_PROGRAM_FOLDERS = ("/usr", "/bin", "/lib", "/lib64", "/etc/fonts", "/var/cache/fontconfig", "/proc")
_PROGRAM_FILES = ("/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/urandom")
"""What a program of the system needs to start."""
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


def lock_down_program(
    *, memory_bytes: int, seconds: int, file_bytes: int, parent: int, folders: Iterable[str] = ()
) -> bool:
    """Confine this process and a program of the system that it will start; whether all of it could be done.

    No network, a `PRIVATE_FOLDER` in memory that ends with them, nothing else to write, and to read only what belongs
    to the system and lies in `folders`; `seconds` of the processor. Only Linux can do it.
    """
    if sys.platform != "linux":
        return False
    os.chdir("/")
    os.nice(5)
    bounds = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
    )
    for what, bound in bounds:
        resource.setrlimit(what, (bound, bound))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or not _private_folder(libc, memory_bytes // 8):
        return False
    libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent and bool(_landlock(libc, FONT_FOLDERS, program=(*_PROGRAM_FOLDERS, *folders)))


def _private_folder(libc: ctypes.CDLL, size: int) -> bool:
    """Leave the network and what others mount, and have `PRIVATE_FOLDER` in memory. Whether that could be done."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_USER_AND_NETWORK | _NEW_MOUNTS_AND_IPC):
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    options = f"size={size},mode=700".encode()
    mounted = (
        libc.mount(b"none", b"/", None, _MOUNT_PRIVATE, None),
        libc.mount(b"tmpfs", PRIVATE_FOLDER.encode(), b"tmpfs", _NO_SETUID_NO_DEVICES, options),
    )
    return mounted == (0, 0)


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


def _landlock(libc: ctypes.CDLL, readable: Iterable[str], program: Iterable[str] = ()) -> list[str]:
    """Deny all paths but those folders, all TCP ports, signals and abstract sockets to the outside, where possible.

    `program`: folders of which a program is made that will be started, and which has `PRIVATE_FOLDER` to write to.
    """
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
        _allow(libc, rules, folder, _READ_FILE | _READ_FOLDER)
    for folder in program:
        _allow(libc, rules, folder, _RUN_FILE | _READ_FILE | _READ_FOLDER)
    if program:
        for file in _PROGRAM_FILES:
            _allow(libc, rules, file, _READ_FILE | _WRITE_FILE)
        _allow(libc, rules, "/", _READ_FOLDER)  # LibreOffice follows the path to itself
        _allow(libc, rules, PRIVATE_FOLDER, paths)
    confined = libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0
    os.close(rules)
    return [f"landlock {version}"] if confined else []


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    """Let a file, or those beneath a folder, be used. One that is not there, or cannot be named, stays shut."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    libc.syscall(_LANDLOCK_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, fd), 0)
    os.close(fd)
