"""A library's folder before it is opened, and what the person should know of how it was found."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.catalog_file import RESTORE_COMMAND
from mcp_mmretrieval.store.write_ahead_log import (
    note_closed,
    parts_set_aside,
    set_foreign_parts_aside,
    unclean,
    was_stamped,
)

if TYPE_CHECKING:
    from mcp_mmretrieval.store.catalog import Catalog

logger = logging.getLogger(__name__)

CATALOG_NAME, INDEX_NAME = "catalog.db", "index"


class Recovery:
    """Makes a folder safe to open, and remembers how it was found."""

    def __init__(self, folder: Path) -> None:
        """Set aside what is not the catalog's. Before SQLite opens it, and by the holder of the library's lock."""
        self._path = folder / CATALOG_NAME
        set_foreign_parts_aside(self._path)
        self._missing = not self._path.exists() and (
            was_stamped(self._path) or bool(parts_set_aside(self._path)) or (folder / INDEX_NAME).exists()
        )
        self._unclean = unclean(self._path)
        self.quick_check: QuickCheck | None = None
        """The look through a catalog that had not been closed."""

    def begin(self, catalog: Catalog) -> None:
        """From now on what lies beside the catalog belongs to it."""
        catalog.stamp()
        if self._unclean:
            self.quick_check = QuickCheck(catalog)

    def problems(self) -> list[str]:
        """What was wrong with the folder, for the person."""
        found = []
        if self._missing:
            found.append(
                f"{self._path} was gone when the library was opened, although there had been one, so it began empty. "
                f"Bring a backup back with {RESTORE_COMMAND}, or add the files again."
            )
        if aside := parts_set_aside(self._path):
            found.append(
                f"{', '.join(map(str, aside))}: what another catalog left behind. It was set aside, for it would have "
                "damaged this one. It may hold the last changes of the other; remove it where you do not miss any."
            )
        if self.quick_check is not None and self.quick_check.problem:
            found.append(self.quick_check.problem)
        return found

    def close(self) -> None:
        """End what still runs. May be called twice."""
        if self.quick_check is not None:
            self.quick_check.close()

    def end(self) -> None:
        """The catalog is closed: from now on nothing beside it belongs to it."""
        note_closed(self._path)


class QuickCheck:
    """A look through the whole catalog, in a thread: seconds for a gigabyte, for which nobody should wait."""

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
