"""The nearest vectors, fast: Chroma over the catalog's vectors, in a folder or on a server (`index_backend`).

Chroma holds ids and vectors only and may vanish at any moment. It says which ids are near. The catalog says which of
them are held, to which document they belong and who may see them.

A thread keeps the index up to date. Its states:

unneeded   the library is so small that comparing with each vector (`scan`) is as fast: there is no index
resting    nobody asked for a while, so it was closed; the next question opens it
checking   the index that lies there is opened and compared with the catalog
building   it was begun anew, or a large batch of vectors is being added
ready      it has all vectors, or adds the few of the last commits
failed     it cannot be used; the thread tries again after a while, at most a minute
away       its server does not answer, or not to us: nobody asks it meanwhile, and nothing is built anew for that

In every state a search is answered: what the index lacks, or all of it, is compared with one by one. Only where its
server is away and the library is too large for that, the search says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_mmretrieval.concurrency.foreground import foreground_is_busy
from mcp_mmretrieval.errors import IndexUnavailable
from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.chroma import ChromaFailed
from mcp_mmretrieval.store.index_backend import IndexAway, IndexBackend, OpenIndex, UnsoundIndex
from mcp_mmretrieval.store.records import IndexState, IndexStatus
from mcp_mmretrieval.store.scan import Scan
from mcp_mmretrieval.store.scope import Scope
from mcp_mmretrieval.types import VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

logger = logging.getLogger(__name__)

MAX_SCANNED_VECTORS = 32_000
"""Vectors up to which a library needs no index: comparing with each takes 6 ms and 24 MB, Chroma 8 ms and 200."""
KEPT_SHARE = 0.75
"""Share of these below which an index that is there goes: not at once, so that it does not come and go."""
COMPARE_US, ASK_INDEX_US, NEIGHBOUR_US = 0.7, 1_000.0, 20.0
"""Microseconds, measured at 384 numbers: to find one of a scope and compare with it; to ask the index; for each
neighbour it is asked for."""
MAX_SCANNED_WHILE_AWAY = 500_000
"""Vectors up to which comparing with each stands in for a server that is away: a copy of them fits into memory."""
MAX_TAIL_VECTORS = 32_000
"""Vectors that the index may lack. While it lacks more, comparing with each vector is cheaper than asking both."""
UPSERT_VECTORS = 1_000
"""Vectors in one upsert, at least, while more are to come: one of 40 takes three times as long for each."""
UPSERT_DELAY_SECONDS = 10.0
"""Seconds after which fewer than these are upserted too. Until then searches compare with each of them: 1 ms."""
COMMIT_PAUSE_SECONDS = 0.3
"""Seconds between two looks at what was committed."""
UPSERT_YIELD_SECONDS = 1.0
"""Seconds that an upsert waits while searches come in. They do without the index, but not without a processor."""
INDEX_IDLE_SECONDS = 600.0
"""Seconds without a question after which the index is closed, and the memory of the scan is given back."""
MAX_PAUSE_SECONDS = 60.0
"""Seconds after which an index that failed is tried again at the latest; the first time after two."""
RELAPSE_SECONDS = 60.0
"""Seconds that a server has to do well until its next failure counts as the first."""
SERVER_CLOSING_SECONDS = 5.0
"""Seconds that closing waits for a request to a server. Then it is left behind; the next opening looks what it did."""

SearchedLane = tuple[Scope, VectorKind, int, int]
"""Scope, kind and depth of a search, and how often the library had doubled."""


class Index:
    """The index of one library, which follows the catalog in a thread of its own. Thread-safe."""

    def __init__(self, backend: IndexBackend, catalog: Catalog, committed: threading.Event) -> None:
        """Look after the index in the background; answers from the catalog until it is ready.

        `committed` is set after each commit of the catalog; the index clears it and follows.
        """
        self._backend = backend
        self._catalog = catalog
        self._scan = Scan(catalog)
        self._opened: OpenIndex | None = None
        self._defect: tuple[OpenIndex, ChromaFailed] | None = None
        """What a search met with in an open index."""
        self._looks: dict[SearchedLane, int] = {}
        """How many neighbours the last search of a lane needed."""
        self._state: IndexState = "checking"
        self._note = ""
        self._broken = ""
        """Why the index has to be built anew; empty where it is sound."""
        self._failures = 0
        self._failed = float("-inf")
        """When it failed last."""
        self._far_behind = False
        """Whether so much is lacking that the index is no help."""
        self._asked = time.monotonic()
        self._behind_since: float | None = None
        self._wake = committed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def nearest(
        self, space: int, kind: VectorKind, vector: Vectors, scope: Scope, *, depth: int
    ) -> list[tuple[int, float]]:
        """Segment keys with cosine similarity to `vector` (shape (dim,) or (1, dim), unit), best first.

        Each segment once, by its best part; at most `depth`. Empty where the space has no vectors of this kind.
        Raises IndexUnavailable where the index's server is away and there are too many to compare with each.
        """
        self._asked = time.monotonic()
        found = None
        if self._catalog.whole(scope) or not self._is_small(scope, depth):
            found = self._indexed(space, kind, vector, scope, depth)
        if found is None:
            self._refuse_too_many(space, kind, scope)
            return self._scan.nearest(space, kind, vector, scope, depth=depth)
        upto, best = found
        tail = self._scan.nearest(space, kind, vector, scope, depth=depth, after=upto)
        return _merged(best, tail, depth) if tail else best

    def status(self) -> IndexStatus:
        """How far the index has followed the catalog."""
        lacks, total = self._catalog.behind()
        followed = max(0, total - lacks)
        return IndexStatus(
            state=self._state, followed=followed, total=total, note=self._note, server=self._backend.server
        )

    def wait(self, seconds: float) -> bool:
        """Wait until the index has all that is committed and nothing that was deleted; whether it came to that.

        Where none is needed, until there is none.
        """
        end = time.monotonic() + seconds
        while not self._settled():
            if self._closing.wait(0.02) or time.monotonic() > end:
                return False
        return True

    def close(self) -> None:
        """Finish the running upsert and close, within seconds: what hangs is cut off. May be called twice."""
        self._closing.set()
        self._wake.set()
        self._thread.join(SERVER_CLOSING_SECONDS if self._backend.server else None)

    def _settled(self) -> bool:
        lacks, total = self._catalog.behind()
        if not self._is_needed(total):
            return self._state == "unneeded" and lacks == total
        return self._state in ("ready", "resting") and not lacks

    # -- searching ------------------------------------------------------------------------------------------------

    def _is_small(self, scope: Scope, depth: int) -> bool:
        """Whether a scope is so small that comparing with each is faster than asking the index deep enough."""
        allowed, held = self._catalog.extent(scope, MAX_SCANNED_VECTORS)
        return (
            allowed <= MAX_SCANNED_VECTORS
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
        # Beyond the backend's `max_neighbours` comparing with each vector is faster. That is remembered too, and the
        # next search of this sort does not ask at all. Where Chroma is being written or has failed, nothing is
        # remembered: the next search may find it free.
        # `upto` belongs to the answer of the last asking. `nearest` compares the rows after it one by one, so a commit
        # that the index has not followed yet is found all the same.
        _, held = self._catalog.extent(scope, MAX_SCANNED_VECTORS)
        lane = (scope, kind, depth, held.bit_length())
        most, end = self._backend.max_neighbours, time.monotonic() + self._backend.search_seconds
        look = self._looks.get(lane, min(2 * depth, most))
        while look <= most and (found := self._ask(space, kind, vector, look)) is not None:
            upto, near = found
            seen = self._catalog.visible({key for key, _ in near}, scope)
            best: dict[int, float] = {}
            for key, score in near:  # best first, so the first part of a segment is its best
                if key in seen:
                    best.setdefault(key, score)
            if len(best) >= depth:
                self._remember(lane, look)
                return upto, list(best.items())[:depth]
            late = time.monotonic() > end
            if (late or look == most) and not self._scannable(space, kind, scope):
                return upto, list(
                    best.items()
                )  # a server that gives few at a time, or slowly: some are better than none
            if late:
                return None
            look = min(2 * look, most) if look < most else most + 1
        if look > most:
            self._remember(lane, look)
        return None

    def _scannable(self, space: int, kind: VectorKind, scope: Scope) -> bool:
        """Whether comparing with each vector may stand in for the index. A folder's is back soon, so it always may."""
        if not self._backend.server:
            return True
        most = MAX_SCANNED_WHILE_AWAY
        allowed, _ = self._catalog.extent(scope, most + 1)
        return min(allowed, self._catalog.count_after(space, kind, 0, most=most + 1)) <= most

    def _refuse_too_many(self, space: int, kind: VectorKind, scope: Scope) -> None:
        """Raises IndexUnavailable where neither the index nor a comparison with each vector can answer."""
        if not self._scannable(space, kind, scope):
            raise IndexUnavailable(
                f"The index on {self._backend.server} does not answer now ({self._note or self._state}), and there are "
                f"more than {MAX_SCANNED_WHILE_AWAY:,} {kind} vectors, too many to compare with each. Search within a "
                "folder, or ask again later."
            )

    def _remember(self, lane: SearchedLane, look: int) -> None:
        if len(self._looks) > 256:
            self._looks.clear()
        self._looks[lane] = look

    def _ask(
        self, space: int, kind: VectorKind, vector: Vectors, look: int
    ) -> tuple[int, list[tuple[int, float]]] | None:
        """Up to which row the index has followed the catalog, and the segments of its nearest vectors, best first.

        None where it cannot answer, or not now.
        """
        opened = self._opened
        # read before it is asked: until then the index has all vectors up to this row, perhaps more
        upto = opened.followed.get((space, kind), 0) if opened is not None else 0
        if opened is None or not upto or self._far_behind:
            if self._state == "resting":
                self._wake.set()
            return None
        try:
            found = opened.nearest(space, kind, vector, look)
        except ChromaFailed as error:
            self._defect = opened, error
            self._wake.set()
            return None
        if opened.silent:
            self._wake.set()
        return None if found is None else (upto, found)

    # -- following, in the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._guarded(self._work)
        finally:
            self._guarded(self._let_go)
            self._state = "failed"

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it; if it fails, exact scans answer, and it is tried again after a while."""
        try:
            work()
        except Exception as error:  # whatever it is: a search must never depend on this thread
            self._end()
            if self._closing.is_set():
                logger.info("The index was not closed in order and will be checked: %s", error)
                return
            ours = not isinstance(error, ChromaFailed)
            if (note := str(error)) != self._note or not self._failures:
                logger.warning("Searches compare with each vector, the index stopped: %s", note, exc_info=ours)
            self._state, self._note = ("away" if isinstance(error, IndexAway) else "failed"), note
            if self._backend.is_unsound_after(error):
                self._broken = note
            self._failures, self._failed = self._failures + 1, time.monotonic()
            self._closing.wait(min(MAX_PAUSE_SECONDS, 2.0**self._failures))

    def _work(self) -> None:
        """One step, or a rest until there is something to do."""
        self._wake.clear()
        self._look_after_searches()
        lacks, total = self._catalog.roughly_behind(max(MAX_SCANNED_VECTORS, MAX_TAIL_VECTORS) + 1)
        self._far_behind = lacks > MAX_TAIL_VECTORS
        if not self._is_needed(total):
            self._do_without(lacks, total)
        elif self._opened is not None:
            if self._is_due(lacks) and self._step(self._opened):
                return
            if self._is_idle() and not lacks:
                self._let_go()
            else:
                self._state = "ready"
                if not self._backend.server or time.monotonic() > self._failed + RELAPSE_SECONDS:
                    self._failures = 0
        elif self._broken or not any(self._catalog.lanes().values()):
            self._rebuild(self._broken)
            return
        elif self._is_due(lacks) or not self._is_idle():
            self._open()
            return
        else:
            self._state = "resting"
        self._rest(lacks)

    def _look_after_searches(self) -> None:
        """Raise what a search met with, and wait until an index that did not answer one answers again."""
        defect, self._defect = self._defect, None
        if defect is not None and defect[0] is self._opened:
            raise defect[1]
        if self._opened is not None and self._opened.silent:
            self._opened.ping()

    def _rest(self, lacks: int) -> None:
        """Wait until something was committed or asked for, or time does it."""
        patience = UPSERT_DELAY_SECONDS if lacks and self._state != "unneeded" else INDEX_IDLE_SECONDS
        if not self._wake.wait(patience / 4):
            self._scan.tidy(idle=INDEX_IDLE_SECONDS, held=self._catalog.behind()[1])
        self._closing.wait(COMMIT_PAUSE_SECONDS)

    def _is_needed(self, total: int) -> bool:
        """Whether the library has, or had until lately, more vectors than are compared with one by one."""
        if total > MAX_SCANNED_VECTORS:
            return True
        return total > KEPT_SHARE * MAX_SCANNED_VECTORS and any(self._catalog.lanes().values())

    def _is_due(self, lacks: int) -> bool:
        """Whether an upsert pays: there is much to do, or nothing came to it for a while."""
        if not lacks:
            self._behind_since = None
            return False
        now = time.monotonic()
        if self._behind_since is None:
            self._behind_since = now
        return lacks >= UPSERT_VECTORS or now >= self._behind_since + UPSERT_DELAY_SECONDS

    def _is_idle(self) -> bool:
        """Whether nobody has asked for a while."""
        return time.monotonic() > self._asked + INDEX_IDLE_SECONDS

    def _do_without(self, lacks: int, total: int) -> None:
        """See to it that there is no index: neither open, nor anywhere, nor anything to forget."""
        self._end()
        self._backend.remove()
        if lacks != total or any(self._catalog.lanes().values()):
            self._catalog.unfollow()
        self._state, self._note, self._broken, self._failures = "unneeded", "", "", 0

    def _step(self, opened: OpenIndex) -> bool:
        """Follow by one batch. Whether there was anything to do."""
        for (space, kind), upto in self._catalog.lanes().items():
            last, places, vectors = self._catalog.next_vectors(space, kind, upto, limit=UPSERT_VECTORS)
            if len(places):
                self._state = "building" if len(places) >= UPSERT_VECTORS else self._state
                self._yield_to_searches()
                opened.upsert(space, kind, places, vectors)
                # Chroma first, then the note in the catalog. A kill in between repeats the upsert, which changes
                # nothing; in the other order the catalog would believe in vectors that the index never got.
                self._catalog.follow(space, kind, last)
                opened.followed[space, kind] = last
                return True
        return self._forget(opened)

    def _yield_to_searches(self) -> None:
        """While searches come in, leave them the processors for a while before each upsert."""
        end = time.monotonic() + UPSERT_YIELD_SECONDS
        while foreground_is_busy() and time.monotonic() < end and not self._closing.wait(0.05):
            pass

    def _forget(self, opened: OpenIndex) -> bool:
        """Delete what the catalog has deleted, some rows at a time, or a whole space."""
        garbage = self._catalog.garbage()
        if garbage is None:
            return False
        space, kind, last, places = garbage
        if any(each.id == space for each in self._catalog.spaces()):
            opened.delete(space, kind, places)
            self._catalog.clear_garbage(space, kind, upto=last)
        else:
            opened.followed = {lane: upto for lane, upto in opened.followed.items() if lane[0] != space}
            opened.drop(space)
            self._catalog.clear_garbage(space)
        return True

    def _open(self) -> None:
        """Open the index that is there, unless it has to be built anew."""
        self._state = "checking"
        try:
            self._opened, self._note = self._backend.open(self._closing), ""
        except UnsoundIndex as error:
            self._broken = str(error)

    def _rebuild(self, why: str) -> None:
        """Begin the index anew."""
        if why and why != self._note:
            logger.warning("The index is built anew: %s", why)
        self._opened = self._backend.begin(self._closing)
        self._state, self._note, self._broken = "building", why, ""

    def _let_go(self) -> None:
        """Close the index in order."""
        opened, self._opened = self._opened, None
        if opened is not None:
            try:
                self._backend.close(opened)
            finally:
                opened.end()
            self._state = "resting"

    def _end(self) -> None:
        """End the index at once, whatever it does."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.end()


def _merged(one: list[tuple[int, float]], other: list[tuple[int, float]], depth: int) -> list[tuple[int, float]]:
    """Two ranked lists as one, each key by its better score."""
    best = dict(one)
    for key, score in other:
        best[key] = max(score, best.get(key, score))
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:depth]
