"""The index on a Chroma server. What the server acknowledges counts once it shows it; what is kept is in the catalog.

A server that is away says nothing of the index: it is asked again. Only what an opening finds in the collections of a
server that answers well has them built anew, under another name: they are gone, or have other vectors than the catalog
says, or another engine goes on with them.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.embedded_index import EmbeddedIndex
from mcp_mmretrieval.store.index_backend import MAX_NEIGHBOURS, IndexAway, OpenIndex, UnsoundIndex
from mcp_mmretrieval.store.records import IndexClaim

if TYPE_CHECKING:
    from mcp_mmretrieval.config.index_address import IndexServer
    from mcp_mmretrieval.store.remote_chroma import Collection, RemoteChroma
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import VectorKind, Vectors

READ_IN_SECONDS = 60.0
"""Seconds in which a server that has just started reads a collection in: 0.6 ms for each vector of its log."""
READABLE_SECONDS = 10.0
"""Seconds in which what was written can be read: at once from one server, perhaps later from a distributed one."""
SAME_VECTOR_TOLERANCE = 1e-3
"""How much a number may differ in a vector that need not be written again: the server normalises, in decimals."""


class ServerIndex:
    """Opens, makes and removes the index of one library on a server. See `IndexBackend`."""

    def __init__(self, server: IndexServer, folder: Path, catalog: Catalog) -> None:
        """`folder`: where an index lies that the library had before it had a server; it goes."""
        self._server = server
        self._before = EmbeddedIndex(folder, catalog)
        self._catalog = catalog
        self._holder = secrets.token_hex(8)
        """Names this engine, as long as it has the library open."""
        self.server = server.origin
        self.search_seconds = server.search_seconds
        self.max_neighbours = MAX_NEIGHBOURS

    def open(self, stop: threading.Event) -> OpenIndex:
        """See `IndexBackend.open`: a sample is compared, and all is counted."""
        claim = self._catalog.index_claim()
        if claim is None:
            raise UnsoundIndex("it was not on a server before")
        chroma = self._chroma(claim.name)
        try:
            held = self._held(chroma, claim)
            if problem := self._problem(chroma, held):
                raise UnsoundIndex(problem)
            chroma.take_all()
            self._catalog.hold_index(IndexClaim(claim.name, (self._holder,)))
        except BaseException:
            chroma.close()
            raise
        followed = {lane: upto for lane, upto in self._catalog.lanes().items() if upto}
        return ServerSession(chroma, self._holder, stop, followed)

    def begin(self, stop: threading.Event) -> OpenIndex:
        """See `IndexBackend.begin`. The name is a new one: what is still on its way to the old one does no harm."""
        old, new = self._catalog.index_claim(), IndexClaim(f"mmr-{secrets.token_hex(8)}", (self._holder,))
        chroma = self._chroma(new.name)
        try:
            if old is not None:
                self._remove_collections(old)
            self._catalog.unfollow(new)
            self._before.remove()
        except BaseException:
            chroma.close()
            raise
        return ServerSession(chroma, self._holder, stop, {})

    def close(self, opened: OpenIndex) -> None:
        """Nothing: what was acknowledged is on the server, and the next opening looks at it as after a kill."""

    def remove(self) -> None:
        """Remove what this library has on the server, and what it had in the folder."""
        self._before.remove()
        if (claim := self._catalog.index_claim()) is not None:
            self._remove_collections(claim)
            self._catalog.unfollow()

    def is_unsound_after(self, error: Exception) -> bool:
        """Never: an opening finds out."""
        return False

    def _chroma(self, name: str) -> RemoteChroma:
        from mcp_mmretrieval.store.chroma_rest import ChromaRest  # numpy and an HTTP client, for which nobody waits
        from mcp_mmretrieval.store.remote_chroma import RemoteChroma

        rest = ChromaRest(self._server)
        try:
            chroma = RemoteChroma(rest, name, self._holder)
        except BaseException:
            rest.close()
            raise
        self.max_neighbours = chroma.max_neighbours
        return chroma

    def _held(self, chroma: RemoteChroma, claim: IndexClaim) -> dict[str, Collection]:
        """The collections by their names, which no other engine holds from now on. Raises UnsoundIndex where one does.

        That is so where a library's folder was copied, or an older copy of the catalog put in its place. This engine
        first becomes the one successor of the last holder, then looks who that is: so of two at once one goes on.
        """
        holders, last = claim.holders, self._holder
        if holders != (self._holder,):
            holders = tuple(dict.fromkeys((*holders, self._holder)))
            self._catalog.hold_index(IndexClaim(claim.name, holders))  # a kill from here on leaves them all
            last = holders[0]
            while last != self._holder and last in holders:
                last = chroma.successor(last)
        found = {each.name: each for each in chroma.collections()}
        if last not in holders or any(each.holder not in holders for each in found.values()):
            self._catalog.hold_index(None)
            raise UnsoundIndex(f"another engine goes on with the collections {claim.name}-…")
        return found

    def _problem(self, chroma: RemoteChroma, found: dict[str, Collection]) -> str | None:
        """Why the collections have to be made anew."""
        from mcp_mmretrieval.store.index_soundness import unlike

        for (space, kind), upto in self._catalog.lanes().items():
            collection = found.get(name := chroma.named(space, kind))
            if collection is None and upto:
                return f"the collection {name} is gone"
            if collection is None:
                continue
            chroma.use(space, kind, collection)
            _, places, vectors = self._catalog.next_vectors(space, kind, 0, limit=1)
            if len(places) and collection.dimension not in (None, vectors.shape[1]):
                return f"the vectors of {name} have {collection.dimension} numbers, not {vectors.shape[1]}"
            wanted = self._catalog.count_upto(space, kind, upto)
            if wanted and (count := chroma.count(space, kind)) < wanted:
                return f"{name} has {count:,} vectors, not the {wanted:,} that it acknowledged"
            if wanted:  # one that has just started reads all in
                chroma.nearest(space, kind, vectors[0], 1, seconds=READ_IN_SECONDS)
        return unlike(chroma, self._catalog, sample=True)

    def _remove_collections(self, claim: IndexClaim) -> None:
        chroma = self._chroma(claim.name)
        try:
            chroma.drop(None, claim.holders)
        finally:
            chroma.close()


class ServerSession:
    """The collections of one library, open. See `OpenIndex`."""

    def __init__(
        self,
        chroma: RemoteChroma,
        holder: str,
        stop: threading.Event,
        followed: dict[tuple[int, VectorKind], int],
    ) -> None:
        self.followed = followed
        self.silent = False
        self._chroma = chroma
        self._holder = holder
        self._stop = stop
        self._writing = False
        self._settled: set[tuple[int, str]] = set()
        """The spaces and kinds of which this session knows all that was written."""

    def upsert(self, space: int, kind: VectorKind, keys: PartKeys, vectors: Vectors) -> None:
        """See `OpenIndex.upsert`. What a try before this session has brought there is not written again.

        The server logs each try, also one that it did not acknowledge, and replays all when it starts.
        """
        self._writing = True
        try:
            self._chroma.make_sure(space, kind)
            if (space, kind) not in self._settled:
                keys, vectors = self._lacking(space, kind, keys, vectors)
            self._chroma.upsert(space, kind, keys, vectors)
            end = time.monotonic() + READABLE_SECONDS
            while not self._chroma.has(space, kind, keys):
                if time.monotonic() > end or self._stop.wait(0.2):
                    raise IndexAway("the server does not show the vectors that it acknowledged. See how it is.")
            self._settled.add((space, kind))
        finally:
            self._writing = False

    def _lacking(self, space: int, kind: VectorKind, keys: PartKeys, vectors: Vectors) -> tuple[PartKeys, Vectors]:
        """What of these the server has not, or otherwise."""
        import numpy as np

        held = self._chroma.vectors(space, kind, keys)
        new = np.array(
            [
                (found := held.get((segment, part))) is None
                or found.shape != vector.shape
                or not np.allclose(found, vector, atol=SAME_VECTOR_TOLERANCE)
                for (segment, part), vector in zip(keys.tolist(), vectors, strict=True)
            ]
        )
        return keys[new], vectors[new]

    def delete(self, space: int, kind: str, keys: PartKeys) -> None:
        """See `OpenIndex.delete`."""
        self._chroma.make_sure(space, kind)
        self._chroma.delete(space, kind, keys)

    def drop(self, space: int) -> None:
        """See `OpenIndex.drop`."""
        self._chroma.drop(space, (self._holder,))

    def ping(self) -> None:
        """See `OpenIndex.ping`."""
        self._chroma.ping()
        self.silent = False

    def nearest(self, space: int, kind: VectorKind, vector: Vectors, depth: int) -> list[tuple[int, float]] | None:
        """See `OpenIndex.nearest`. Once one search had no answer no other asks, until the writing thread has looked."""
        if self.silent:
            return None
        try:
            keys, scores = self._chroma.nearest(space, kind, vector, depth)
        except IndexAway:
            self.silent = True
            if self._writing:  # which may be why
                return None
            raise
        return list(zip(keys[:, 0].tolist(), scores.tolist(), strict=True))

    def end(self) -> None:
        """See `OpenIndex.end`."""
        self.followed = {}
        self._chroma.close()


def reach_server(server: IndexServer) -> int:
    """Connect to a server, and tell how many vectors it takes at once. Raises IndexAway, which says what to do."""
    from mcp_mmretrieval.store.chroma_rest import ChromaRest

    with closing(ChromaRest(server)) as rest:
        return rest.connect()
