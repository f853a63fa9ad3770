"""Ignore files by Git's rules (gitignore(5), and wildmatch.c of Git for what the manual leaves open).

Written here since the libraries at hand differ from Git on folders: they take a pattern for all that lies below what it
names. Git asks about each folder on the way down, and never looks into one that is left out. Matching takes time that
grows with lengths only: strangers write such files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
MAX_PATTERNS = 5_000
"""Patterns of one ignore file. Of more the last ones stay: where several match, the last one counts."""
MAX_PATTERN_CHARACTERS = 1_000
MAX_WILDCARDS = 200
"""Of one pattern: `*`, `?` and `[`."""
MAX_IGNORE_BYTES = 1_000_000
"""Bytes of one ignore file that are read."""

_ANY = re.compile(r"(?s:.+)\Z")
_DEEP = None
"""Any number of folders: `**`."""

_Parts = tuple[re.Pattern[str] | None, ...]


class _NoPattern(ValueError):
    """A line that can match nothing."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: _Parts
    """One expression a name of the path, or `_DEEP`."""
    whole_path: bool
    """Whether the path from the ignore file on is meant; else only the last name."""
    folders_only: bool
    takes_in: bool
    """Whether it takes in again (`!`)."""

    def matches(self, names: Sequence[str]) -> bool:
        if not self.whole_path:
            part = self.parts[0]
            return part is not None and part.match(names[-1]) is not None
        return _match_parts(self.parts, names)


class IgnoreRules:
    """The patterns of one ignore file; of those that match, the last one counts."""

    def __init__(self, data: bytes) -> None:
        """Bytes of the file. Lines that are no patterns are passed over, as Git does.

        What is beyond the bounds is left out: only as many are left as can be asked about for each name.
        """
        lines = data[:MAX_IGNORE_BYTES].removeprefix(b"\xef\xbb\xbf").split(b"\n")
        cut = len(data) > MAX_IGNORE_BYTES
        if cut:
            lines.pop()  # half a pattern means something else
        fit = [line for line in lines if not _is_beyond(line)]
        patterns = [pattern for pattern in map(_pattern, fit) if pattern is not None]
        self._last_first = patterns[: -MAX_PATTERNS - 1 : -1]
        self.left_out = len(lines) - len(fit) + len(patterns) - len(self._last_first)
        """Patterns that are beyond the bounds."""
        self.cut = cut
        """Whether the file went on beyond what is read of it."""

    def __len__(self) -> int:
        """How many patterns are heeded."""
        return len(self._last_first)

    def ignores(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether they leave a path out, take it in again, or say nothing of it (None).

        `path` is relative to the file's folder. Folders above it must have been asked about before.
        """
        names = path.split("/")
        for pattern in self._last_first:
            if (is_folder or not pattern.folders_only) and pattern.matches(names):
                return not pattern.takes_in
        return None


def _is_beyond(line: bytes) -> bool:
    """Whether a line is a pattern that is too long, or has too many wildcards."""
    if line.startswith(b"#"):
        return False
    return len(line) > MAX_PATTERN_CHARACTERS or sum(map(line.count, (b"*", b"?", b"["))) > MAX_WILDCARDS


def _pattern(raw: bytes) -> _Pattern | None:
    line = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")  # as names of files are
    if line.startswith("#"):
        return None
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    takes_in = line.startswith("!")
    line = line[takes_in:]
    folders_only = line.endswith("/")
    line = line[: len(line) - folders_only]
    whole_path = "/" in line
    try:
        parts = _parts(line.removeprefix("/"), whole_path=whole_path)
    except _NoPattern:
        return None
    return _Pattern(parts, whole_path, folders_only, takes_in)


def _parts(glob: str, *, whole_path: bool) -> _Parts:
    """Expressions of the names in a pattern. Raises _NoPattern."""
    pieces: list[list[str]] = [[]]
    at = 0
    while at < len(glob):
        if glob[at] == "/":
            pieces.append([])
            at += 1
        else:
            token, at = _token(glob, at)
            pieces[-1].append(token)
    parts: list[re.Pattern[str] | None] = []
    for piece in pieces:
        if not piece:
            raise _NoPattern(glob)
        if piece == ["*", "*"] and whole_path:
            parts.append(_DEEP)
        else:
            parts.append(_name(piece))
    if parts[-1] is _DEEP:
        parts.insert(-1, _ANY)  # what lies in a folder, not the folder itself
    return tuple(parts)


def _token(glob: str, at: int) -> tuple[str, int]:
    """One character's expression, or a star; and where the next begins."""
    mark = glob[at]
    if mark == "*":
        return "*", at + 1
    if mark == "?":
        return ".", at + 1
    if mark == "[":
        return _class(glob, at + 1)
    if mark == "\\":
        if at + 1 == len(glob):
            raise _NoPattern(glob)
        return re.escape(glob[at + 1]), at + 2
    return re.escape(mark), at + 1


def _class(glob: str, at: int) -> tuple[str, int]:
    """The expression of `[a-z[:digit:]]`, whose inside begins at `at`."""
    negated = glob[at : at + 1] in ("!", "^")
    at += negated
    inside, start = "", at
    while glob[at : at + 1] != "]" or at == start:
        if named := re.compile(r"\[:([a-z]*):\]").match(glob, at):
            if named[1] not in _CLASSES:
                raise _NoPattern(glob)
            inside, at = inside + _CLASSES[named[1]], named.end()
            continue
        first, at = _member(glob, at)
        last = first
        if glob[at : at + 1] == "-" and glob[at + 1 : at + 2] not in ("", "]"):
            last, at = _member(glob, at + 1)
        inside += f"{re.escape(first)}-{re.escape(last)}" if first <= last else re.escape(first)
    if not inside:
        return "." if negated else "(?!)", at + 1
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _member(glob: str, at: int) -> tuple[str, int]:
    at += glob[at : at + 1] == "\\"
    if at >= len(glob):
        raise _NoPattern(glob)
    return glob[at], at + 1


def _name(tokens: Sequence[str]) -> re.Pattern[str]:
    """One expression for a name: the first place where a piece between two stars fits will do."""
    pieces: list[str] = [""]
    for before, token in zip(("", *tokens), tokens, strict=False):
        if token != "*":
            pieces[-1] += token
        elif before != "*":
            pieces.append("")
    head, *rest = pieces
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return re.compile(head + middle + (f".*{rest[-1]}" if rest else "") + r"\Z", re.DOTALL)


def _match_parts(parts: _Parts, names: Sequence[str]) -> bool:
    states = _reached({0}, parts)
    for name in names:
        stay = {state for state in states if state < len(parts) and parts[state] is _DEEP}
        go = set[int]()
        for state in states - stay:
            part = parts[state] if state < len(parts) else None
            if part is not None and part.match(name):
                go.add(state + 1)
        states = _reached(stay | go, parts)
    return len(parts) in states


def _reached(states: set[int], parts: _Parts) -> set[int]:
    """The states, and those behind a `**` that may stand for nothing."""
    reached = set(states)
    for state in states:
        while state < len(parts) and parts[state] is _DEEP:
            state += 1
            reached.add(state)
    return reached
