"""What `index` asks of the place where an index lies: a folder (`embedded_index`) or a server (`server_index`)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from mcp_mmretrieval.store.chroma import ChromaFailed

if TYPE_CHECKING:
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import VectorKind, Vectors


MAX_NEIGHBOURS = 4_096
"""Neighbours that an index is asked for at most: beyond, comparing with each vector is faster."""


class IndexAway(ChromaFailed):
    """The server does not answer, or not to us. That says nothing of the index, which is never built anew for it."""


class UnsoundIndex(Exception):
    """The index that is there has to be built anew; the message says why."""


class OpenIndex(Protocol):
    """An index that is open. One thread writes; any may ask for the nearest.

    Raises ChromaFailed and nothing else; after that, `end` it.
    """

    followed: dict[tuple[int, VectorKind], int]
    """Up to which row of the catalog it has the vectors of a space and kind, perhaps more."""
    silent: bool
    """Whether a search had no answer in time. Then no other asks, until `ping` was answered."""

    def upsert(self, space: int, kind: VectorKind, keys: PartKeys, vectors: Vectors) -> None:
        """Add or replace vectors, of shape (len(keys), dim). They are there when this returns."""

    def delete(self, space: int, kind: str, keys: PartKeys) -> None:
        """Delete vectors. Unknown keys are no error."""

    def drop(self, space: int) -> None:
        """Delete all vectors of a space."""

    def ping(self) -> None:
        """Wait until it answers again."""

    def nearest(self, space: int, kind: VectorKind, vector: Vectors, depth: int) -> list[tuple[int, float]] | None:
        """The segments of the `depth` nearest vectors with cosine similarity, best first, some perhaps twice.

        None where it is busy or does not answer in time.
        """

    def end(self) -> None:
        """Hang up at once. Who asks it meanwhile gets ChromaFailed."""


class IndexBackend(Protocol):
    """Where the index of one library lies. For one thread, but for what only tells."""

    @property
    def server(self) -> str:
        """The address of a server; empty where it is a folder."""

    @property
    def max_neighbours(self) -> int:
        """Neighbours that may be asked for at once."""

    @property
    def search_seconds(self) -> float:
        """Seconds after which a search does not ask once more."""

    def open(self, stop: threading.Event) -> OpenIndex:
        """Open the index that is there, if it has what the catalog says; read in ahead of the first search.

        Raises UnsoundIndex where it has not. `stop`: give up.
        """

    def begin(self, stop: threading.Event) -> OpenIndex:
        """Make an empty index in the place of what is there. The catalog forgets that one first."""

    def close(self, opened: OpenIndex) -> None:
        """Close it in order, so that the next opening needs less of a look."""

    def remove(self) -> None:
        """Leave no index anywhere."""

    def is_unsound_after(self, error: Exception) -> bool:
        """Whether a failure shows that the index has to be built anew."""
