"""Which files of a folder count: walks folders, files and globs under the roots by the ignore rules.

Runs in the server, reads names only, and follows links no further than the roots. What is left out is counted by rule.
"""

# ruff: noqa: PTH112, PTH118, PTH120
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from mcp_mmretrieval.adding import sidecars
from mcp_mmretrieval.adding.folders import IGNORE_FILES, FolderEntry, FolderReader, IgnoreFile, ignoring_file
from mcp_mmretrieval.adding.globs import fixed_folder, is_glob, matches_glob
from mcp_mmretrieval.adding.left_out import holds_environment
from mcp_mmretrieval.errors import FailureCode, NotAllowed, UnreadableMedia
from mcp_mmretrieval.roots import Roots, StrPath, real_path
from mcp_mmretrieval.roots.readable import ReadableFiles
from mcp_mmretrieval.store.names import MAX_NEAR_NAMES, near_paths, paths_ending_in

MAX_WALK_ENTRIES = 1_000_000
"""Files and folders that are looked at in one walk."""

MORE_ENTRIES_NOTE = (
    "From here on nothing more was looked at, since one walk looks at so many files and folders at most. Add the "
    "folders below one by one."
)

MAX_NAMES_LOOKED_AT = 20_000
"""Files whose names are compared with one that is not there."""

_BELONGS = "subtitles of a recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that counts."""

    path: str
    """Absolute real path."""
    sidecars: tuple[str, ...] = ()
    """Absolute real paths of the subtitles that belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedPath:
    """A file or folder that a rule leaves out; a folder counts once, with all that it holds."""

    path: str
    rule: str
    """`hidden`, `.gitignore`, `keys and secrets`, ...: to be counted by."""
    since: float | None = None
    """When the ignore file that leaves it out was last written, in seconds since 1970; None for other rules."""
    note: str = ""
    """What to do about it, where a person should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPath:
    """A path that was asked for, or a folder on the way, that cannot be looked into."""

    path: str
    code: FailureCode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedPath:
    """A path of which a person should know something: an ignore file that is not heeded in full."""

    path: str
    note: str


@dataclass(frozen=True, slots=True)
class StillWalking:
    """Nothing was come to for a while: whoever has a clock looks at it now."""


WalkItem = FoundFile | SkippedPath | RefusedPath | NotedPath | StillWalking

LOOK_EVERY_STEPS = 10_000
"""Steps after which a walk comes up for air: entries of one folder, and the patterns that each is compared with."""


def walk(roots: Roots, paths: Sequence[str] = (), *, library: StrPath | None = None) -> Iterator[WalkItem]:
    """What counts under the paths (files, folders, globs; none: the roots), in order of names, each file once.

    A path that is named outright need not keep to the rules about hidden and ignored files; those about the roots,
    keys and secrets and the library folder hold for all.
    """
    visit = _Walk(ReadableFiles(roots, library))
    for path in paths or roots.folders:
        yield from visit.argument(path)


def walk_changed(roots: Roots, changed: Iterable[str], *, library: StrPath | None = None) -> Iterator[WalkItem]:
    """What counts of absolute paths that changed, by all rules, as walks from the roots would come to them.

    Of a folder that changed all that it holds, of subtitles the recordings beside them, of what is gone nothing.
    """
    visit = _Walk(ReadableFiles(roots, library))
    by_folder = defaultdict[str, set[str]](set)
    for path in changed:
        folder, _, name = path.rpartition("/")
        real = path if path in roots.folders else os.path.join(real_path(folder), name)
        if roots.covers(real):
            by_folder["" if real in roots.folders else os.path.dirname(real)].add(real)
    for root in sorted(by_folder.pop("", ())):
        yield from visit.argument(root)
    for folder in sorted(by_folder):
        yield from visit.changed(folder, by_folder[folder])


