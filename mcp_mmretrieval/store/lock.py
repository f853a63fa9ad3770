"""One process owns a library folder."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.front.own_folder import make_own_folder

LOCK_FILE_NAME = "lock"
LINGERING_SECONDS = 2.0
"""Seconds to wait for the lock of a process that has ended. A program that it was starting when it was killed still has
the lock, until that program begins."""


class LibraryLock:
    """An OS lock in the library folder, held from construction to `close` or the end of the process.

    Makes the folder 0700. Raises LibraryUnavailable when another process holds it (naming its pid), when the folder
    belongs to someone else, or when it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file: int | None = None
        _make_ours(folder)
        try:
            # not inherited by programs we start (PEP 446): a worker that outlives the engine must not keep the library
            file = os.open(folder / LOCK_FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _unusable(folder, error) from error
        try:
            _take(file)
        except BlockingIOError as error:
            pid = _holder(file) or "unknown"
            os.close(file)
            raise LibraryUnavailable(
                f"{folder}: another mcp-mmretrieval process (pid {pid}) has this library open. Use that one, end it, "
                "or give this one another folder (MMRETRIEVAL_LIBRARY)."
            ) from error
        except OSError as error:
            os.close(file)
            raise _unusable(folder, error) from error
        self._file = file
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, b"%d\n" % os.getpid(), 0)
        except OSError:
            # a full disk: the lock holds all the same, and the library can be searched
            pass

    def close(self) -> None:
        """Release the folder. May be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _take(file: int) -> None:
    """Lock the file. Raises BlockingIOError where a process that lives holds it."""
    until = time.monotonic() + LINGERING_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not _ended(_holder(file)) or time.monotonic() > until:
                raise
        time.sleep(0.02)


def _holder(file: int) -> str:
    """The pid of the process that took the lock last; empty where it could not write it."""
    return os.pread(file, 20, 0).decode("ascii", "replace").strip()


def _ended(pid: str) -> bool:
    """Whether there is surely no such process."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        pass
    return False


def _make_ours(folder: Path) -> None:
    try:
        make_own_folder(str(folder))
        owner = folder.stat().st_uid
        if owner != os.geteuid():
            raise LibraryUnavailable(
                f"{folder}: belongs to another user (uid {owner}). Choose a folder of your own (MMRETRIEVAL_LIBRARY)."
            )
        folder.chmod(0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"not writable by uid {os.geteuid()}")
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> LibraryUnavailable:
    return LibraryUnavailable(
        f"{folder}: cannot be used as the library folder ({error.strerror or error}). Make it writable, or choose "
        "another one (MMRETRIEVAL_LIBRARY)."
    )
