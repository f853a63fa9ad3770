"""The allowed folders. The only door through which the server opens a person's files.

A path is opened first and judged after: where the open file really lies decides, not what its name looked like a
moment before. Checking first and opening then can be raced by whoever swaps a folder for a link in between. From here
on only the open file is handed around; it is never opened again by name.

Hard links pass: nothing in a file tells under which other names it stands.
"""

# ruff: noqa: PTH100, PTH111, PTH112, PTH115, PTH116, PTH117, PTH118
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote_to_bytes

from mcp_mmretrieval.errors import NotAllowed, UnreadableMedia
from mcp_mmretrieval.types import Place

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:data|file|javascript):", re.IGNORECASE)
_FILE_URI = re.compile(r"file:(?://(?:localhost)?(?=/))?/?(?=/)", re.IGNORECASE)
_HIDDEN = {
    *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U00013441\U00013442\U00016fe4\U0001d159",
    *map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]),
}
"""Letters and marks that nobody sees."""
_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
StrPath = str | os.PathLike[str]

_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """A regular file or a folder that lies under the roots, open for reading. Closes itself as a context manager."""

    fd: int
    path: str
    """Absolute real path, as it was when the file was opened."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Nanoseconds since 1970, as far as `changed_ns` goes."""

    @property
    def unchanged(self) -> bool:
        """Whether its size and time are still those that it was opened with."""
        state = os.fstat(self.fd)
        return (state.st_size, changed_ns(state)) == (self.size, self.mtime_ns)

    def close(self) -> None:
        """Close the descriptor. May be called once only."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Roots:
    """The folders that may be read, and how paths under them are named, found and cited. Never changes."""

    def __init__(self, folders: Iterable[StrPath]) -> None:
        real = (_real_folder(os.fspath(folder)) for folder in folders)
        self.folders: tuple[str, ...] = tuple(dict.fromkeys(real))
        """Absolute real paths in the order given, each once. A folder that is not there yet holds nothing."""
        self._labels = dict(zip(self.folders, _labels(self.folders), strict=True))

    @property
    def missing(self) -> list[str]:
        """Those of the folders that are not there just now. Asks the disk."""
        return [folder for folder in self.folders if not os.path.isdir(folder)]

    def open(self, path: StrPath) -> OpenFile:
        """A regular file under the roots; `path` as `resolve` takes it.

        Raises NotAllowed for everything else: outside, missing, a folder, a device, a pipe, a URL. Raises
        UnreadableMedia when the file is there but this process may not read it or can open no more files.
        """
        return self._open(path, stat.S_ISREG)

    def open_folder(self, path: StrPath) -> OpenFile:
        """A folder under the roots, or a root; `fd` fits `os.scandir`. Raises as `open` does."""
        return self._open(path, stat.S_ISDIR)

    def resolve(self, path: StrPath) -> str:
        """Real path of the file or folder that an argument names: one of its `readings`, with or without a place.

        Relative paths are tried in each root in turn. Raises NotAllowed for what is outside or not there. What comes
        back is a name, not a promise: `open` judges again.
        """
        named = os.fspath(path)
        bare, _, fragment = named.rpartition("#")
        pointed = [bare] if bare and Place.parse(fragment) else []
        for candidate in [one for name in (named, *pointed) for one in self.readings(name)]:
            real = real_path(candidate)
            if self.covers(real) and os.path.lexists(real):
                return real
        raise NotAllowed(named)

    def candidates(self, path: StrPath) -> tuple[str, ...]:
        """Absolute paths that an argument may mean, best first, existing or not. Empty for a URL and other nonsense."""
        named = os.fspath(path)
        if not named or _URL.match(named) or not _possible(named):
            return ()
        expanded = os.path.expanduser(named)
        return tuple(dict.fromkeys(os.path.join(folder, expanded) for folder in self.folders))

    def readings(self, text: str) -> tuple[str, ...]:
        """Absolute paths that an argument may mean in any spelling, best first, existing or not, inside or outside.

        As a path is written; as a `file:` URI (RFC 8089); as a citation.
        """
        if uri := _FILE_URI.match(text):
            return self.candidates(os.fsdecode(unquote_to_bytes(os.fsencode(text[uri.end() :]))))
        return tuple(dict.fromkeys([*self.candidates(text), *self.path_of(text)]))

    def holds(self, path: StrPath) -> bool:
        """Whether an absolute path, existing or not, really lies under a root (or is one)."""
        named = os.fspath(path)
        return os.path.isabs(named) and _possible(named) and self.covers(real_path(named))

    def covers(self, path: StrPath) -> bool:
        """Whether an absolute real path lies under a root (or is one). By its name alone: the disk is not asked."""
        return any(_inside(folder, os.fspath(path)) for folder in self.folders)

    def root_of(self, path: StrPath) -> str:
        """The deepest root that holds an absolute real path. Raises NotAllowed where none does."""
        holding = [folder for folder in self.folders if _inside(folder, os.fspath(path))]
        if not holding:
            raise NotAllowed(os.fspath(path))
        return max(holding, key=len)

    def citation(self, path: StrPath) -> str:
        """How an absolute real path is cited: its path under its root, as an IRI (RFC 3987).

        Letters of all scripts stay as they are; what would break a citation, and what nobody sees, is percent-encoded.
        With several roots the root's name stands in front. Raises NotAllowed for a path outside.
        """
        root = self.root_of(path)
        relative = os.path.relpath(path, root)
        named = relative if len(self.folders) == 1 else f"{self._labels[root]}/{relative}"
        return quote(named) if named.isascii() else "".join(map(_cited, named))

    def path_of(self, citation: str) -> tuple[str, ...]:
        """Absolute paths that a citation (without its `#` and place) may mean, best first, existing or not.

        Several where roots share what it says, or where it was made by someone with other roots.
        """
        if not _possible(citation):
            return ()
        # Whoever made the citation may have had other roots than this connection, so its first part may be a root's
        # label or a folder within a root. Three readings are tried. `labelled`: the first part is a label of ours.
        # `plain`: there is no label, as with a single root. `called`: the first part is the bare name of a root, which
        # needs a longer label here because two roots are called alike. With several roots our own citations carry a
        # label, so that reading comes first; with one root they carry none.
        named = os.fsdecode(unquote_to_bytes(os.fsencode(citation)))
        label, _, rest = named.partition("/")
        labelled = [(folder, rest) for folder in self.folders if rest and self._labels[folder] == label]
        plain = [(folder, named) for folder in self.folders]
        called = [(folder, rest) for folder in self.folders if rest and _name(folder) == label]
        order = [*labelled, *plain, *called] if len(self.folders) > 1 else [*plain, *labelled]
        joined = (os.path.normpath(os.path.join(folder, relative)) for folder, relative in order)
        inside = (path for path in joined if _possible(path) and self.covers(path) and path not in self.folders)
        return tuple(dict.fromkeys(inside))

    def _open(self, path: StrPath, wanted: Callable[[int], bool]) -> OpenFile:
        for candidate in self.candidates(path):
            try:
                return _open_verified(candidate, wanted, self.covers)
            except NotAllowed:
                continue
            except OSError as error:
                _explain(candidate, error, inside=self.holds(candidate))
        raise NotAllowed(os.fspath(path))


def open_exactly(path: str) -> OpenFile:
    """The regular file that lies at an absolute real path, whatever the roots: for what was opened under them before.

    Raises NotAllowed where nothing lies there, or where a link leads elsewhere; UnreadableMedia as `Roots.open` does.
    """
    try:
        return _open_verified(path, stat.S_ISREG, lambda real: real == path)
    except OSError as error:
        _explain(path, error, inside=real_path(path) == path)
        raise NotAllowed(path) from error


def real_path(path: str) -> str:
    """Where a path leads as far as links can be followed; empty where they cannot be read."""
    try:
        return os.path.realpath(path)
    except OSError:
        return ""


def changed_ns(state: os.stat_result) -> int:
    """When a file was changed, in nanoseconds since 1970 and within 64 bits (1677 to 2262): some clocks run wild."""
    return max(-(2**63), min(state.st_mtime_ns, 2**63 - 1))


def _open_verified(path: str, wanted: Callable[[int], bool], allowed: Callable[[str], bool]) -> OpenFile:
    """Open, then verify where the open file lies. Nothing that is checked by name is relied upon."""
    if not wanted(os.stat(path).st_mode):  # only a courtesy: opening a device can already do something
        raise NotAllowed(path)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)  # a pipe must not hang us
    try:
        state = os.fstat(fd)
        real = _path_of(fd, state)
        if not wanted(state.st_mode) or not allowed(real):
            raise NotAllowed(path)
        os.set_blocking(fd, True)
        return OpenFile(fd=fd, path=real, size=state.st_size, mtime_ns=changed_ns(state))
    except BaseException:
        os.close(fd)
        raise


def _explain(path: str, error: OSError, *, inside: bool) -> None:
    """Raise UnreadableMedia where the reason gives nothing away: our own limits, or a file that is really `inside`."""
    if error.errno in _OUT_OF_RESOURCES:
        raise UnreadableMedia("internal", f"{path}: {error.strerror}. Try again in a moment.") from error
    if error.errno in (errno.EACCES, errno.EPERM) and inside:
        reason = f"{path}: this process may not read it. Change the file's permissions."
        raise UnreadableMedia("not_found_or_not_allowed", reason) from error


def _real_folder(folder: str) -> str:
    """Real path of a root, found as that of an open file is: so both agree on volumes that ignore case."""
    path = os.path.abspath(os.path.expanduser(folder))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError:
        return real_path(path)
    try:
        return _path_of(fd, os.fstat(fd))
    except OSError:  # a drive that fails: it holds nothing now
        return real_path(path)
    finally:
        os.close(fd)


def _path_of(fd: int, state: os.stat_result) -> str:
    """Where an open file lies now. Raises NotAllowed for one that was deleted, OSError where the system cannot tell."""
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    real = os.readlink(f"/proc/self/fd/{fd}")
    if real.endswith(_DELETED) and not _same(real, state):  # a file may also be called so
        raise NotAllowed(real.removesuffix(_DELETED))
    return real


def _same(path: str, state: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(path), state)
    except OSError:
        return False


def _cited(letter: str) -> str:
    """A letter of a path as it stands in a citation."""
    if letter.isascii() or letter in _HIDDEN or unicodedata.category(letter)[0] not in "LMNPS":
        return quote(os.fsencode(letter), safe="/")
    return letter


def _possible(path: str) -> bool:
    """Whether the system could have such a name: no NUL, no surrogates but those that stand for undecodable bytes."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _inside(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _name(folder: str, depth: int = 1) -> str:
    """The folder's name, and with more depth those of its parents: `docs`, `docs~home`, `docs~home~anna`."""
    return "~".join(reversed([part for part in folder.split("/") if part][-depth:])) or "root"


def _labels(folders: Sequence[str]) -> list[str]:
    """A name for each root, whatever their order: its own where that is enough, else with its parents'."""
    depths = dict.fromkeys(folders, 1)
    for _ in range(max((folder.count("/") for folder in folders), default=0)):
        seen = Counter(_name(folder, depth) for folder, depth in depths.items())
        depths = {folder: depth + (seen[_name(folder, depth)] > 1) for folder, depth in depths.items()}
    return [_name(folder, depth) for folder, depth in depths.items()]
