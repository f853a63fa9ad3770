"""A look through the whole catalog, in the background, after a process that did not close it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mcp_mmretrieval.errors import LibraryUnavailable

if TYPE_CHECKING:
    from mcp_mmretrieval.store.catalog import Catalog

logger = logging.getLogger(__name__)


class QuickCheck:
    """Reads the file once, in a thread: seconds for a gigabyte, for which nobody should wait."""

    def __init__(self, catalog: Catalog) -> None:
        self.problem = ""
        """What is wrong with the catalog, once it is known."""
        self._catalog = catalog
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quick check", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until all was read; whether it came to that."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """End it where it is. May be called twice."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self.problem = self._catalog.quick_check(self._closing.is_set)
        except LibraryUnavailable as error:
            self.problem = "" if self._closing.is_set() else str(error)
        if self.problem:
            logger.error("%s", self.problem)
