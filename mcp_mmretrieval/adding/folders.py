"""What folders under the roots hold: where each entry leads, and which rule leaves it out.

Reads names and ignore files only.
"""

# ruff: noqa: PTH112, PTH113, PTH118
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mcp_mmretrieval.adding.ignore import MAX_IGNORE_BYTES, IgnoreRules
from mcp_mmretrieval.adding.left_out import holds_environment, name_rule
from mcp_mmretrieval.errors import NotAllowed, UnreadableMedia
from mcp_mmretrieval.roots import real_path
from mcp_mmretrieval.roots.readable import ReadableFiles

_GIT_EXCLUDES = ".git/info/exclude"
"""Git's rules that are not shared with others."""
IGNORE_FILES = (".gitignore", ".mmretrievalignore")

FolderEntries = dict[str, bool | None]
"""What a folder holds: True for folders, False for files, None for links and the rest."""
FolderEntry = tuple[str, str, bool]
"""A path in a folder, where it leads, and whether that is a folder."""


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The patterns of one ignore file."""

    folder: str
    name: str
    patterns: IgnoreRules
    written: float
    """When the file was last written, in seconds since 1970."""

    @property
    def path(self) -> str:
        """Where it lies."""
        return os.path.join(self.folder, self.name)

    @property
    def note(self) -> str:
        """What of it is not heeded; empty where all is."""
        told = []
        if self.patterns.left_out:
            many = "1 pattern is" if self.patterns.left_out == 1 else f"{self.patterns.left_out} patterns are"
            told.append(f"{many} not heeded: too long, with too many wildcards, or too many in one file")
        if self.patterns.cut:
            told.append("only its first megabyte is heeded")
        return f"{'; '.join(told)}. What they would leave out is added. Shorten the file." if told else ""

    def ignores(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether they leave a path out, take it in again, or say nothing of it."""
        return self.patterns.ignores(path[len(self.folder) :].lstrip("/"), is_folder=is_folder)


class FolderReader:
    """Reads folders under the roots, by the rules about names, places and ignored files."""

    def __init__(self, files: ReadableFiles) -> None:
        self._files = files
        self._roots = files.roots

    def names(self, folder: str) -> tuple[str, FolderEntries]:
        """Where a folder that was opened really lies, and what it holds.

        Raises as `Roots.open` does; UnreadableMedia, too, where the drive fails.
        """
        with self._roots.open_folder(folder) as opened:
            try:
                return opened.path, _entries(opened.fd)
            except OSError as error:
                reason = f"{folder}: cannot be listed ({error.strerror}). Check its drive, and add it again."
                raise UnreadableMedia("internal", reason) from error

    def entries(self, folder: str, rules: Sequence[IgnoreFile] | None) -> Iterator[tuple[str, FolderEntry]]:
        """What a folder holds that no rule leaves out, in order of names; without rules all of it."""
        try:
            real, names = self.names(folder)
        except (NotAllowed, UnreadableMedia):
            return
        for name in sorted(names):
            path = os.path.join(real, name)
            target, is_folder = self.target(path, names[name])
            if is_folder is None:
                continue
            if rules is not None and (
                self.rule(path, target, is_folder=is_folder) or ignoring_file(rules, path, is_folder=is_folder)
            ):
                continue
            yield name, (path, target, is_folder)

    def target(self, path: str, is_folder: bool | None) -> tuple[str, bool | None]:
        """Where an entry leads: None for a pipe, a device, a broken link, or a link out of the roots."""
        if is_folder is not None:
            return path, is_folder
        real = real_path(path)
        if self._roots.covers(real) and os.path.isdir(real):
            return real, True
        return real, False if self._roots.covers(real) and os.path.isfile(real) else None

    def rule(self, path: str, target: str, *, is_folder: bool | None) -> str:
        """The rule that leaves an entry out by its name or its place, or empty."""
        if is_folder is None:
            return "leads out of the folders or to no file"
        if (path != target or self._files.has_library) and (never := self._files.never(target, is_folder=is_folder)):
            return never
        return name_rule(path.rpartition("/")[2], is_folder=is_folder)

    def rules_above(self, folder: str) -> list[IgnoreFile]:
        """The ignore files from the root down to a folder; none where they leave out that very folder."""
        root = self._roots.root_of(folder)
        rules: list[IgnoreFile] = []
        at = root
        for part in folder.removeprefix(root).split("/")[1:]:
            rules += self.rules_of(at, (".git", *IGNORE_FILES))
            at = os.path.join(at, part)
        return [] if ignoring_file(rules, folder, is_folder=True) else rules

    def rules_on_the_way(self, folder: str) -> list[IgnoreFile] | None:
        """The ignore files above a folder, if a walk from the root comes to it; None where a rule leaves it out.

        Raises as `names` does.
        """
        root = self._roots.root_of(folder)
        rules: list[IgnoreFile] = []
        at = root
        for part in folder.removeprefix(root).strip("/").split("/") if folder != root else ():
            _, names = self.names(at)
            if at != root and holds_environment(names):
                return None
            rules += self.rules_of(at, names)
            at = os.path.join(at, part)
            if self.rule(at, at, is_folder=True) or ignoring_file(rules, at, is_folder=True):
                return None
        return rules

    def rules_of(self, folder: str, names: Iterable[str]) -> Iterator[IgnoreFile]:
        """The ignore files in a folder that holds these names, the nearest last."""
        for name, within in ((_GIT_EXCLUDES, ".git"), *((name, name) for name in IGNORE_FILES)):
            if within in names:
                with (
                    suppress(NotAllowed, UnreadableMedia, OSError),
                    self._roots.open(os.path.join(folder, name)) as opened,
                ):
                    rules = IgnoreRules(os.pread(opened.fd, MAX_IGNORE_BYTES + 1, 0))
                    yield IgnoreFile(folder, name, rules, opened.mtime_ns / 1e9)


def folder_concerned(path: str) -> str:
    """The folder for which an ignore file speaks; empty for any other path."""
    if path.endswith(f"/{_GIT_EXCLUDES}"):
        return path.removesuffix(f"/{_GIT_EXCLUDES}")
    folder, _, name = path.rpartition("/")
    return folder if name in IGNORE_FILES else ""


def _entries(folder: int) -> FolderEntries:
    """What an open folder holds. Raises OSError."""
    names: FolderEntries = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            names[entry.name] = is_folder if is_folder or entry.is_file(follow_symlinks=False) else None
    return names


def ignoring_file(rules: Sequence[IgnoreFile], path: str, *, is_folder: bool) -> IgnoreFile | None:
    """The ignore file that leaves a path out, or None. The nearest that says anything decides."""
    for one in reversed(rules):
        verdict = one.ignores(path, is_folder=is_folder)
        if verdict is not None:
            return one if verdict else None
    return None
