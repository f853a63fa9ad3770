"""The nearest vectors by comparing with each: what answers where the index does not.

Few are read from the catalog. For many there is a copy in memory (`quantized`), read when it is first needed, kept up
with by row, and let go after a while. What was deleted since, and what lies outside a scope, the catalog says.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.scope import Scope
from mcp_mmretrieval.types import VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.store.quantized import QuantizedVectors
    from mcp_mmretrieval.types import Vectors

MAX_READ_VECTORS = 2_000
"""Vectors up to which reading them from the catalog is no slower than anything else: 1.3 us each."""
MAX_LISTED_SCOPE = 32_000
"""Segments of a scope up to which their keys may be listed; of larger ones the best are looked up one by one."""
LISTED_PER_LOOKUP = 8
"""Keys that are listed in the time that it takes to look one up."""
MAX_COPIED_BYTES = 512 << 20
"""Bytes of memory that the copies take: some 650,000 vectors of a text model. Beyond, vectors are read."""
COPY_BATCH_VECTORS = 4_096
"""Vectors that are read at a time into a copy."""


class Scan:
    """Exact searches over the vectors of one catalog. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._copies: dict[tuple[int, VectorKind], QuantizedVectors] = {}
        self._lock = threading.Lock()
        self._full = False
        """Whether the vectors were too many to be copied."""
        self._used = float("-inf")

    def nearest(
        self, space: int, kind: VectorKind, vector: Vectors, scope: Scope, *, depth: int, after: int = 0
    ) -> list[tuple[int, float]]:
        """Segment keys with cosine similarity to `vector` (shape (dim,) or (1, dim), unit), best first.

        Each segment once, by its best part; at most `depth`. `after`: only what was committed after this row of the
        catalog, and perhaps some of before.
        """
        allowed, _ = self._catalog.extent(scope, MAX_LISTED_SCOPE)
        few = min(allowed, self._catalog.count_after(space, kind, after, most=MAX_READ_VECTORS + 1))
        if not few:
            return []
        copy = self._copy((space, kind)) if few > MAX_READ_VECTORS else None
        if copy is None:
            return self._catalog.exact(space, kind, vector, scope, depth=depth, after=after)
        return self._compared(copy, vector.reshape(-1), scope, depth, after)

    def _compared(
        self, copy: QuantizedVectors, query: Vectors, scope: Scope, depth: int, after: int
    ) -> list[tuple[int, float]]:
        import numpy as np

        from mcp_mmretrieval.store.vectors import best_by_key

        allowed, held = self._catalog.extent(scope, MAX_LISTED_SCOPE)
        lookups = 2 * depth * held / max(1, allowed)
        if allowed <= min(MAX_LISTED_SCOPE, LISTED_PER_LOOKUP * lookups):
            listed = self._catalog.keys(scope)
            within = np.zeros(max(listed, default=0) + 2, np.bool_)  # the last one stands for all keys beyond
            within[listed] = True
            return best_by_key(*copy.scores(query, after=after, within=within), depth)
        keys, scores = copy.scores(query, after=after)
        look = depth + depth // 4
        while True:
            best = best_by_key(keys, scores, look)
            seen = self._catalog.visible({key for key, _ in best}, scope)
            found = [(key, score) for key, score in best if key in seen]
            if len(found) >= depth or len(best) < look:
                return found[:depth]
            look *= 4

    def _copy(self, lane: tuple[int, VectorKind]) -> QuantizedVectors | None:
        """The copy of a lane with all that is committed; None where there are too many vectors."""
        from mcp_mmretrieval.store.quantized import QuantizedVectors

        with self._lock:
            self._used = time.monotonic()
            while not self._full:
                copy = self._copies.get(lane)
                last, places, vectors = self._catalog.next_vectors(
                    *lane, copy.last_row if copy else 0, limit=COPY_BATCH_VECTORS
                )
                if not len(places):
                    return copy
                if copy is None:
                    copy = self._copies[lane] = QuantizedVectors(vectors.shape[1])
                copy.append(last, places[:, 0], vectors)
                self._full = sum(each.nbytes for each in self._copies.values()) > MAX_COPIED_BYTES
            self._copies.clear()
            return None

    def tidy(self, *, idle: float, held: int) -> None:
        """Let go of copies that nobody needed for `idle` seconds, or that hold twice as many as are `held` still."""
        with self._lock:
            copied = sum(map(len, self._copies.values()))
            if time.monotonic() > self._used + idle or copied > 2 * held + COPY_BATCH_VECTORS:
                self._copies.clear()
                self._full = False
