"""Which of the held paths somebody means who wrote only the end of one, or misspelt it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote

MAX_NEAR_NAMES = 3
"""Paths that are suggested at most."""
MAX_COMPARED_NAMES = 20_000
"""Names that are compared letter by letter at most: each takes some microseconds."""


def paths_ending_in(written: str, paths: Sequence[str]) -> list[str]:
    """The paths whose last parts are the written ones, whatever their case and the form of their accents.

    The written ones may be percent-encoded, as in a citation.
    """
    wanted = _parts(written)
    if not wanted or written.startswith("/"):
        return []
    if (decoded := unquote(written)) != written and (found := paths_ending_in(decoded, paths)):
        return found
    named = (path for path in paths if _plain(path.rpartition("/")[2]) == wanted[-1])
    return [path for path in named if _parts(path)[-len(wanted) :] == wanted]


def near_paths(written: str, paths: Sequence[str]) -> list[str]:
    """At most `MAX_NEAR_NAMES` paths called nearly like a written one: of the same stem first, then the most alike."""
    wanted = _plain(unquote(written).rstrip("/").rpartition("/")[2])
    named: dict[str, list[str]] = {}
    for path in paths:
        named.setdefault(_plain(path.rpartition("/")[2]), []).append(path)
    names = list(named)[:MAX_COMPARED_NAMES]
    stem = wanted.rpartition(".")[0] or wanted
    same = [name for name in names if name == wanted or (name.rpartition(".")[0] or name) == stem]
    alike = difflib.get_close_matches(wanted, names, MAX_NEAR_NAMES, 0.7)
    found = [path for name in dict.fromkeys([*same, *alike]) for path in named[name]]
    return found[:MAX_NEAR_NAMES]


def _parts(path: str) -> list[str]:
    return [part for part in _plain(path).split("/") if part not in ("", ".")]


def _plain(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
