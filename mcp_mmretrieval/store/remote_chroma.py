"""The collections of one library on a Chroma server: the calls of `Chroma`, over REST.

A collection is named by its library (a random name), its space and its kind, so that libraries share a server. Its
metadata names the engine that holds it, so that of two with copies of one catalog only one goes on with it.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from mcp_mmretrieval.store.chroma import VectorKey, ids_of_keys, key_of_id
from mcp_mmretrieval.store.chroma_rest import WORK_SECONDS, ChromaRest, NotThere
from mcp_mmretrieval.store.index_backend import MAX_NEIGHBOURS, IndexAway

if TYPE_CHECKING:
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import Vectors

SERVER_SYNC_THRESHOLD_VECTORS = 2_000
"""Vectors after which the server writes its file anew: fewer than in a folder, since it replays those since when it
starts, 0.6 ms each, while all wait. Distributed Chroma has another index and takes the space alone from this."""
MAX_REQUEST_BYTES = 16 << 20
"""Bytes of vectors in one request; the server takes 40 MiB of JSON."""
CLOUD_HOST, CLOUD_RECORDS = "trychroma.com", 300
"""Chroma Cloud takes and gives so many records at once, which it does not announce."""
COLLECTIONS_AT_ONCE = 100
"""Collections that are listed at a time."""
_AFTER = "-after-"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as the server describes it."""

    id: str
    name: str
    dimension: int | None
    """Numbers in a vector; None before the first one."""
    holder: str
    """The engine that goes on with it."""


