"""Which files of a folder count: walks folders, files and globs under the roots by the ignore rules.

Runs in the server, reads names only, and follows links no further than the roots. What is left out is counted by rule.
"""

# ruff: noqa: PTH112, PTH113, PTH118
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from mcp_mmretrieval.adding import sidecars
from mcp_mmretrieval.adding.ignore import IgnoreRules
from mcp_mmretrieval.errors import FailureCode, NotAllowed, UnreadableMedia
from mcp_mmretrieval.roots import Roots, StrPath, real_path
from mcp_mmretrieval.store.names import MAX_NEAR_NAMES, near_paths, paths_ending_in

MAX_WALK_ENTRIES = 1_000_000
"""Files and folders that are looked at in one walk."""

MAX_NAMES_LOOKED_AT = 20_000
"""Files whose names are compared with one that is not there."""

SECRETS_RULE = "keys and secrets"
"""The rule that leaves out what nobody wants an assistant to read."""

_BELONGS = "subtitles of a recording"
_GIT_EXCLUDES = ".git/info/exclude"
"""Git's rules that are not shared with others."""
IGNORE_FILES = (".gitignore", ".mmretrievalignore")
_SYSTEM_RULE = "system and unfinished files"
_IGNORE_BYTES = 1_000_000

_SECRET = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.ppk"),
            *("*.keystore", "*.kdbx", "*.kdb", "*.gpg", "*.pgp", "*.ovpn", "*.tfstate", "*.agekey", "wallet.dat"),
            *(".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf"),
            *(".htpasswd", ".git-credentials", ".dockercfg", ".vault-token", "credentials", "credentials.json"),
            *("credentials.csv", "credentials.db", "client_secret*.json", "service[-_]account*.json"),
            *("secrets.json", "secrets.toml", "secrets.ini", "secrets.yml", "secrets.yaml"),
            *("shadow", "authorized_keys", "login.keychain*", "logins.json", "key[34].db"),
        )
    )
)
"""Names, in lower case, of files with keys and passwords."""
_SECRET_FOLDERS = {".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", ".gcloud"}
_SYSTEM = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("~$*", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "*.lnk"),
            *("*.crdownload", "*.part", "*.partial", "*.download", "*.opdownload", "*.!ut", "$recycle.bin"),
            "system volume information",
        )
    )
)
"""Names, in lower case, of what systems and browsers leave in folders: locks, thumbnails, unfinished downloads."""
_LEFT_OUT = {"node_modules", "__pycache__", "__MACOSX"}
_ENVIRONMENT_MARKS = {"pyvenv.cfg", "conda-meta"}

_GLOB = re.compile(r"[*?\[]")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPath:
    """A path that was asked for, or a folder on the way, that cannot be looked into."""

    path: str
    code: FailureCode
    reason: str


WalkItem = FoundFile | SkippedPath | RefusedPath


