"""The nearest vectors, fast: Chroma over the catalog's vectors.

Chroma holds ids and vectors only and may vanish at any moment. It says which ids are near. The catalog says which of
them are held, to which document they belong and who may see them.

A thread keeps the index up to date. Its states:

checking   the index that lies there is read in a child process (`check`), since a damaged one can crash its reader
building   it was opened or begun anew, or a large batch of vectors is being added
ready      it has all vectors, or adds the few of the last commits
failed     it cannot be used; the thread tries again after a while, at most a minute

In every state a search is answered: what the index lacks, or all of it, is compared with one by one.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.concurrency.foreground import foreground_is_busy
from mcp_mmretrieval.concurrency.read_write_lock import ReadWriteLock
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.check import index_problem
from mcp_mmretrieval.store.chroma import Chroma, ChromaFailed, VectorKey
from mcp_mmretrieval.store.records import IndexState, IndexStatus
from mcp_mmretrieval.store.scope import Scope
from mcp_mmretrieval.types import VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

logger = logging.getLogger(__name__)

MAX_SCANNED_SEGMENTS = 16_000
"""Segments beyond which the index is asked in any case."""
COMPARE_US, ASK_INDEX_US, NEIGHBOUR_US = 0.45, 1_000.0, 10.0
"""Microseconds, measured at 384 numbers: to compare with one; to ask the index; for each neighbour it is asked for."""
MAX_NEIGHBOURS = 4_096
"""Neighbours that the index is asked for at most, before comparing with each is faster."""
UPSERT_VECTORS = 1_000
"""Vectors in one upsert, at least: about a second, during which searches compare with each."""
UPSERT_DELAY_SECONDS = 0.3
"""Seconds to wait for more after a commit: small upserts cost as much as large ones."""
UPSERT_WAIT_SECONDS = 0.05
"""Seconds that a search waits for a running upsert."""
MAX_VECTORS_BEHIND = 20_000
"""Vectors that the index may lack while searches come in: comparing with each of them takes 9 ms."""
MIN_FREE_DISK_BYTES = 64 << 20
"""Bytes of free disk below which a failure is the disk's, and building anew would not help."""

SearchedLane = tuple[Scope, VectorKind, int, int]
"""Scope, kind and depth of a search, and how often the library had doubled."""


