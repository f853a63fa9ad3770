"""Files by their names, and what a walk finds and leaves out of them."""

import os
from pathlib import Path

from mcp_mmretrieval.adding.walk import FoundFile, SkippedPath, walk, walk_changed
from mcp_mmretrieval.roots import Roots


def make(folder: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(root: Path, *paths: str, library: Path | None = None) -> list[str]:
    """Paths under the root, in the order in which they come."""
    items = walk(Roots([root]), paths, library=library)
    return [os.path.relpath(item.path, root) for item in items if isinstance(item, FoundFile)]


def skipped(root: Path, *paths: str, library: Path | None = None) -> dict[str, str]:
    items = walk(Roots([root]), paths, library=library)
    return {os.path.relpath(item.path, root): item.rule for item in items if isinstance(item, SkippedPath)}


def found_changed(root: Path, *names: str, library: Path | None = None) -> list[str]:
    """Paths under the root that count, of those that changed."""
    items = walk_changed(Roots([root]), [str(root / name) for name in names], library=library)
    return [os.path.relpath(item.path, root) for item in items if isinstance(item, FoundFile)]
