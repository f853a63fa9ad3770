"""A file beside the index that says that it was closed in order, and with which vectors.

It is there only while no process has the index open: after a kill it is missing, and the whole index is checked.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from mcp_mmretrieval.store.write_ahead_log import sync_folder
from mcp_mmretrieval.types import VectorKind


class ClosingMark:
    """The mark of one index folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.with_name(folder.name + ".closed")

    def set(self, lanes: dict[tuple[int, VectorKind], int]) -> None:
        """Say that the index was closed with the vectors up to these rows; see `Catalog.lanes`.

        Where the disk is full nothing is said, and the whole index is checked once more.
        """
        new = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(OSError):
            with new.open("w", encoding="utf-8") as file:
                json.dump(_listed(lanes), file)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self._path)

    def take(self, lanes: dict[tuple[int, VectorKind], int]) -> bool:
        """Whether the index was closed in order with just these vectors. The mark is gone then, for good."""
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = None
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)  # before the index is opened: a mark that came back would speak of an older one
        return bool(said == _listed(lanes))


def _listed(lanes: dict[tuple[int, VectorKind], int]) -> list[list[int | str]]:
    return [[space, kind, upto] for (space, kind), upto in sorted(lanes.items())]
