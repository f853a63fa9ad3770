"""Globs: which paths a pattern names, `**` any number of folders."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

_SIGN = re.compile(r"[*?\[]")


def is_glob(path: str) -> bool:
    """Whether a path has a sign of a glob in it."""
    return _SIGN.search(path) is not None


def fixed_folder(pattern: str) -> str:
    """The folder below which all lies that a glob names; empty where its first name is not fixed."""
    return _SIGN.split(pattern, maxsplit=1)[0].rpartition("/")[0]


def matches_glob(path: str, pattern: Sequence[str]) -> bool:
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