class RemoteChroma:
    """The collections of one name on a server. Thread-safe but for writing. Raises IndexAway and nothing else."""

    def __init__(self, rest: ChromaRest, name: str, holder: str) -> None:
        """`name`: what the names of the collections begin with. `holder`: this engine. Raises where the server is away
        or no Chroma server; see `ChromaRest.connect`.
        """
        most = rest.connect()
        cloud = (urlsplit(rest.server.origin).hostname or "").endswith(CLOUD_HOST)
        self.max_batch = min(most, CLOUD_RECORDS) if cloud else most
        """Records of one request."""
        self.max_neighbours = CLOUD_RECORDS if cloud else MAX_NEIGHBOURS
        """Neighbours that one query may ask for."""
        self._rest = rest
        self._name = name
        self._holder = holder
        self._path = f"{rest.database}/collections"
        self._ids: dict[tuple[int, str], str] = {}

    def named(self, space: int, kind: str) -> str:
        """The name of a collection."""
        return f"{self._name}-{space}-{kind}"

    def collections(self) -> list[Collection]:
        """All collections of this name, whoever holds them."""
        return [each for each in self._listed() if _AFTER not in each.name]

    def _listed(self) -> Iterator[Collection]:
        """The same, and what `successor` remembers."""
        seen = set[str]()
        for offset in itertools.count(0, COLLECTIONS_AT_ONCE):
            listed = self._rest.get(f"{self._path}?limit={COLLECTIONS_AT_ONCE}&offset={offset}")
            with _as_chroma_answers():
                new = [each for each in map(_collection, listed) if each.id not in seen]
                seen.update(each.id for each in new)
                yield from (each for each in new if each.name.startswith(f"{self._name}-"))
                if len(listed) < COLLECTIONS_AT_ONCE or not new:  # a server that knows no offset says the same for ever
                    return

    def _find(self, space: int, kind: str) -> Collection | None:
        try:
            return _collection(self._rest.get(f"{self._path}/{self.named(space, kind)}"))
        except NotThere as error:
            if not error.said_by_chroma:
                raise
            return None

    def successor(self, holder: str) -> str:
        """Which engine goes on after `holder`: this one, unless another was sooner. Of several at once one wins."""
        asked = {"name": f"{self._name}{_AFTER}{holder}", "get_or_create": True, "metadata": {"holder": self._holder}}
        return _collection(self._rest.post(self._path, asked)).holder

    def use(self, space: int, kind: str, collection: Collection) -> None:
        """From now on this is the collection of a space and kind, and no other."""
        self._ids[space, kind] = collection.id

    def take_all(self) -> None:
        """Note in the collections that this engine holds them, and forget what `successor` remembered."""
        found = [*self._listed()]
        for each in found:
            self._rest.put(f"{self._path}/{each.id}", {"new_metadata": {"holder": self._holder}})
        for each in found:  # only now: whoever comes later sees the holder
            if _AFTER in each.name:
                self._rest.delete(f"{self._path}/{each.name}")

    def make_sure(self, space: int, kind: str) -> None:
        """Make the collection where it is not there. Raises IndexAway where another engine holds it or it is gone."""
        found = self._find(space, kind)
        if found is None and (space, kind) not in self._ids:
            hnsw = {"space": "cosine", "sync_threshold": SERVER_SYNC_THRESHOLD_VECTORS}
            asked = {
                "name": self.named(space, kind),
                "get_or_create": True,  # a first try whose answer was lost
                "configuration": {"hnsw": hnsw},
                "metadata": {"holder": self._holder},
            }
            found = _collection(self._rest.post(self._path, asked))
        if found is None or found.holder != self._holder or self._ids.get((space, kind), found.id) != found.id:
            raise IndexAway(f"the collection {self.named(space, kind)} is gone, or another engine took it")
        self.use(space, kind, found)

    def upsert(self, space: int, kind: str, keys: PartKeys, vectors: Vectors) -> None:
        """Add or replace vectors, of shape (len(keys), dim)."""
        rows = np.ascontiguousarray(vectors, dtype="<f4")
        for some in self._batches(len(keys), rows.shape[1]):
            encoded = [base64.b64encode(row).decode() for row in rows[some]]
            self._ask(space, kind, "upsert", {"ids": ids_of_keys(keys[some]), "embeddings": encoded})

    def delete(self, space: int, kind: str, keys: PartKeys) -> None:
        """Delete vectors. Unknown keys are no error."""
        for some in self._batches(len(keys)):
            self._ask(space, kind, "delete", {"ids": ids_of_keys(keys[some])})

    def drop(self, space: int | None, holders: tuple[str, ...]) -> None:
        """Delete the collections of a space, or of all (None), that these engines hold."""
        beginning = f"{self._name}-" if space is None else self.named(space, "")
        doomed = [each for each in self._listed() if each.name.startswith(beginning) and each.holder in holders]
        for each in doomed:
            self._rest.delete(f"{self._path}/{each.name}")
        self._ids = {lane: id for lane, id in self._ids.items() if space is not None and lane[0] != space}

    def nearest(
        self, space: int, kind: str, vector: Vectors, depth: int, *, seconds: float | None = None
    ) -> tuple[PartKeys, Vectors]:
        """The keys of the `depth` nearest vectors, best first, and their cosine similarities. `seconds`: for the
        answer, not those of a search.
        """
        asked = {"query_embeddings": vector.reshape(1, -1).tolist(), "n_results": depth, "include": ["distances"]}
        answer = self._ask(space, kind, "query", asked, seconds=seconds or self._rest.server.search_seconds)
        with _as_chroma_answers():
            keys = np.array([key_of_id(id) for id in answer["ids"][0]], dtype=np.int64).reshape(-1, 2)
            scores = 1.0 - np.array(answer["distances"][0], dtype=np.float32)
            return keys, _finite(scores, (len(keys),))

    def vectors(self, space: int, kind: str, keys: PartKeys) -> dict[VectorKey, Vectors]:
        """The vectors that it has of these, each of shape (dim,)."""
        found: dict[VectorKey, Vectors] = {}
        for some in self._batches(len(keys)):
            answer = self._ask(space, kind, "get", {"ids": ids_of_keys(keys[some]), "include": ["embeddings"]})
            with _as_chroma_answers():
                rows = np.array(answer["embeddings"], dtype=np.float32)
                found |= zip(map(key_of_id, answer["ids"]), _finite(rows, (len(rows), *rows.shape[1:2])), strict=True)
        return found

    def has(self, space: int, kind: str, keys: PartKeys) -> bool:
        """Whether it has all of these."""
        for some in self._batches(len(keys)):
            answer = self._ask(space, kind, "get", {"ids": ids_of_keys(keys[some]), "include": []})
            with _as_chroma_answers():
                if len(set(answer["ids"])) < len(keys[some]):
                    return False
        return True

    def count(self, space: int, kind: str) -> int:
        """How many vectors it has of a kind."""
        answer = self._rest.get(f"{self._of(space, kind)}/count")
        with _as_chroma_answers():
            return int(answer)

    def ping(self) -> None:
        """See whether the server answers as soon as a search needs it to."""
        self._rest.get("/heartbeat", seconds=self._rest.server.search_seconds)

    def close(self) -> None:
        """Hang up."""
        self._rest.close()

    def _ask(
        self, space: int, kind: str, what: str, asked: dict[str, Any], *, seconds: float = WORK_SECONDS
    ) -> dict[str, Any]:
        answer = self._rest.post(f"{self._of(space, kind)}/{what}", asked, seconds=seconds)
        return answer if isinstance(answer, dict) else {}

    def _of(self, space: int, kind: str) -> str:
        """Where the collection is. By its id: one made anew by another has another, and is not ours."""
        if (space, kind) not in self._ids:
            raise IndexAway(f"the collection {self.named(space, kind)} was not opened")
        return f"{self._path}/{self._ids[space, kind]}"

    def _batches(self, count: int, dim: int = 1) -> Iterator[slice]:
        """Rows that one request may hold."""
        size = max(1, min(self.max_batch, MAX_REQUEST_BYTES // (4 * dim)))
        return (slice(at, at + size) for at in range(0, count, size))


def _collection(told: Any) -> Collection:
    with _as_chroma_answers():
        holder = (told["metadata"] or {}).get("holder")
        return Collection(str(told["id"]), str(told["name"]), told["dimension"], str(holder))


def _finite(numbers: Vectors, shape: tuple[int, ...]) -> Vectors:
    """The numbers, if there are as many as were asked for, and all are numbers. Raises ValueError."""
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError(f"{numbers.shape} numbers, not {shape}, or not all of them finite")
    return numbers


@contextmanager
def _as_chroma_answers() -> Iterator[None]:
    """Raise IndexAway for an answer that is none of Chroma's."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise IndexAway("the server answers otherwise than Chroma does. Correct MMRETRIEVAL_INDEX.") from error
