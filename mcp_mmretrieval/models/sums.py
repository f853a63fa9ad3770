"""What names a model's content, said without reading it each time: for a folder, a sum that is kept while it stays."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.models import fetching, snapshots


def of(spec: ModelSpec, cache: Path) -> str:
    """The commit, or what `snapshots.located` says of the folder, kept in `cache` by its files' sizes and times.

    Raises ModelUnavailable for a folder that holds no model.
    """
    if not spec.in_folder:
        return spec.revision
    kept = cache / "sums" / _state(Path(spec.model), spec)
    try:
        return kept.read_text(encoding="ascii")
    except (OSError, ValueError):
        _, found = snapshots.located(spec)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = kept.with_name(f"{kept.name}.{os.getpid()}")
        made.write_text(found, encoding="ascii")
        made.replace(kept)
    except OSError:
        pass  # it is read again the next time
    return found


def _state(folder: Path, spec: ModelSpec) -> str:
    """Names the folder and the names, sizes and times of the files that make up a model."""
    lines = [str(folder)]
    for file in sorted({file for name in fetching.names(spec) for file in folder.rglob(name)}):
        try:
            state = file.stat()
        except OSError:
            continue  # a link to nothing: what reads it says so
        lines.append(f"{file.relative_to(folder).as_posix()} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