def walk(roots: Roots, paths: Sequence[str] = (), *, library: StrPath | None = None) -> Iterator[WalkItem]:
    """What counts under the paths (files, folders, globs; none: the roots), in order of names, each file once.

    A path that is named outright need not keep to the rules about hidden and ignored files; those about the roots,
    keys and secrets and the library folder hold for all.
    """
    visit = _Walk(roots, (real_path(os.fspath(library)) or None) if library is not None else None)
    for path in paths or roots.folders:
        yield from visit.argument(path)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one ignore file."""

    folder: str
    name: str
    patterns: IgnoreRules
    written: float
    """When the file was last written, in seconds since 1970."""

    def ignores(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether they leave a path out, take it in again, or say nothing of it."""
        return self.patterns.ignores(path[len(self.folder) :].lstrip("/"), is_folder=is_folder)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that is still to be looked into, with the rules from above it."""

    path: str
    above: Sequence[_Rules]
    depth: int | None = None
    """Levels below it that are looked into as well; None for all."""
    named: bool = False


FolderEntries = dict[str, bool | None]
"""What a folder holds: True for folders, False for files, None for links and the rest."""
FolderEntry = tuple[str, str, bool]
"""A path in a folder, where it leads, and whether that is a folder."""
OwnedSubtitles = dict[str, tuple[str, ...]]
"""Recordings, and the subtitles that belong to each, as absolute paths."""


class _Walk:
    """One walk: what it has seen, and how many entries it may still look at."""

    def __init__(self, roots: Roots, library: str | None) -> None:
        self._roots = roots
        self._library = library
        self._files: set[str] = set()
        self._left = MAX_WALK_ENTRIES
        self._known: list[str] | None = None
        """Files under the roots, once one was asked for that is not there."""

    def argument(self, path: str) -> Iterator[WalkItem]:
        """What one argument names: a file, a folder, or a glob where nothing is called so."""
        try:
            real = self._roots.resolve(path)
        except NotAllowed as error:
            if _GLOB.search(path):
                yield from self._glob(path)
            else:
                yield from self._by_its_end(path, error)
            return
        is_folder = os.path.isdir(real)
        if rule := self._never(real, is_folder=is_folder):
            yield SkippedPath(path=real, rule=rule)
        elif is_folder:
            yield from self._tree(_Folder(real, self._rules_above(real), named=True))
        else:
            yield from self._file_by_name(real)

    def _file_by_name(self, real: str) -> Iterator[WalkItem]:
        folder, _, name = real.rpartition("/")
        owned: OwnedSubtitles = {}
        if sidecars.is_recording(name):
            owned = self._owned_at(folder)
        elif sidecars.suffix_of(name) in sidecars.SUBTITLE_SUFFIXES:
            owned = self._owned_at(folder) | self._owned_at(sidecars.folder_of_recordings(folder))
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
            every = walk(self._roots, there, library=self._library) if there else iter(())
            looked_at = islice(every, MAX_NAMES_LOOKED_AT)
            self._known = [item.path for item in looked_at if isinstance(item, FoundFile)]
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
            fixed = _GLOB.split(candidate, maxsplit=1)[0].rpartition("/")[0]
            rest = candidate[len(fixed) :]
            parts = rest.split("/")
            with suppress(NotAllowed):
                base = self._roots.resolve(fixed or "/")
                if self._never(base, is_folder=True):
                    continue
                depth = None if "**" in rest else rest.count("/") - 1
                for item in self._tree(_Folder(base, self._rules_above(base), depth, named=True)):
                    if isinstance(item, FoundFile) and _matches(item.path.removeprefix(base.rstrip("/")), parts):
                        matched = True
                        yield item
                    elif isinstance(item, FoundFile):
                        self._files.discard(item.path)
        if not matched:
            reason = f"{pattern}: nothing under the allowed folders matches, or a rule leaves it out."
            yield RefusedPath(path=pattern, code="not_found_or_not_allowed", reason=reason)

    def _tree(self, top: _Folder) -> Iterator[WalkItem]:
        """All that counts below a folder, depth first. Links may lead in circles: each folder is entered once."""
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
                stack.append(self._folder(step))

    def _folder(self, folder: _Folder) -> Iterator[WalkItem | _Folder]:
        """What one folder holds, in order of names."""
        try:
            real, names = self._names(folder.path)
        except NotAllowed as error:
            yield RefusedPath(path=folder.path, code="not_found_or_not_allowed", reason=str(error))
            return
        except UnreadableMedia as error:
            yield RefusedPath(path=folder.path, code=error.code, reason=str(error))
            return
        if not folder.named and not _ENVIRONMENT_MARKS.isdisjoint(names):
            yield SkippedPath(path=real, rule="virtual environment")
            return
        rules = [*folder.above, *self._rules_of(real, names)]
        kept: list[FolderEntry] = []
        for name in sorted(names):
            self._left -= 1
            if self._left < 0:
                yield SkippedPath(path=real, rule=f"beyond {MAX_WALK_ENTRIES:,} entries")
                break
            path = os.path.join(real, name)
            target, is_folder = self._target(path, names[name])
            if rule := self._rule(path, target, is_folder=is_folder):
                yield SkippedPath(path=path, rule=rule)
            elif ignoring := _ignored(rules, path, is_folder=bool(is_folder)):
                yield SkippedPath(path=path, rule=ignoring.name, since=ignoring.written)
            else:
                kept.append((path, target, bool(is_folder)))
        yield from self._kept(kept, replace(folder, path=real, above=rules))

    def _kept(self, kept: Sequence[FolderEntry], folder: _Folder) -> Iterator[WalkItem | _Folder]:
        """Files and folders that no rule leaves out; subtitles with the recordings to which they belong."""
        owned = self._owned(kept, folder.above)
        belonging = {sidecar for subtitles in owned.values() for sidecar in subtitles}
        if home := sidecars.folder_of_recordings(folder.path):
            rules = self._rules_above(home)
            there = self._owned_at(home, [*rules, *self._rules_of(home, IGNORE_FILES)]).values()
            belonging |= {sidecar for subtitles in there for sidecar in subtitles}
        for path, target, is_folder in kept:
            if not is_folder and path not in belonging:
                yield from self._file(target, owned.get(path, ()))
            elif not is_folder and home and folder.named:
                yield SkippedPath(path=path, rule=_BELONGS)
            elif is_folder and folder.depth != 0:
                yield _Folder(target, folder.above, None if folder.depth is None else folder.depth - 1)

    def _owned_at(self, folder: str, rules: Sequence[_Rules] | None = None) -> OwnedSubtitles:
        """The recordings in a folder with their subtitles; without rules of all that lies there."""
        return self._owned([entry for _, entry in self._entries(folder, rules)], rules) if folder else {}

    def _owned(self, kept: Sequence[FolderEntry], rules: Sequence[_Rules] | None) -> OwnedSubtitles:
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

    def _subtitles_in(self, folder: str, rules: Sequence[_Rules] | None) -> Iterator[tuple[str, str]]:
        """Subtitles in a folder and in the folders that it holds, with their path below it."""
        for name, (path, target, is_folder) in self._entries(folder, rules):
            within = [(f"{name}/{below}", entry) for below, entry in self._entries(target, rules)] if is_folder else []
            for below, (real, _, too_deep) in [*within, (name, (path, target, is_folder))]:
                if not too_deep and sidecars.suffix_of(below) in sidecars.SUBTITLE_SUFFIXES:
                    yield below, real

    def _entries(self, folder: str, rules: Sequence[_Rules] | None) -> Iterator[tuple[str, FolderEntry]]:
        """What a folder holds that no rule leaves out, in order of names; without rules all of it."""
        try:
            real, names = self._names(folder)
        except (NotAllowed, UnreadableMedia):
            return
        for name in sorted(names):
            path = os.path.join(real, name)
            target, is_folder = self._target(path, names[name])
            if is_folder is None:
                continue
            left_out = self._rule(path, target, is_folder=is_folder) or _ignored(rules or (), path, is_folder=is_folder)
            if rules is None or not left_out:
                yield name, (path, target, is_folder)

    def _file(self, real: str, sidecars: Iterable[str]) -> Iterator[FoundFile]:
        if real not in self._files:
            self._files.add(real)
            allowed = (real_path(path) for path in sidecars)
            yield FoundFile(path=real, sidecars=tuple(path for path in allowed if self._roots.covers(path)))

    def _names(self, folder: str) -> tuple[str, FolderEntries]:
        """Where a folder that was opened really lies, and what it holds. Raises as `Roots.open` does."""
        with self._roots.open_folder(folder) as opened, os.scandir(opened.fd) as entries:
            names: FolderEntries = {}
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                names[entry.name] = is_folder if is_folder or entry.is_file(follow_symlinks=False) else None
            return opened.path, names

    def _target(self, path: str, is_folder: bool | None) -> tuple[str, bool | None]:
        """Where an entry leads: None for a pipe, a device, a broken link, or a link out of the roots."""
        if is_folder is not None:
            return path, is_folder
        real = real_path(path)
        if self._roots.covers(real) and os.path.isdir(real):
            return real, True
        return real, False if self._roots.covers(real) and os.path.isfile(real) else None

    def _rule(self, path: str, target: str, *, is_folder: bool | None) -> str:
        """The rule that leaves an entry out by its name or its place, or empty."""
        name = path.rpartition("/")[2]
        if is_folder is None:
            return "leads out of the folders or to no file"
        if (path != target or self._library) and (never := self._never(target, is_folder=is_folder)):
            return never
        if _is_secret(name, is_folder=is_folder):
            return SECRETS_RULE
        if name.startswith("."):
            return "hidden"
        if is_folder and name in _LEFT_OUT:
            return name
        return _SYSTEM_RULE if _SYSTEM.match(name.lower()) else ""

    def _never(self, real: str, *, is_folder: bool) -> str:
        """The rule that holds even for what is named outright, or empty."""
        if self._library is not None and (real + "/").startswith(self._library + "/"):
            return "the library itself"
        *folders, name = real.removeprefix(self._roots.root_of(real)).split("/")
        secret = _is_secret(name, is_folder=is_folder) or any(_is_secret(part, is_folder=True) for part in folders)
        return SECRETS_RULE if secret else ""

    def _rules_above(self, folder: str) -> list[_Rules]:
        """The ignore files from the root down to a folder; none where they leave out that very folder."""
        root = self._roots.root_of(folder)
        rules: list[_Rules] = []
        at = root
        for part in folder.removeprefix(root).split("/")[1:]:
            rules += self._rules_of(at, (".git", *IGNORE_FILES))
            at = os.path.join(at, part)
        return [] if _ignored(rules, folder, is_folder=True) else rules

    def _rules_of(self, folder: str, names: Iterable[str]) -> Iterator[_Rules]:
        for name, within in ((_GIT_EXCLUDES, ".git"), *((name, name) for name in IGNORE_FILES)):
            if within in names:
                with suppress(NotAllowed, UnreadableMedia), self._roots.open(os.path.join(folder, name)) as opened:
                    rules = IgnoreRules(os.pread(opened.fd, _IGNORE_BYTES, 0))
                    yield _Rules(folder, name, rules, opened.mtime_ns / 1e9)


def _ignored(rules: Sequence[_Rules], path: str, *, is_folder: bool) -> _Rules | None:
    """The ignore file that leaves a path out, or None. The nearest that says anything decides."""
    for one in reversed(rules):
        verdict = one.ignores(path, is_folder=is_folder)
        if verdict is not None:
            return one if verdict else None
    return None


def _is_secret(name: str, *, is_folder: bool) -> bool:
    lower = name.lower()
    return lower in _SECRET_FOLDERS if is_folder else _SECRET.match(lower) is not None


def _matches(path: str, pattern: Sequence[str]) -> bool:
    """Whether a path matches a glob, part by part; `**` stands for any number of folders.

    In time that grows with the lengths only, whatever the pattern: it may come from anybody.
    """
    states = _reach({0}, pattern)
    for part in path.split("/"):
        stay = {state for state in states if state < len(pattern) and pattern[state] == "**"}
        go = {
            state + 1 for state in states - stay if state < len(pattern) and fnmatch.fnmatchcase(part, pattern[state])
        }
        states = _reach(stay | go, pattern)
    return len(pattern) in states


def _reach(states: set[int], pattern: Sequence[str]) -> set[int]:
    """The states, and those behind a `**` that may stand for nothing."""
    reached = set(states)
    for state in sorted(states):
        while state < len(pattern) and pattern[state] == "**":
            state += 1
            reached.add(state)
    return reached
