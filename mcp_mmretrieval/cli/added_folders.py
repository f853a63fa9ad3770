"""The folders that a person added at a terminal: what the command line sees of a library where no root is named.

A log in the library's folder, a line for each folder that was added or taken out. Only the command line reads it: what
an assistant may see is bounded by its own roots alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from mcp_mmretrieval.adding.globs import fixed_folder, is_glob
from mcp_mmretrieval.config.sources import default_library_path
from mcp_mmretrieval.front.own_folder import make_own_folder

LOG_NAME = "terminal-folders.jsonl"
"""Under the library's folder. A line: `["added", "/home/me/Documents"]`."""

Event = Literal["added", "removed"]


def added_folders(given: dict[str, object]) -> list[str]:
    """The outermost folders that were added to the library of these settings, in the order of adding."""
    noted: dict[str, None] = {}
    for event, folder in _events(_log(given)):
        noted.pop(folder, None)
        if event == "added":
            noted[folder] = None
    return [folder for folder in noted if not _covered(folder, set(noted) - {folder})]


def note_folders(given: dict[str, object], event: Event, folders: Iterable[str]) -> None:
    """Note that folders were added, or taken out. Raises OSError."""
    known = set(added_folders(given))
    new = [one for one in dict.fromkeys(folders) if (one in known) == (event == "removed")]
    if new:
        log = _log(given)
        make_own_folder(str(log.parent))
        lines = "".join(json.dumps([event, folder]) + "\n" for folder in new)  # in ASCII: a name may be no UTF-8
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(lines)


def with_roots(given: dict[str, object], named: Sequence[str] = ()) -> dict[str, object]:
    """The settings with what a person sees as roots, unless they name roots.

    That is what was added at a terminal, and the folders of the absolute paths that this command line names: who types
    a path may read it.
    """
    if given.get("roots"):
        return given
    roots = added_folders(given)
    roots += [folder for path in named if not _covered(folder := folder_of(path), roots)]
    return {**given, "roots": list(dict.fromkeys(roots))}


def folder_of(path: str) -> str:
    """The folder that an absolute path names: itself, the one that a file lies in, or that a glob begins with."""
    if os.path.isdir(path):  # noqa: PTH112  Path's own raises where a folder above may not be searched
        return os.path.realpath(path)
    if is_glob(path) and not os.path.lexists(path):
        return os.path.realpath(fixed_folder(path) or "/")
    return os.path.realpath(os.path.dirname(path))  # noqa: PTH120


def _events(log: Path) -> list[tuple[Event, str]]:
    """What was noted; a line that a crash cut short is none."""
    try:
        lines = log.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found: list[tuple[Event, str]] = []
    for line in lines:
        with suppress(ValueError, TypeError):
            event, folder = json.loads(line)
            if event in ("added", "removed") and os.path.isabs(folder):  # noqa: PTH117
                found.append((event, folder))
    return found


def _covered(folder: str, others: Iterable[str]) -> bool:
    return any(folder == other or folder.startswith(f"{other.rstrip('/')}/") for other in others)


def _log(given: dict[str, object]) -> Path:
    return Path(str(given.get("library") or default_library_path())) / LOG_NAME