class Index:
    """The index of one library, which follows the catalog in a thread of its own. Thread-safe."""

    def __init__(self, folder: Path, catalog: Catalog, committed: threading.Event) -> None:
        """Start checking `folder` in the background; answers from the catalog until that is done.

        `committed` is set after each commit of the catalog; the index clears it and follows.
        """
        self._folder = folder
        self._catalog = catalog
        self._chroma: Chroma | None = None
        self._lock = ReadWriteLock()  # inside Chroma a query waits for seconds while it writes; here it need not
        self._followed: dict[tuple[int, VectorKind], int] = {}
        """Up to which row of the catalog Chroma has the vectors of a space and kind."""
        self._looks: dict[SearchedLane, int] = {}
        """How many neighbours the last search of a lane needed."""
        self._state: IndexState = "checking"
        self._note = ""
        self._broken = ""
        """Why the index has to be built anew; empty where it is sound."""
        self._failures = 0
        self._wake = committed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def nearest(
        self, space: int, kind: VectorKind, vector: Vectors, scope: Scope, *, depth: int
    ) -> list[tuple[int, float]]:
        """Segment keys with cosine similarity to `vector` (shape (dim,) or (1, dim), unit), best first.

        Each segment once, by its best part; at most `depth`. Empty where the space has no vectors of this kind.
        """
        found = None
        if self._catalog.whole(scope) or not self._is_small(scope, depth):
            found = self._indexed(space, kind, vector, scope, depth)
        if found is None:
            return self._catalog.exact(space, kind, vector, scope, depth=depth)
        upto, best = found
        tail = self._catalog.exact(space, kind, vector, scope, depth=depth, after=upto)
        return _merged(best, tail, depth) if tail else best

    def status(self) -> IndexStatus:
        """How far the index has followed the catalog."""
        lacks, total = self._catalog.behind()
        return IndexStatus(state=self._state, followed=max(0, total - lacks), total=total, note=self._note)

    def wait(self, seconds: float) -> bool:
        """Wait until the index has all that is committed and nothing that was deleted; whether it came to that."""
        end = time.monotonic() + seconds
        while self._state != "ready" or self._catalog.behind()[0]:
            if self._closing.wait(0.02) or time.monotonic() > end:
                return False
        return True

    def close(self) -> None:
        """Finish the running upsert and let go of Chroma. May be called twice."""
        self._closing.set()
        self._wake.set()
        self._thread.join()

    # -- searching ------------------------------------------------------------------------------------------------

    def _is_small(self, scope: Scope, depth: int) -> bool:
        """Whether a scope is so small that comparing with each is faster than asking the index deep enough."""
        allowed, held = self._catalog.extent(scope, MAX_SCANNED_SEGMENTS)
        return (
            allowed <= MAX_SCANNED_SEGMENTS
            and COMPARE_US * allowed < ASK_INDEX_US + NEIGHBOUR_US * depth * held / max(1, allowed)
        )

    def _indexed(
        self, space: int, kind: VectorKind, vector: Vectors, scope: Scope, depth: int
    ) -> tuple[int, list[tuple[int, float]]] | None:
        """Up to which row the index has followed the catalog, and the best segments that it found, at most `depth`.

        None where comparing with each vector is better.
        """
        # Chroma knows no scopes: it holds ids and vectors alone, so that what may be seen is decided in one place, the
        # catalog. It is therefore asked for more neighbours than are wanted, and the catalog then says which of them
        # are held and lie within the scope. Three things use up neighbours: vectors outside the scope, vectors deleted
        # since, and further parts of a segment that stands in the list already. How many they use up is not known
        # beforehand, so the number doubles until `depth` segments remain. It is remembered for the same scope, kind
        # and depth, so that the next search asks once, until the library has doubled: of a small one, of which every
        # segment is near, nothing is known later.
        # Beyond `MAX_NEIGHBOURS` comparing with each vector is faster. That is remembered too, and the next search of
        # this sort does not ask at all. Where Chroma is being written or has failed, nothing is remembered: the next
        # search may find it free.
        # `upto` belongs to the answer of the last asking. `nearest` compares the rows after it one by one, so a commit
        # that the index has not followed yet is found all the same.
        _, held = self._catalog.extent(scope, MAX_SCANNED_SEGMENTS)
        lane = (scope, kind, depth, held.bit_length())
        look = self._looks.get(lane, 2 * depth)
        while look <= MAX_NEIGHBOURS and (found := self._ask(space, kind, vector, look)) is not None:
            upto, near = found
            seen = self._catalog.visible({key for (key, _), _ in near}, scope)
            best: dict[int, float] = {}
            for (key, _), score in near:  # best first, so the first part of a segment is its best
                if key in seen:
                    best.setdefault(key, score)
            if len(best) >= depth:
                self._remember(lane, look)
                return upto, list(best.items())[:depth]
            look *= 2
        if look > MAX_NEIGHBOURS:
            self._remember(lane, look)
        return None

    def _remember(self, lane: SearchedLane, look: int) -> None:
        if len(self._looks) > 256:
            self._looks.clear()
        self._looks[lane] = look

    def _ask(
        self, space: int, kind: VectorKind, vector: Vectors, look: int
    ) -> tuple[int, list[tuple[VectorKey, float]]] | None:
        """Up to which row the index has followed the catalog, and its nearest vectors; None where it cannot answer."""
        with self._lock.read_lock(UPSERT_WAIT_SECONDS) as acquired:
            # under the lock: until the next writer comes, Chroma has all vectors up to this row, perhaps more
            upto = self._followed.get((space, kind), 0) if acquired else 0
            if self._chroma is None or not upto:
                return None
            try:
                return upto, self._chroma.nearest(space, kind, vector, look)
            except ChromaFailed as error:
                self._broken = str(error)
                self._wake.set()
                return None

    # -- following, in the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._guarded(self._start)
            while not self._closing.is_set():
                self._guarded(self._work)
        finally:
            self._state = "failed"
            with self._lock.write_lock(), contextlib.suppress(ChromaFailed):
                self._close_chroma()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it; if it fails, exact scans answer, and it is tried again after a while."""
        try:
            work()
        except Exception as error:  # whatever it is: a search must never depend on this thread
            if self._closing.is_set():
                return
            logger.warning("Searches compare with each vector, the index stopped: %s", error, exc_info=True)
            self._state, self._note = "failed", str(error)
            if not isinstance(error, LibraryUnavailable) and self._disk_has_room():
                self._broken = self._note
            self._failures += 1
            self._closing.wait(min(60.0, 2.0**self._failures))

    def _disk_has_room(self) -> bool:
        """Whether the disk has room, so that a failure is the index's own."""
        try:
            return shutil.disk_usage(self._folder.parent).free > MIN_FREE_DISK_BYTES
        except OSError:
            return False

    def _start(self) -> None:
        """Open what is there, if it is sound."""
        found = index_problem(self._folder, self._catalog, stop=self._closing)
        if self._closing.is_set():
            return
        if found is None:
            self._reopen()
        else:
            self._broken = found

    def _work(self) -> None:
        """One step, or a rest until there is something to do."""
        self._wake.clear()
        if self._broken or (self._chroma is None and self._catalog.behind() != (0, 0)):
            self._rebuild(self._broken)
        if self._chroma is not None and self._step():  # without vectors there is no need to load Chroma
            return
        self._state, self._failures = "ready", 0
        self._wake.wait()
        self._closing.wait(UPSERT_DELAY_SECONDS)

    def _step(self) -> bool:
        """Follow by one batch. Whether there was anything to do."""
        assert self._chroma is not None
        for (space, kind), upto in self._catalog.lanes().items():
            last, places, vectors = self._catalog.next_vectors(space, kind, upto, limit=UPSERT_VECTORS)
            if places:
                self._state = "building" if len(places) >= UPSERT_VECTORS else self._state
                self._yield_to_searches()
                with self._lock.write_lock():
                    self._chroma.upsert(space, kind, places, vectors)
                # Chroma first, then the note in the catalog. A kill in between repeats the upsert, which changes
                # nothing; in the other order the catalog would believe in vectors that the index never got.
                self._catalog.follow(space, kind, last)
                self._followed[space, kind] = last
                return True
        return self._forget(self._chroma)

    def _yield_to_searches(self) -> None:
        """While searches come in, wait until the index lacks so many vectors that this makes the searches slow.

        During an upsert a search compares with each vector, so an upsert pays only where it saves more than that.
        """
        while (
            foreground_is_busy()
            and self._catalog.behind()[0] < MAX_VECTORS_BEHIND
            and not self._closing.wait(UPSERT_DELAY_SECONDS)
        ):
            pass

    def _forget(self, chroma: Chroma) -> bool:
        """Delete what the catalog has deleted, some rows at a time, or a whole space."""
        garbage = self._catalog.garbage()
        if garbage is None:
            return False
        space, kind, last, places = garbage
        if any(each.id == space for each in self._catalog.spaces()):
            with self._lock.write_lock():
                chroma.delete(space, kind, places)
            self._catalog.clear_garbage(space, kind, upto=last)
        else:
            with self._lock.write_lock():
                chroma.drop(space)
                self._followed = {lane: upto for lane, upto in self._followed.items() if lane[0] != space}
            self._catalog.clear_garbage(space)
        return True

    def _reopen(self) -> None:
        """Open a sound index, and read it in before the first search needs it."""
        with self._lock.write_lock():
            self._chroma = Chroma(self._folder)
            for (space, kind), upto in self._catalog.lanes().items():
                if upto:
                    self._chroma.count(space, kind)
                    self._followed[space, kind] = upto
        self._state = "building"

    def _rebuild(self, why: str) -> None:
        """Begin the index anew. The catalog forgets it first: it must never believe in an index that is gone."""
        self._state, self._note = "building", why
        if why:
            logger.warning("The index is built anew: %s", why)
        with self._lock.write_lock():
            with contextlib.suppress(ChromaFailed):
                self._close_chroma()
            self._catalog.unfollow()
            self._chroma = Chroma(self._folder, fresh=True)
        self._broken = ""

    def _close_chroma(self) -> None:
        """Close Chroma. Under the write lock."""
        chroma, self._chroma = self._chroma, None
        self._followed = {}
        if chroma is not None:
            chroma.close()


def _merged(one: list[tuple[int, float]], other: list[tuple[int, float]], depth: int) -> list[tuple[int, float]]:
    """Two ranked lists as one, each key by its better score."""
    best = dict(one)
    for key, score in other:
        best[key] = max(score, best.get(key, score))
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:depth]
