"""A folder that is made from a model's weights once on a machine, and proves whole each time it is used.

A record beside its files holds their SHA-256 and what they were made of. A folder without such a record, or another
than its record says, is made anew. Several processes may do so at once: each makes a folder of its own, and one of them
stays.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mcp_mmretrieval.models.weights import file_sha256

_RECORD = "made.json"
_STALE_SECONDS = 3_600.0
"""Age of a half made folder whose process must have been killed."""


def made_once(folder: Path, of: Mapping[str, str], make: Callable[[Path], None]) -> Path:
    """The folder, with the files that `make` writes into an empty one; made unless it is there and whole.

    `of`: all that the files depend on. Raises OSError where the folder cannot be written, and what `make` raises.
    """
    if _is_whole(folder, of):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as aside:
        made = Path(aside, "made")
        made.mkdir()
        make(made)
        record = {"of": dict(of), "files": {file.name: file_sha256(file) for file in made.iterdir()}}
        (made / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        if not _is_whole(folder, of):  # else another process was faster
            _put(made, folder, of, Path(aside, "before"))
    return folder


def _remove_stale(folder: Path) -> None:
    """Delete what processes left behind that were killed while they made it."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _put(made: Path, folder: Path, of: Mapping[str, str], before: Path) -> None:
    """Rename `made` to `folder`, and what is there to `before`."""
    with contextlib.suppress(FileNotFoundError):
        folder.rename(before)
    try:
        made.rename(folder)
    except OSError:
        if not _is_whole(folder, of):  # else another process was faster
            raise


def _is_whole(folder: Path, of: Mapping[str, str]) -> bool:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        made: Mapping[str, str] = record["files"]
        return record["of"] == dict(of) and all(file_sha256(folder / name) == made[name] for name in made)
    except (OSError, ValueError, TypeError, KeyError):
        return False
