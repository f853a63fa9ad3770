"""The vectors of queries, each made once: assistants ask again in the same words, and several at the same time."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mcp_mmretrieval.concurrency import priority_lock
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.types import Content, Film, Identity, Sound, VectorKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcp_mmretrieval.models import Embedder
    from mcp_mmretrieval.types import Vectors

MAX_CACHED_QUERIES = 1_024
"""Queries whose vectors are kept, the least recently asked go first: a few megabytes."""
_SMALL = 32_000_000
"""Bytes of a picture, film or sound whose digest is worth its time."""
_LOOK_EVERY = 0.05
"""Seconds between two looks whether somebody still waits for who waits here."""


class QueryCache:
    """An `Embedder` that keeps the vectors of its latest queries; all else is that of the one within. Thread-safe."""

    def __init__(self, embedder: Embedder, kept: int = MAX_CACHED_QUERIES) -> None:
        self._embedder = embedder
        self._kept = kept
        self._guard = threading.Lock()
        self._vectors: OrderedDict[bytes, Mapping[VectorKind, Vectors]] = OrderedDict()
        self._under_way: dict[bytes, threading.Event] = {}
        """Queries that a thread embeds now; set when it has ended, well or not."""

    @property
    def identity(self) -> Identity:
        """See `Embedder`."""
        return self._embedder.identity

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """See `Embedder`."""
        return self._embedder.dims

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """See `Embedder`."""
        return self._embedder.sees

    @property
    def hears(self) -> float:
        """See `Embedder`."""
        return self._embedder.hears

    @property
    def films(self) -> int:
        """See `Embedder`."""
        return self._embedder.films

    @property
    def picture_side(self) -> int:
        """See `Embedder`."""
        return self._embedder.picture_side

    @property
    def frame_side(self) -> int:
        """See `Embedder`."""
        return self._embedder.frame_side

    @property
    def calls_at_once(self) -> int:
        """See `Embedder`."""
        return self._embedder.calls_at_once

    def windows(self, text: str) -> list[str]:
        """See `Embedder`."""
        return self._embedder.windows(text)

    def has_word(self, word: str) -> bool:
        """See `Embedder`."""
        return self._embedder.has_word(word)

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """Vectors of contents of one sort; none of them is kept."""
        return self._embedder.embed_documents(contents, titles)

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """The query's vectors, not to be written to. Threads that ask the same wait for the first of them.

        If that one fails or is left behind, the next tries itself. Raises Cancelled in a thread for which nobody waits
        any more, and whatever the model raises.
        """
        key = _digest(query)
        if key is None:
            return self._embedder.embed_query(query)
        while True:
            with self._guard:
                if key in self._vectors:
                    self._vectors.move_to_end(key)
                    return self._vectors[key]
                other = self._under_way.get(key)
                if other is None:
                    self._under_way[key] = threading.Event()
            if other is None:
                return self._embed(key, query)
            _wait(other)

    def _embed(self, key: bytes, query: Content) -> Mapping[VectorKind, Vectors]:
        try:
            with priority_lock.urgent_turns(priority_lock.current_stop()):  # whoever else waits for it may be
                vectors = self._embedder.embed_query(query)
            for vector in vectors.values():
                vector.setflags(write=False)
            with self._guard:
                self._vectors[key] = vectors
                if len(self._vectors) > self._kept:
                    self._vectors.popitem(last=False)
            return vectors
        finally:
            with self._guard:
                self._under_way.pop(key).set()


def _wait(other: threading.Event) -> None:
    """Wait until the other query has ended. Raises Cancelled once nobody waits for this thread."""
    stop = priority_lock.current_stop()
    while not other.wait(_LOOK_EVERY):
        if stop is not None and stop.is_set():
            raise Cancelled("Nobody waits for it any more.")


def _digest(query: Content) -> bytes | None:
    """A digest of a content; None for one that is so large that a digest is not worth its time."""
    digest, left = hashlib.sha256(), _SMALL
    for head, body in _pieces(query):
        left -= len(body) if isinstance(body, bytes) else body.nbytes
        if left < 0:
            return None
        digest.update(head.encode() + b"\0")
        digest.update(body if isinstance(body, bytes) else body.tobytes())
    return digest.digest()


def _pieces(query: Content) -> Iterator[tuple[str, bytes | NDArray[Any]]]:
    """Headers and bytes that, together, no other content has."""
    if isinstance(query, str):
        yield f"text {len(query)}", query.encode("utf-8", "surrogatepass")
    elif isinstance(query, Sound):
        yield f"sound {query.rate} {query.samples.dtype} {query.samples.shape}", query.samples
    elif isinstance(query, Film):
        yield f"film {query.times}", b""
        for picture in query.pictures:
            yield from _pieces(picture)
        if query.sound is not None:
            yield from _pieces(query.sound)
    else:
        yield f"picture {query.dtype} {query.shape}", query
