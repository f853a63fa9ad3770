"""The vectors of queries, each made once: assistants ask again in the same words, and several at the same time.

Queries that come while another one is embedded are embedded together afterwards, with those that wait for their turn
to search (`expect`): eight cost as much as four one by one. Nobody waits for company.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mcp_mmretrieval.concurrency import priority_lock
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.models import QueryBatchEmbedder
from mcp_mmretrieval.types import Content, Film, Identity, Sound, VectorKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcp_mmretrieval.models import Embedder
    from mcp_mmretrieval.types import Vectors

logger = logging.getLogger(__name__)

MAX_CACHED_QUERIES = 1_024
"""Queries whose vectors are kept, the least recently asked go first: a few megabytes."""
MAX_CHARACTERS_TOGETHER = 300
"""Characters of a query that goes together with others. A longer one takes its time by itself."""
_SMALL = 32_000_000
"""Bytes of a picture, film or sound whose digest is worth its time."""
_MOST_TOGETHER = 8
"""Queries of one batch: more gain little, and make the first one of them wait."""
_MAX_EXPECTED = 256
_LOOK_EVERY = 0.05
"""Seconds between two looks whether somebody still waits for who waits here."""


QueryVectors = Mapping["VectorKind", "Vectors"]
"""What one query came to; see `Embedder.embed_query`."""


class QueryCache:
    """An `Embedder` that keeps the vectors of its latest queries; all else is that of the one within. Thread-safe."""

    def __init__(self, embedder: Embedder, kept: int = MAX_CACHED_QUERIES) -> None:
        self._embedder = embedder
        self._together = embedder.embed_queries if isinstance(embedder, QueryBatchEmbedder) else None
        self._kept = kept
        self._guard = threading.Lock()
        self._vectors: OrderedDict[bytes, QueryVectors] = OrderedDict()
        self._under_way: dict[bytes, threading.Event] = {}
        """Queries that a thread embeds now; set when it has ended, well or not."""
        self._batch: threading.Event | None = None
        """The same of the queries in words that go together: one batch at a time."""
        self._gathered: OrderedDict[bytes, str] = OrderedDict()
        """Those that the next batch takes along, the first ones first."""

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

    def expect(self, query: str) -> None:
        """Have the next batch take a query along that will be asked soon. It takes no time by itself."""
        key = _digest(query)
        if key is not None and self._goes_together(query):
            with self._guard:
                if key not in self._vectors and key not in self._under_way and len(self._gathered) < _MAX_EXPECTED:
                    self._gathered[key] = query

    def embed_query(self, query: Content) -> QueryVectors:
        """The query's vectors, not to be written to. Threads that ask the same wait for the first of them.

        If that one fails or is left behind, the next tries itself. Raises Cancelled in a thread for which nobody waits
        any more, and whatever the model raises for this query.
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
                if other is None and isinstance(query, str) and self._goes_together(query):
                    self._gathered[key] = query
                    other = self._batch
                if other is None:
                    taken = self._take(key, query)
            if other is None:
                return self._embed(key, query, taken)
            _wait(other)

    def _goes_together(self, query: str) -> bool:
        return self._together is not None and bool(query.strip()) and len(query) <= MAX_CHARACTERS_TOGETHER

    def _take(self, key: bytes, query: Content) -> dict[bytes, str]:
        """What is embedded now, by key: the query and, if it is one of those that go together, some that gathered.

        Under the guard. All of it is under way from here on.
        """
        event = threading.Event()
        taken: dict[bytes, str] = {}
        if self._gathered.pop(key, None) is not None:
            assert isinstance(query, str)
            taken[key] = query
            self._batch = event
            while self._gathered and len(taken) < _MOST_TOGETHER:
                other, words = self._gathered.popitem(last=False)
                taken[other] = words
        self._under_way |= dict.fromkeys([key, *taken], event)
        return taken

    def _embed(self, key: bytes, query: Content, taken: Mapping[bytes, str]) -> QueryVectors:
        try:
            with priority_lock.urgent_turns(priority_lock.current_stop()):  # whoever else waits for it may be
                made = self._made_together(taken) or {key: self._embedder.embed_query(query)}
            for vectors in made.values():
                for vector in vectors.values():
                    vector.setflags(write=False)
            with self._guard:
                self._vectors |= made
                while len(self._vectors) > self._kept:
                    self._vectors.popitem(last=False)
            return made[key]
        finally:
            with self._guard:
                event = self._under_way.pop(key)
                for other in taken.keys() - {key}:
                    del self._under_way[other]
                if self._batch is event:
                    self._batch = None
            event.set()

    def _made_together(self, taken: Mapping[bytes, str]) -> dict[bytes, QueryVectors]:
        """The vectors of several queries by key; none of a single one, nor where one of them spoils the batch.

        Then each is embedded by who asks for it, who gets its error too.
        """
        if self._together is None or len(taken) < 2:
            return {}
        try:
            return dict(zip(taken, self._together(list(taken.values())), strict=True))
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the query itself shows whether it is its own
            logger.debug("embedded one by one: %s", error)
            return {}


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
