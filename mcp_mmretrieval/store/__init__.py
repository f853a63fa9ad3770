"""What the library holds, on disk: SQLite is the truth (`catalog`), Chroma an index over it (`index`).

One process owns a library folder (`lock`). Importing this package loads neither chromadb nor numpy.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.embedded_index import EmbeddedIndex
from mcp_mmretrieval.store.index import Index
from mcp_mmretrieval.store.lock import LibraryLock
from mcp_mmretrieval.store.records import (
    Change,
    ChosenProfile,
    Document,
    File,
    HeldPlace,
    IndexStatus,
    JobRow,
    KeptFile,
    ListedDocument,
    RemovalCounts,
    ScopeCounts,
    Space,
    SpaceSize,
    StoredSegment,
    TermShares,
    VectorRows,
)
from mcp_mmretrieval.store.recovery import CATALOG_NAME, INDEX_NAME, Recovery
from mcp_mmretrieval.store.scope import Scope
from mcp_mmretrieval.store.server_index import ServerIndex
from mcp_mmretrieval.store.vanished import VANISHED_DAYS

__all__ = [
    "VANISHED_DAYS",
    "Catalog",
    "Change",
    "ChosenProfile",
    "Document",
    "File",
    "HeldPlace",
    "Index",
    "IndexStatus",
    "JobRow",
    "KeptFile",
    "LibraryLock",
    "ListedDocument",
    "RemovalCounts",
    "Scope",
    "ScopeCounts",
    "Space",
    "SpaceSize",
    "Store",
    "StoredSegment",
    "TermShares",
    "VectorRows",
]


TIDY_SECONDS_AT_CLOSE = 1.0
"""Seconds that closing takes at most to free the catalog's file of what was removed; the next process goes on."""


class Store:
    """Lock, catalog and index of one library folder, opened and closed together.

    >>> with Store.open(folder) as store:
    ...     store.catalog.commit_read(document, segments, file=file)
    ...     store.index.nearest(space, "text", vector, Scope(), depth=100)
    """

    def __init__(self, lock: LibraryLock, recovery: Recovery, catalog: Catalog, index: Index) -> None:
        self.lock = lock
        self.recovery = recovery
        self.catalog = catalog
        self.index = index

    @classmethod
    def open(cls, folder: Path, server: IndexServer | None = None) -> Store:
        """Take the folder, made 0700 where it is missing. Returns at once: the index is checked in the background.

        `server`: where the index is; None for in the folder too.

        Raises LibraryUnavailable: held by another process, not ours, not writable, damaged, or too new.
        """
        lock = LibraryLock(folder)
        try:
            recovery = Recovery(folder)
            committed = threading.Event()
            catalog = Catalog(folder / CATALOG_NAME, on_commit=committed.set)
            recovery.begin(catalog)
        except BaseException:
            lock.close()
            raise
        place = folder / INDEX_NAME
        backend = ServerIndex(server, place, catalog) if server else EmbeddedIndex(place, catalog)
        return cls(lock, recovery, catalog, Index(backend, catalog, committed))

    def close(self) -> None:
        """Finish the running upsert, close both databases, let go of the folder. May be called twice."""
        self.recovery.close()
        self.index.close()
        until = time.monotonic() + TIDY_SECONDS_AT_CLOSE
        with suppress(LibraryUnavailable):  # closed before, or nothing can be written
            self.catalog.tidy(lambda: time.monotonic() < until)
        self.catalog.close()
        self.recovery.end()
        self.lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