def walked_folders(roots: Roots, folder: str, *, library: StrPath | None = None) -> Iterator[str]:
    """The folders that a walk of a root comes to, as absolute real paths, the root first."""
    return _Walk(ReadableFiles(roots, library)).folders(folder)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that is still to be looked into, with the rules from above it."""

    path: str
    above: Sequence[IgnoreFile]
    depth: int | None = None
    """Levels below it that are looked into as well; None for all."""
    named: bool = False


OwnedSubtitles = dict[str, tuple[str, ...]]
"""Recordings, and the subtitles that belong to each, as absolute paths."""


class _Walk:
    """One walk: what it has seen, and how many entries it may still look at."""

    def __init__(self, files: ReadableFiles) -> None:
        self._readable = files
        self._roots = files.roots
        self._reader = FolderReader(files)
        self._files: set[str] = set()
        self._left = MAX_WALK_ENTRIES
        self._known: list[str] | None = None
        """Files under the roots, once one was asked for that is not there."""

    def argument(self, path: str) -> Iterator[WalkItem]:
        """What one argument names: a file, a folder, or a glob where nothing is called so."""
        try:
            real = self._roots.resolve(path)
        except NotAllowed as error:
            if is_glob(path):
                yield from self._glob(path)
            else:
                yield from self._by_its_end(path, error)
            return
        is_folder = os.path.isdir(real)
        if rule := self._readable.never(real, is_folder=is_folder):
            yield SkippedPath(path=real, rule=rule)
        elif is_folder:
            above = self._reader.rules_above(real)
            yield from _noted(above)
            yield from self._tree(_Folder(real, above, named=True))
        else:
            yield from self._file_by_name(real)

    def _file_by_name(self, real: str) -> Iterator[WalkItem]:
        folder, _, name = real.rpartition("/")
        owned: OwnedSubtitles = {}
        if sidecars.is_recording(name):
            owned = self._owned_at(folder)
        elif sidecars.suffix_of(name) in sidecars.SUBTITLE_SUFFIXES:
            owned = self._owned_at(folder) | self._owned_at(self._home(folder))
        if any(real in subtitles for subtitles in owned.values()):
            yield SkippedPath(path=real, rule=_BELONGS)
        else:
            yield from self._file(real, owned.get(real, ()))

    def _by_its_end(self, path: str, error: NotAllowed) -> Iterator[WalkItem]:
        """The only file whose path ends so; else what is called nearly so is named."""
        if path in self._roots.folders:
            reason = f"{path}: this allowed folder does not exist. Correct --root, or make the folder."
            yield RefusedPath(path=path, code="not_found_or_not_allowed", reason=reason)
            return
        if self._known is None:
            there = [folder for folder in self._roots.folders if os.path.isdir(folder)]
            visit = _Walk(self._readable)
            every = (item for folder in there for item in visit.argument(folder))
            self._known = []
            for item in islice(every, MAX_NAMES_LOOKED_AT):
                if isinstance(item, FoundFile):
                    self._known.append(item.path)
                yield StillWalking()
        ending = paths_ending_in(path, self._known)
        if len(ending) == 1:
            yield from self._file_by_name(ending[0])
            return
        near = (ending or near_paths(path, self._known))[:MAX_NEAR_NAMES]
        if near:
            error = NotAllowed(path, f"Did you mean {' or '.join(self._roots.citation(one) for one in near)}?")
        elif missing := self._roots.missing:
            error = NotAllowed(path, f"The allowed folder {missing[0]} does not exist: correct --root, or make it.")
        yield RefusedPath(path=path, code="not_found_or_not_allowed", reason=str(error))

    def _glob(self, pattern: str) -> Iterator[WalkItem]:
        """Files under the pattern's fixed part that match it. The rules hold for them."""
        matched = False
        for candidate in self._roots.readings(pattern):
            fixed = fixed_folder(candidate)
            rest = candidate[len(fixed) :]
            parts = rest.split("/")
            with suppress(NotAllowed):
                base = self._roots.resolve(fixed or "/")
                if self._readable.never(base, is_folder=True):
                    continue
                depth = None if "**" in rest else rest.count("/") - 1
                for item in self._tree(_Folder(base, self._reader.rules_above(base), depth, named=True)):
                    if isinstance(item, FoundFile) and matches_glob(item.path.removeprefix(base.rstrip("/")), parts):
                        matched = True
                        yield item
                        continue
                    if isinstance(item, FoundFile):
                        self._files.discard(item.path)
                    yield StillWalking()
        if not matched:
            reason = f"{pattern}: nothing under the allowed folders matches, or a rule leaves it out."
            yield RefusedPath(path=pattern, code="not_found_or_not_allowed", reason=reason)

    def changed(self, folder: str, paths: Set[str]) -> Iterator[WalkItem]:
        """What counts of some paths in a folder; nothing where a rule leaves the folder out, or it cannot be read."""
        wanted = paths | {real_path(path) for path in paths}
        try:
            rules = self._reader.rules_on_the_way(folder)
        except (NotAllowed, UnreadableMedia):  # gone meanwhile, or out of reach: which of them is judged elsewhere
            return
        if rules is None or not os.path.isdir(folder):
            return
        subtitles = any(sidecars.suffix_of(path) in sidecars.SUBTITLE_SUFFIXES for path in paths)
        for step in self._folder(_Folder(folder, rules, named=folder in self._roots.folders)):
            if isinstance(step, _Folder):
                if step.path in wanted:
                    yield from self._tree(step)
            elif isinstance(step, NotedPath | StillWalking) or step.path in wanted:
                yield step
            elif isinstance(step, FoundFile):
                if subtitles and sidecars.is_recording(step.path):
                    yield step
                else:
                    self._files.discard(step.path)
        if home := self._home(folder) if subtitles else "":
            beside = {path for path, _, _ in self._recordings(home)}
            yield from self.changed(home, beside - self._files)

    def folders(self, top: str) -> Iterator[str]:
        """The folders that a walk from a root comes to."""
        for step in self._steps(_Folder(top, (), named=True)):
            if isinstance(step, _Folder):
                yield step.path

    def _recordings(self, folder: str) -> Iterator[FolderEntry]:
        return (entry for name, entry in self._reader.entries(folder, None) if sidecars.is_recording(name))

    def _tree(self, top: _Folder) -> Iterator[WalkItem]:
        """All that counts below a folder, depth first."""
        return (step for step in self._steps(top) if not isinstance(step, _Folder))

    def _steps(self, top: _Folder) -> Iterator[WalkItem | _Folder]:
        """The same with the folders that are entered. Links may lead in circles: each folder is entered once."""
        entered: set[str] = set()
        stack: list[Iterator[WalkItem | _Folder]] = [iter([top])]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
            elif not isinstance(step, _Folder):
                yield step
            elif step.path not in entered:
                entered.add(step.path)
                yield step
                stack.append(self._folder(step))

    def _folder(self, folder: _Folder) -> Iterator[WalkItem | _Folder]:
        """What one folder holds, in order of names."""
        try:
            real, names = self._reader.names(folder.path)
        except NotAllowed as error:
            yield RefusedPath(path=folder.path, code="not_found_or_not_allowed", reason=str(error))
            return
        except UnreadableMedia as error:
            yield RefusedPath(path=folder.path, code=error.code, reason=str(error))
            return
        if not folder.named and holds_environment(names):
            yield SkippedPath(path=real, rule="virtual environment")
            return
        own = list(self._reader.rules_of(real, names))
        yield from _noted(own)
        rules = [*folder.above, *own]
        kept: list[FolderEntry] = []
        steps, each = 0, 1 + sum(len(one.patterns) for one in rules)
        for name in sorted(names):
            self._left -= 1
            steps += each
            if steps >= LOOK_EVERY_STEPS:
                steps = 0
                yield StillWalking()
            if self._left < 0:
                note = MORE_ENTRIES_NOTE if self._left == -1 else ""
                yield SkippedPath(path=real, rule=f"beyond {MAX_WALK_ENTRIES:,} entries", note=note)
                break
            path = os.path.join(real, name)
            target, is_folder = self._reader.target(path, names[name])
            if rule := self._reader.rule(path, target, is_folder=is_folder):
                yield SkippedPath(path=path, rule=rule)
            elif ignoring := ignoring_file(rules, path, is_folder=bool(is_folder)):
                yield SkippedPath(path=path, rule=ignoring.name, since=ignoring.written)
            else:
                kept.append((path, target, bool(is_folder)))
        yield from self._kept(kept, replace(folder, path=real, above=rules))

    def _kept(self, kept: Sequence[FolderEntry], folder: _Folder) -> Iterator[WalkItem | _Folder]:
        """Files and folders that no rule leaves out; subtitles with the recordings to which they belong."""
        owned = self._owned(kept, folder.above)
        belonging = {sidecar for subtitles in owned.values() for sidecar in subtitles}
        home = self._home(folder.path)
        if home:
            rules = self._reader.rules_above(home)
            there = self._owned_at(home, [*rules, *self._reader.rules_of(home, IGNORE_FILES)]).values()
            belonging |= {sidecar for subtitles in there for sidecar in subtitles}
        for path, target, is_folder in kept:
            if not is_folder and path not in belonging:
                yield from self._file(target, owned.get(path, ()))
            elif not is_folder and home and folder.named:
                yield SkippedPath(path=path, rule=_BELONGS)
            elif is_folder and folder.depth != 0:
                yield _Folder(target, folder.above, None if folder.depth is None else folder.depth - 1)

    def _home(self, folder: str) -> str:
        """The folder of the recordings to which a folder's subtitles may belong, if it lies under the roots."""
        home = sidecars.folder_of_recordings(folder)
        return home if home and self._roots.covers(home) else ""

    def _owned_at(self, folder: str, rules: Sequence[IgnoreFile] | None = None) -> OwnedSubtitles:
        """The recordings in a folder with their subtitles; without rules of all that lies there."""
        return self._owned([entry for _, entry in self._reader.entries(folder, rules)], rules) if folder else {}

    def _owned(self, kept: Sequence[FolderEntry], rules: Sequence[IgnoreFile] | None) -> OwnedSubtitles:
        """The recordings among the entries of one folder that have subtitles, there or in a folder of subtitles."""
        files = {path.rpartition("/")[2]: path for path, _, is_folder in kept if not is_folder}
        if not any(map(sidecars.is_recording, files)):
            return {}
        for path, target, is_folder in kept:
            name = path.rpartition("/")[2]
            if is_folder and name.lower() in sidecars.SUBTITLE_FOLDERS:
                files |= {f"{name}/{below}": real for below, real in self._subtitles_in(target, rules)}
        owned = sidecars.owned(files)
        return {files[film]: tuple(files[name] for name in names) for film, names in owned.items()}

    def _subtitles_in(self, folder: str, rules: Sequence[IgnoreFile] | None) -> Iterator[tuple[str, str]]:
        """Subtitles in a folder and in the folders that it holds, with their path below it."""
        for name, (path, target, is_folder) in self._reader.entries(folder, rules):
            entries = self._reader.entries(target, rules) if is_folder else ()
            within = [(f"{name}/{below}", entry) for below, entry in entries]
            for below, (real, _, too_deep) in [*within, (name, (path, target, is_folder))]:
                if not too_deep and sidecars.suffix_of(below) in sidecars.SUBTITLE_SUFFIXES:
                    yield below, real

    def _file(self, real: str, sidecars: Iterable[str]) -> Iterator[FoundFile]:
        if real not in self._files:
            self._files.add(real)
            allowed = (real_path(path) for path in sidecars)
            yield FoundFile(path=real, sidecars=tuple(path for path in allowed if self._roots.covers(path)))


def _noted(rules: Iterable[IgnoreFile]) -> Iterator[NotedPath]:
    """What of ignore files is not heeded."""
    for one in rules:
        if note := one.note:
            yield NotedPath(path=one.path, note=note)
