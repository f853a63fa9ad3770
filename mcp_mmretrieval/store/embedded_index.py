"""The index in the library's own folder: Chroma in a process of its own (`index_process`)."""

from __future__ import annotations

import math
import os
import shutil
import threading
from pathlib import Path

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.chroma import ChromaFailed, remove_index
from mcp_mmretrieval.store.closing_mark import ClosingMark
from mcp_mmretrieval.store.index_backend import MAX_NEIGHBOURS, OpenIndex, UnsoundIndex
from mcp_mmretrieval.store.index_process import IndexProcess, ProcessFailed

MAX_INDEX_DEATHS = 3
"""Ends of the process, not asked for, after which its index is taken for damaged, though no check says so."""
MIN_FREE_DISK_BYTES = 64 << 20
"""Bytes of free disk below which a failure is the disk's, and building anew would not help."""


class EmbeddedIndex:
    """Opens, makes and removes the index in one folder. See `IndexBackend`."""

    server = ""
    max_neighbours = MAX_NEIGHBOURS
    search_seconds = math.inf

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder = folder
        self._catalog = catalog
        self._mark = ClosingMark(folder)
        self._deaths = 0

    def open(self, stop: threading.Event) -> OpenIndex:
        """See `IndexBackend.open`. What is wrong has to show twice, and a bad index ends its process, not this one."""
        if (claim := self._catalog.index_claim()) is not None:
            raise UnsoundIndex(f"it was on a server, which may still have the collections {claim.name}-…")
        lanes = self._catalog.lanes()
        closed = self._mark.take(lanes)
        if not self._folder.is_dir() or self._folder.is_symlink():
            raise UnsoundIndex("it had no folder of its own")
        found = ""
        for sample in (closed, False):
            process = IndexProcess(self._folder, stop)
            found = self._problem(process, sample=sample)
            if not found:
                process.followed = {lane: upto for lane, upto in lanes.items() if upto}
                return process
            process.end()
            if stop.is_set():
                raise ProcessFailed("the library is being closed")
        raise UnsoundIndex(found)

    def _problem(self, process: IndexProcess, *, sample: bool) -> str:
        """What is wrong with the index; empty where the process has it open now, and has read it in."""
        _, total = self._catalog.behind()
        try:
            return process.open(self._catalog.path, total, sample=sample) or ""
        except ChromaFailed as error:
            return str(error)

    def begin(self, stop: threading.Event) -> OpenIndex:
        """See `IndexBackend.begin`."""
        self._catalog.unfollow()  # first: it must never believe in an index that is gone
        self._mark.take({})
        process = IndexProcess(self._folder, stop)
        try:
            process.begin()
        except BaseException:
            process.end()
            raise
        self._deaths = 0
        return process

    def close(self, opened: OpenIndex) -> None:
        """Write out, end the process, and say so beside the folder."""
        assert isinstance(opened, IndexProcess)
        lanes = self._catalog.lanes()
        opened.close()
        self._mark.set(lanes)

    def remove(self) -> None:
        """Remove the folder, or what lies in its place."""
        if os.path.lexists(self._folder):  # a link to nothing too
            self._mark.take({})
            remove_index(self._folder)

    def is_unsound_after(self, error: Exception) -> bool:
        """Whether the index itself has to go. A process that ended proves nothing: it is started again."""
        if isinstance(error, ProcessFailed):
            self._deaths += 1
            return self._deaths >= MAX_INDEX_DEATHS
        return not isinstance(error, LibraryUnavailable) and self._disk_has_room()

    def _disk_has_room(self) -> bool:
        """Whether the disk has room, so that a failure is the index's own."""
        try:
            return shutil.disk_usage(self._folder.parent).free > MIN_FREE_DISK_BYTES
        except OSError:
            return False
