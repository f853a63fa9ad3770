"""Whether the index has what the catalog says, asked of it as a whole. For who holds the library's lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import index
from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.chroma import ChromaFailed, remove_index
from mcp_mmretrieval.store.closing_mark import ClosingMark
from mcp_mmretrieval.store.index_process import IndexProcess


@dataclass(frozen=True, slots=True)
class IndexFinding:
    """How an index is."""

    text: str
    sound: bool


def examine_index(folder: Path, catalog: Catalog) -> IndexFinding:
    """Open the index and compare all of it with the catalog. Raises LibraryUnavailable where no process starts."""
    lacks, total = catalog.behind()
    lanes = catalog.lanes()
    if (claim := catalog.index_claim()) is not None:
        text = f"it is on a server, in the collections {claim.name}-…, which are looked at when the library is opened"
        return IndexFinding(text, sound=True)
    if not any(lanes.values()):
        needed = total > index.MAX_SCANNED_VECTORS
        how = "is made when the library is opened" if needed else f"is not needed for {total:,} vectors"
        return IndexFinding(f"there is none, and it {how}", sound=True)
    problem = _problem(folder, catalog, total)
    if problem:
        return IndexFinding(f"it is damaged: {problem}", sound=False)
    behind = f"; {lacks:,} are added or forgotten when the library is opened" if lacks else ""
    return IndexFinding(f"it has {max(0, total - lacks):,} of {total:,} vectors{behind}", sound=True)


def discard_index(folder: Path, catalog: Catalog) -> None:
    """Remove the index: it is made from the catalog anew when the library is opened."""
    catalog.unfollow()
    ClosingMark(folder).take({})
    remove_index(folder)


def _problem(folder: Path, catalog: Catalog, total: int) -> str | None:
    if not folder.is_dir() or folder.is_symlink():
        return "it has no folder of its own"
    lanes, mark = catalog.lanes(), ClosingMark(folder)
    mark.take(lanes)  # it is not closed in order until this has closed it
    try:
        process = IndexProcess(folder, threading.Event())
    except ChromaFailed as error:  # which says nothing of the index
        raise LibraryUnavailable(f"The index cannot be looked at: {error}. Free memory, and try again.") from error
    try:
        found = process.open(catalog.path, total, sample=False)
        if found is None:
            process.close()
            mark.set(lanes)
        return found
    except ChromaFailed as error:
        return str(error)
    finally:
        process.end()
