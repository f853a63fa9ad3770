"""Whether a held file is gone, or only out of reach now.

Gone is what a folder that can be read, on the file system where the file was seen last, does not list any more. All
else is out of reach: a folder that may not be read, a drive that fails, a drive that is not mounted and leaves an empty
folder, a drive in the place of another: of a drive, something has to be there still.
"""

# ruff: noqa: PTH112, PTH116, PTH118, PTH120, PTH208
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import os
import stat
import threading
from dataclasses import dataclass
from typing import Literal

from mcp_mmretrieval.errors import NotAllowed, UnreadableMedia
from mcp_mmretrieval.roots import Roots, changed_ns
from mcp_mmretrieval.store import File

Presence = Literal["there", "gone", "out of reach"]


@dataclass(frozen=True, slots=True)
class _Listing:
    device: int
    names: frozenset[str]


class AbsenceJudge:
    """Judges held files under the roots of one connection, for one walk. Any thread may ask."""

    def __init__(self, roots: Roots) -> None:
        self._lock = threading.Lock()
        self._roots = roots
        self._last: tuple[str, _Listing | None] = ("", None)
        """The folder that was listed last: files are judged in order of their paths."""
        self._once_called: dict[int, set[int]] = {}
        """Numbers of file systems, and those that they had when their files were seen last: a restart gives others."""
        self._drives: dict[str, str] = {}
        """Folders, and the drive at or below a root on which each lies, by its mount point; empty for none."""
        self._known_drives: set[str] = set()
        """Those of them on which a held file was seen."""
        self.moved: dict[str, int] = {}
        """Paths that were seen on a file system other than noted, and its number."""

    def seen(self, known: File) -> None:
        """A held file was seen where it was added from, unchanged."""
        device = device_of(known.path)
        with self._lock:
            self._known_drives.add(self._drive(os.path.dirname(known.path)))
            if device is None:
                return
            if known.device is not None:
                self._once_called.setdefault(device, set()).add(known.device)
            if known.device != device:
                self.moved[known.path] = device

    def lies_unchanged(self, known: File) -> bool:
        """Whether a held file lies where it was added from, as it was: then it is `seen`. Asks the disk."""
        try:
            state = os.lstat(known.path)
        except OSError:
            return False
        if (state.st_size, changed_ns(state)) != (known.size, known.mtime_ns):
            return False
        self.seen(known)
        return True

    def judge(self, file: File) -> Presence:
        """Where a held file is. Asks the disk."""
        try:
            os.lstat(file.path)
        except (FileNotFoundError, NotADirectoryError):
            with self._lock:
                return "gone" if self._unlisted(file) else "out of reach"
        except OSError:
            return "out of reach"
        return "there"

    def _unlisted(self, file: File) -> bool:
        """Whether the nearest folder above a file that is still there lists no way to it."""
        folder, _, name = file.path.rpartition("/")
        while self._roots.covers(folder):
            if os.path.isdir(folder):
                listing = self._listing(folder)
                if listing is None or not self._same(file.device, listing.device):
                    return False
                if (drive := self._drive(folder)) and drive not in self._known_drives:
                    return False
                return name not in listing.names or _is_file(os.path.join(folder, name))
            folder, _, name = folder.rpartition("/")
        return False

    def _listing(self, folder: str) -> _Listing | None:
        if self._last[0] != folder:
            self._last = folder, self._listed(folder)
        return self._last[1]

    def _listed(self, folder: str) -> _Listing | None:
        """What a folder holds; None where it cannot be read, or a link leads elsewhere."""
        try:
            with self._roots.open_folder(folder) as opened:
                names = frozenset(os.listdir(opened.fd))
                return _Listing(os.fstat(opened.fd).st_dev, names) if opened.path == folder else None
        except (NotAllowed, UnreadableMedia, OSError):
            return None

    def _drive(self, folder: str) -> str:
        """See `_drives`."""
        below = []  # no recursion: folders may be deeper than Python's stack
        while folder not in self._drives:
            if device_of(os.path.join(folder, "")) != device_of(folder):
                self._drives[folder] = folder
            elif folder in self._roots.folders or not self._roots.covers(folder):
                self._drives[folder] = ""
            else:
                below.append(folder)
                folder = os.path.dirname(folder)
        self._drives.update(dict.fromkeys(below, self._drives[folder]))
        return self._drives[folder]

    def _same(self, before: int | None, now: int) -> bool:
        """Whether two numbers mean one file system. Of a file that was never seen since numbers are kept: no."""
        return before in self._once_called.get(now, {now})


def device_of(path: str) -> int | None:
    """The file system of the folder that holds a file; a file of its own may tell another, on layered ones."""
    try:
        return os.stat(os.path.dirname(path)).st_dev
    except OSError:
        return None


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
