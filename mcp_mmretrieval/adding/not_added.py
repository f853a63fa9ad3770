"""How many files under the roots the library does not hold, counted bit by bit in the time that an answer can spare."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator

from mcp_mmretrieval.adding.walk import FoundFile, StillWalking, WalkItem, walk
from mcp_mmretrieval.roots import Roots, StrPath
from mcp_mmretrieval.store import Catalog

REMEMBERED_SHARE = 100
"""For so many times as long as it took a walk is not made again: what was put there meanwhile is counted then."""
REMEMBERED_SECONDS = 60.0
"""The same, at most."""
GOING_ON_SHARE = 0.2
"""Share of the time that an answer takes to go on with a walk that an earlier one began."""
FILES_LOOKED_UP = 64
"""Files that are looked up in the catalog together."""


class NotAddedFiles:
    """The files of one connection that are not added, as far as it has walked. Thread-safe."""

    def __init__(
        self, catalog: Catalog, roots: Roots, library: StrPath, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._catalog = catalog
        self._roots = roots
        self._library = library
        self._walking = threading.Lock()
        self._items: Iterator[WalkItem] | None = None
        """The rest of the walk; None where none was begun, or it has ended."""
        self._spent = 0.0
        """Seconds of walking that the walk took so far."""
        self._ended = float("-inf")
        """When it ended."""
        self._complete = False
        """Whether it has ended."""
        self._found: list[str] = []
        """Files that were not held when they were come to."""

    def count(self, seconds: float, but: Collection[str] = ()) -> tuple[int, bool]:
        """How many there are without `but`, and whether all were counted: walks on for so many seconds at most.

        What was added since it was counted no longer counts. A walk that has ended is good for a while.
        """
        if self._walking.acquire(blocking=False):  # one walks, whoever comes meanwhile is told what is known
            try:
                self._walk_on(seconds)
            finally:
                self._walking.release()
        found = [path for path in list(self._found) if path not in but]
        return len(self._catalog.unheld(found)), self._complete

    def _walk_on(self, seconds: float) -> None:
        if self._items is not None:
            seconds *= GOING_ON_SHARE
        elif self._clock() < self._ended + min(REMEMBERED_SHARE * self._spent, REMEMBERED_SECONDS):
            return
        else:
            self._items = walk(self._roots, (), library=self._library)
            self._complete, self._spent, self._found = False, 0.0, []
        began = self._clock()
        while self._clock() < began + seconds:
            files, ended = _next_files(self._items)
            self._found += self._catalog.unheld(files)
            if ended:
                self._items, self._complete, self._ended = None, True, self._clock()
                break
        self._spent += self._clock() - began


def _next_files(items: Iterator[WalkItem]) -> tuple[list[str], bool]:
    """The files among the next few items, until the clock is looked at again; and whether the walk has ended."""
    files: list[str] = []
    for _ in range(FILES_LOOKED_UP):
        match next(items, None):
            case None:
                return files, True
            case FoundFile(path=path):
                files.append(path)
            case StillWalking():
                break
    return files, False
