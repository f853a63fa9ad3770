"""Vectors as blobs, and the exact nearest among them. Little-endian: float32 or float16, places as int64."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mcp_mmretrieval.store.records import VectorRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcp_mmretrieval.types import Vectors

PartKeys: TypeAlias = "NDArray[np.int64]"
"""Names of vectors, of shape (n, 2): the key of the segment, and which part of it the vector stands for."""

VECTORS_PER_ROW = 64
"""Vectors in one row of the table."""
SCAN_BLOCK_VECTORS = 256
"""Vectors that are compared at a time, at least: few enough to stay in the processor's cache."""


def vectors_to_blobs(rows: VectorRows, *, dim: int | None, half: bool) -> Iterator[tuple[int, bytes, bytes]]:
    """Count, places and vectors of each table row. Raises ValueError for a wrong shape and for infinite numbers."""
    vectors = np.ascontiguousarray(rows.vectors, dtype=_type(half))
    if vectors.ndim != 2 or len(vectors) != len(rows.segments) or vectors.shape[1] != (dim or vectors.shape[1]):
        raise ValueError(f"Vectors of shape {vectors.shape}, not ({len(rows.segments)}, {dim or 'n'}).")
    if not np.isfinite(vectors).all():
        raise ValueError("A vector holds numbers that are not finite.")
    places = np.array(list(zip(rows.segments, rows.parts, strict=True)), dtype="<i8")
    for at in range(0, len(vectors), VECTORS_PER_ROW):
        end = min(at + VECTORS_PER_ROW, len(vectors))
        yield end - at, places[at:end].tobytes(), vectors[at:end].tobytes()


def vectors_from_blobs(rows: Sequence[tuple[bytes, bytes]], *, half: bool) -> tuple[PartKeys, Vectors]:
    """Segment and part of each vector, and float32 of shape (n, dim), from blobs of places and of vectors."""
    where = part_keys(b"".join(row[0] for row in rows))
    flat = np.frombuffer(b"".join(row[1] for row in rows), dtype=_type(half))
    return where, flat.reshape(len(where), flat.size // max(1, len(where))).astype(np.float32, copy=False)


def part_keys(blob: bytes) -> PartKeys:
    """Segment and part of each vector of a row."""
    return np.frombuffer(blob, dtype="<i8").reshape(-1, 2)


def renamed_places(places: bytes, names: Mapping[int, int]) -> bytes:
    """A blob of places with other names of the segments."""
    where = part_keys(places).copy()
    where[:, 0] = [names[segment] for segment in where[:, 0].tolist()]
    return where.tobytes()


def vectors_by_segment(
    rows: Iterable[tuple[bytes, bytes]], wanted: Collection[int], *, half: bool
) -> dict[int, tuple[list[int], Vectors]]:
    """The parts and vectors of some segments; a segment without any is left out."""
    found: dict[int, tuple[list[int], list[Vectors]]] = {}
    for row in rows:
        where, vectors = vectors_from_blobs([row], half=half)
        for (segment, part), vector in zip(where.tolist(), vectors, strict=True):
            if segment in wanted:
                parts, kept = found.setdefault(segment, ([], []))
                parts.append(part)
                kept.append(vector)
    return {segment: (parts, np.stack(kept)) for segment, (parts, kept) in found.items()}


def exact_nearest(
    rows: Iterable[tuple[bytes, bytes]],
    vector: Vectors,
    *,
    half: bool,
    depth: int,
    wanted: Callable[[Sequence[int]], Collection[int]] | None = None,
) -> list[tuple[int, float]]:
    """Segment keys with their best cosine similarity, best first, at most `depth`; equals by key.

    `rows` are blobs of places and of vectors; `wanted` tells which of their segments count, perhaps among others, and
    is not asked where there are no rows.
    """
    query = np.ascontiguousarray(vector, dtype=np.float32).reshape(-1)
    keys: list[NDArray[np.int64]] = []
    scores: list[NDArray[np.float32]] = []
    for block in _blocks(rows):
        where = np.frombuffer(b"".join(row[0] for row in block), dtype="<i8")
        flat = np.frombuffer(b"".join(row[1] for row in block), dtype=_type(half))
        keys.append(where[::2])
        scores.append(flat.reshape(-1, query.size).astype(np.float32, copy=False) @ query)
    if not keys:
        return []
    segments, similarities = np.concatenate(keys), np.concatenate(scores)
    if wanted is not None:
        inside = np.isin(segments, np.fromiter(wanted(segments.tolist()), dtype=np.int64))
        segments, similarities = segments[inside], similarities[inside]
    return best_by_key(segments, similarities, depth)


def best_by_key(keys: NDArray[np.int64], scores: NDArray[np.float32], depth: int) -> list[tuple[int, float]]:
    """The best score of each key, best first, at most `depth` keys.

    Only the top of the scores is sorted. How many that takes is a guess: several parts of one segment may crowd the
    top, and then four times as many are sorted.
    """
    look = 4 * depth
    while True:
        top = np.argpartition(-scores, look)[:look] if look < len(scores) else np.arange(len(scores))
        order = top[np.lexsort((keys[top], -scores[top]))]
        found: dict[int, float] = {}
        for key, score in zip(keys[order].tolist(), scores[order].tolist(), strict=True):
            found.setdefault(key, score)
        if len(found) >= depth or look >= len(scores):
            return list(islice(found.items(), depth))
        look *= 4


def _blocks(rows: Iterable[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Rows with about `SCAN_BLOCK_VECTORS` vectors together."""
    block: list[tuple[bytes, bytes]] = []
    size = 0
    for row in rows:
        block.append(row)
        size += len(row[0]) // 16
        if size >= SCAN_BLOCK_VECTORS:
            yield block
            block, size = [], 0
    if block:
        yield block


def _type(half: bool) -> np.dtype[np.float16] | np.dtype[np.float32]:
    return np.dtype("<f2") if half else np.dtype("<f4")
