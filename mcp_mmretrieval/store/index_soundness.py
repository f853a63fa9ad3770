"""Whether an index is sound: found out by the index process, since a bad one can crash its reader or grow without end.

How much work that may take is bounded by who started the process: see `index_process.OPENING_WORK_SECONDS`.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mcp_mmretrieval.store.catalog import Catalog

if TYPE_CHECKING:
    from mcp_mmretrieval.store.chroma import VectorKey
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import VectorKind, Vectors

CHECK_BLOCK_VECTORS = 2_000
"""Vectors that are read at a time."""
SAMPLED_BLOCKS, SAMPLED_VECTORS = 8, 250
"""Places of a collection at which vectors are read for a sample, and about how many at each."""
SEARCHES_PER_BLOCK = 8
"""Vectors of a block that are searched for; most must find themselves."""
VECTOR_TOLERANCE = 1e-2
"""How much a number may differ: float16 and normalising."""


def suspicious(folder: Path) -> str | None:
    """What is wrong with the index as far as its files show: before anything of it is opened."""
    # A file of links far larger than its vectors need is damaged, and reading it in would take all memory.
    for path in folder.rglob("link_lists.bin"):
        length = path.lstat().st_size
        if length > 65_536 + 1_024 * _count(path.with_name("data_level0.bin")):
            return f"{path.name} has grown to {length} bytes"
    return _persisted_code(folder / "chroma.sqlite3")


@contextlib.contextmanager
def bounded(folder: Path) -> Iterator[None]:
    """Bound the files that this process writes and its memory to several times what a sound index needs.

    A bad index then ends this process instead of filling the disk or the memory.
    """
    size = sum(path.lstat().st_size for path in folder.rglob("*"))
    before = {}
    for kind, least in ((resource.RLIMIT_FSIZE, 1 << 30), (resource.RLIMIT_AS, 16 << 30)):
        soft, hard = resource.getrlimit(kind)
        with contextlib.suppress(OSError, ValueError):  # bounds that the system does not know, or that are lower
            resource.setrlimit(kind, (least + 8 * size, hard))
            before[kind] = soft, hard
    try:
        yield
    finally:
        for kind, bounds in before.items():
            resource.setrlimit(kind, bounds)


class SearchedCollections(Protocol):
    """What is asked of an index, in a folder or on a server; see `Chroma`."""

    def vectors(self, space: int, kind: str, keys: PartKeys) -> dict[VectorKey, Vectors]:
        """The vectors that it has of these."""

    def nearest(self, space: int, kind: str, vector: Vectors, depth: int) -> tuple[PartKeys, Vectors]:
        """The keys of the nearest vectors, and how near they are."""


def unlike(chroma: SearchedCollections, catalog: Catalog, *, sample: bool) -> str | None:
    """How the index differs from what the catalog says that it has. `sample`: look at some vectors only."""
    lanes = [(space, kind, upto) for (space, kind), upto in catalog.lanes().items() if upto]
    return next(filter(None, (_compare(chroma, catalog, lane, sample=sample) for lane in lanes)), None)


def _compare(
    chroma: SearchedCollections, catalog: Catalog, lane: tuple[int, VectorKind, int], *, sample: bool
) -> str | None:
    """Read vectors of one collection, and search for some: the graph may be torn although the vectors are whole."""
    space, kind, _ = lane
    asked = found = 0
    for places, vectors in (_sampled if sample else _all)(catalog, *lane):
        held = chroma.vectors(space, kind, places)
        if len(held) < len(places):
            return f"{len(places) - len(held)} of {len(places)} vectors are missing"
        own = np.stack([held[segment, part] for segment, part in places.tolist()])
        if own.shape != vectors.shape or not np.allclose(own, vectors, atol=VECTOR_TOLERANCE):
            return "its vectors are not those of the catalog"
        for vector in vectors[:: 1 + len(places) // SEARCHES_PER_BLOCK]:
            nearest, _ = chroma.nearest(space, kind, vector, 1)
            near = chroma.vectors(space, kind, nearest).values()  # of equal vectors any will do
            asked, found = asked + 1, found + any(np.allclose(each, vector, atol=VECTOR_TOLERANCE) for each in near)
    return "it does not find its own vectors" if found < 0.8 * asked else None


def _all(catalog: Catalog, space: int, kind: VectorKind, upto: int) -> Iterator[tuple[PartKeys, Vectors]]:
    """All vectors that the index should have of a collection, block by block."""
    after = 0
    while True:
        after, places, vectors = catalog.next_vectors(space, kind, after, limit=CHECK_BLOCK_VECTORS, upto=upto)
        if not len(places):
            return
        yield places, vectors


def _sampled(catalog: Catalog, space: int, kind: VectorKind, upto: int) -> Iterator[tuple[PartKeys, Vectors]]:
    """Some of them, from beginning to end; where there are few, all."""
    last = 0
    for number in range(SAMPLED_BLOCKS):
        after = max(last, upto * number // SAMPLED_BLOCKS)
        last, places, vectors = catalog.next_vectors(space, kind, after, limit=SAMPLED_VECTORS, upto=upto)
        if not len(places):
            return
        yield places, vectors


def _count(data: Path) -> int:
    """Vectors that a data file can hold at most: each takes more than 128 bytes."""
    return data.stat().st_size // 128 if data.exists() else 0


def _persisted_code(path: Path) -> str | None:
    """Whether a collection brings an embedding function along, which Chroma might build and run. Ours have none."""
    try:
        # to be written, too: after a kill there is a journal to roll back
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            found = connection.execute("SELECT config_json_str, schema_str FROM collections").fetchall()
        functions = [each for row in found for text in row if text for each in _functions(json.loads(text))]
    except (sqlite3.Error, ValueError) as error:
        return f"{path.name}: {error}"
    if any(not isinstance(each, dict) or each.get("type") not in ("legacy", "unknown") for each in functions):
        return "it names an embedding function"
    return None


def _functions(config: object) -> Iterator[object]:
    """All values of `embedding_function` in nested JSON."""
    if isinstance(config, dict):
        for name, value in config.items():
            if name == "embedding_function" and value is not None:
                yield value
            yield from _functions(value)
    elif isinstance(config, list):
        for value in config:
            yield from _functions(value)
