"""A query is embedded once, however many ask it, and whoever asks first fails for nobody else."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pytest

from mcp_mmretrieval.concurrency import priority_lock
from mcp_mmretrieval.concurrency.priority_lock import urgent_turns
from mcp_mmretrieval.errors import BadArgument, Cancelled, ModelUnavailable
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.query_cache import MAX_CHARACTERS_TOGETHER, QueryCache
from mcp_mmretrieval.types import Content, Film, Identity, Sound, VectorKind, Vectors

PATIENCE = 60.0


class Counted:
    """An embedder that notes what it is asked, and answers once its gate is open."""

    sees: frozenset[Literal["photos", "documents"]] = frozenset({"documents"})
    hears = 6.0
    films = 8
    picture_side, frame_side = 1_362, 731

    def __init__(self) -> None:
        self.identity: Identity = {"name": "counted"}
        self.dims: Mapping[VectorKind, int] = {"text": 2}
        self.asked: list[Content] = []
        self.stops: list[threading.Event | None] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Semaphore(0)
        self.fails: list[Exception] = []

    def has_word(self, word: str) -> bool:
        return True

    def windows(self, text: str) -> list[str]:
        return text.split(".")

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        self.asked.append(query)
        self.stops.append(priority_lock.current_stop())
        self.began.release()
        assert self.gate.wait(PATIENCE)
        if self.fails:
            raise self.fails.pop(0)
        return {"text": np.array([[len(self.asked), 0]], np.float32)}

    @property
    def calls_at_once(self) -> int:
        return 1

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        return np.full((len(contents), 2), len(titles), np.float32)


class Asker(threading.Thread):
    """Asks once, in a thread; what came of it."""

    def __init__(self, queries: QueryCache, query: Content, stop: threading.Event | None = None) -> None:
        super().__init__(daemon=True)
        self._ask: Callable[[], Mapping[VectorKind, Vectors]] = lambda: queries.embed_query(query)
        self._stop_event = stop
        self.found: float | Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with urgent_turns(self._stop_event):
                self.found = float(self._ask()["text"][0, 0])
        except Exception as error:  # noqa: BLE001 - it is looked at by the test
            self.found = error

    def came_to(self) -> float | Exception | None:
        self.join(PATIENCE)
        return self.found


@pytest.fixture
def within() -> Counted:
    return Counted()


@pytest.fixture
def queries(within: Counted) -> QueryCache:
    return QueryCache(within)


def test_all_but_queries_is_the_embedders_own(queries: QueryCache, within: Counted) -> None:
    embedder: Embedder = queries
    for name in ("identity", "dims", "sees", "hears", "films"):
        assert getattr(embedder, name) == getattr(within, name)
    assert embedder.windows("a.b") == ["a", "b"]
    assert embedder.embed_documents(["a", "b"], ["of a"]).tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("query", "same", "other"),
    [
        ("pump", "pump", "pump "),
        ("\ud800", "\ud800", "?"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)),
        (
            Sound(np.zeros(9, np.float32), 8_000),
            Sound(np.zeros(9, np.float32), 8_000),
            Sound(np.zeros(9, "f4"), 16_000),
        ),
        (
            Film([np.zeros((2, 2, 3), np.uint8)], (0.0,)),
            Film((np.zeros((2, 2, 3), np.uint8),), (0.0,)),
            Film([np.zeros((2, 2, 3), np.uint8)], (0.0,), Sound(np.zeros(9, np.float32), 8_000)),
        ),
    ],
    ids=["text", "lone surrogate", "picture", "sound", "film"],
)
def test_the_same_content_is_embedded_once(
    queries: QueryCache, within: Counted, query: Content, same: Content, other: Content
) -> None:
    first = queries.embed_query(query)
    assert queries.embed_query(same) is first
    assert len(within.asked) == 1
    assert queries.embed_query(other) is not first
    with pytest.raises(ValueError, match="read-only"):
        first["text"][0, 0] = 9


def test_a_content_that_is_large_is_embedded_each_time(queries: QueryCache, within: Counted) -> None:
    large = np.zeros((4_000, 3_000, 3), np.uint8)
    queries.embed_query(large)
    queries.embed_query(large)
    assert len(within.asked) == 2


def test_the_least_recently_asked_goes_first(within: Counted) -> None:
    queries = QueryCache(within, kept=2)
    for query in ("a", "b", "a", "c", "a", "b"):
        queries.embed_query(query)
    assert within.asked == ["a", "b", "c", "b"]


def test_threads_that_ask_the_same_at_the_same_time_share_one_answer(queries: QueryCache, within: Counted) -> None:
    within.gate.clear()
    askers = [Asker(queries, "pump") for _ in range(8)]
    assert within.began.acquire(timeout=PATIENCE)
    other = Asker(queries, "valve")
    assert within.began.acquire(timeout=PATIENCE)  # another query does not wait for it
    within.gate.set()
    assert {asker.came_to() for asker in askers} in ({1.0}, {2.0})
    assert other.came_to() is not None
    assert sorted(map(str, within.asked)) == ["pump", "valve"]


@pytest.mark.parametrize("error", [Cancelled("left behind"), ModelUnavailable("damaged"), ValueError("a bug")])
def test_one_that_fails_takes_no_other_with_it(queries: QueryCache, within: Counted, error: Exception) -> None:
    within.gate.clear()
    within.fails = [error]
    askers = [Asker(queries, "pump")]
    assert within.began.acquire(timeout=PATIENCE)
    askers += [Asker(queries, "pump") for _ in range(3)]
    within.gate.set()
    assert [asker.came_to() for asker in askers] == [error, 2.0, 2.0, 2.0]
    assert queries.embed_query("pump")["text"][0, 0] == 2


def test_a_failure_is_not_kept(queries: QueryCache, within: Counted) -> None:
    within.fails = [BadArgument("no words")]
    with pytest.raises(BadArgument):
        queries.embed_query("?")
    assert queries.embed_query("?")["text"][0, 0] == 2


def test_who_is_left_behind_while_another_embeds_leaves_and_the_other_goes_on(
    queries: QueryCache, within: Counted
) -> None:
    within.gate.clear()
    first = Asker(queries, "pump")
    assert within.began.acquire(timeout=PATIENCE)
    stop = threading.Event()
    second = Asker(queries, "pump", stop)
    stop.set()
    assert isinstance(second.came_to(), Cancelled)
    within.gate.set()
    assert first.came_to() == 1.0


def test_a_query_is_urgent_whoever_asks_it(queries: QueryCache, within: Counted) -> None:
    queries.embed_query("in a thread that is not")
    stop = threading.Event()
    with urgent_turns(stop):
        queries.embed_query("in one that is")
    assert within.stops[0] is not None
    assert within.stops[1] is stop
    assert priority_lock.current_stop() is None


# -- several queries together


class Together(Counted):
    """An embedder of several queries at a time. A query's vector says how long it is."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[Content]] = []
        self.spoilt: dict[Content, Exception] = {}
        """What raises, and what it raises."""

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        assert isinstance(query, str)
        return self.embed_queries([query])[0]

    def embed_queries(self, queries: Sequence[str]) -> list[Mapping[VectorKind, Vectors]]:
        self.batches.append([*queries])
        self.began.release()
        assert self.gate.wait(PATIENCE)
        for query in queries:
            if query in self.spoilt:
                raise self.spoilt[query]
        return [{"text": np.array([[len(query), 0]], np.float32)} for query in queries]


@pytest.fixture
def together() -> Together:
    return Together()


@pytest.fixture
def batched(together: Together) -> QueryCache:
    return QueryCache(together)


def gathered(queries: QueryCache, count: int) -> None:
    """Wait until so many queries wait for the next batch."""
    until = time.monotonic() + PATIENCE
    while len(queries._gathered) < count:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_queries_that_come_while_one_is_embedded_go_together_and_identical_ones_once(
    batched: QueryCache, together: Together
) -> None:
    together.gate.clear()
    first = Asker(batched, "fog")
    assert together.began.acquire(timeout=PATIENCE)  # at once, and alone
    others = [Asker(batched, query) for query in ("pump", "pump", "anchor", "fog")]
    gathered(batched, 2)
    together.gate.set()
    assert [asker.came_to() for asker in (first, *others)] == [3, 4, 4, 6, 3]
    assert [sorted(map(str, batch)) for batch in together.batches] == [["fog"], ["anchor", "pump"]]


def test_a_batch_has_eight_queries_at_most_and_long_ones_and_pictures_go_alone(
    batched: QueryCache, together: Together
) -> None:
    together.gate.clear()
    first = Asker(batched, "fog")
    assert together.began.acquire(timeout=PATIENCE)
    long = "l" * (MAX_CHARACTERS_TOGETHER + 1)
    alone = Asker(batched, long)
    assert together.began.acquire(timeout=PATIENCE)  # it waits for no batch
    others = [Asker(batched, "q" * length) for length in range(4, 16)]
    gathered(batched, 12)
    together.gate.set()
    assert [asker.came_to() for asker in others] == [*range(4, 16)]
    assert (first.came_to(), alone.came_to()) == (3, len(long))
    assert [len(batch) for batch in together.batches] == [1, 1, 8, 4]


def test_a_query_that_cannot_be_embedded_fails_for_who_asks_it_and_for_nobody_else(
    batched: QueryCache, together: Together
) -> None:
    together.gate.clear()
    first = Asker(batched, "fog")
    assert together.began.acquire(timeout=PATIENCE)
    error = BadArgument("no words")
    together.spoilt = {"?": error}
    others = [Asker(batched, query) for query in ("pump", "?", "anchor")]
    gathered(batched, 3)
    together.gate.set()
    assert [asker.came_to() for asker in (first, *others)] == [3, 4, error, 6]


@pytest.mark.parametrize("left", ["the one that embeds", "one that waits"])
def test_who_is_left_behind_in_a_batch_takes_no_other_with_it(
    batched: QueryCache, together: Together, left: str
) -> None:
    together.gate.clear()
    stop = threading.Event()
    first = Asker(batched, "fog", stop if left == "the one that embeds" else None)
    assert together.began.acquire(timeout=PATIENCE)
    second = Asker(batched, "pump", stop if left == "one that waits" else None)
    gathered(batched, 1)
    third = Asker(batched, "anchor")
    gathered(batched, 2)
    stop.set()
    if left == "one that waits":
        assert isinstance(second.came_to(), Cancelled)
        together.gate.set()
        assert (first.came_to(), third.came_to()) == (3, 6)
    else:
        together.spoilt = {"fog": Cancelled("left behind")}  # as a device says whose turn comes too late
        together.gate.set()
        assert isinstance(first.came_to(), Cancelled)
        assert (second.came_to(), third.came_to()) == (4, 6)


def test_a_query_that_is_expected_is_embedded_with_the_next_one_and_not_before(
    batched: QueryCache, together: Together
) -> None:
    batched.expect("anchor")
    batched.expect("anchor")
    assert together.batches == []
    assert batched.embed_query("fog")["text"][0, 0] == 3
    assert batched.embed_query("anchor")["text"][0, 0] == 6
    batched.expect("fog")
    assert batched.embed_query("pump")["text"][0, 0] == 4
    assert together.batches == [["fog", "anchor"], ["pump"]]


def test_an_embedder_of_single_queries_expects_none(queries: QueryCache, within: Counted) -> None:
    queries.expect("anchor")
    queries.embed_query("fog")
    assert within.asked == ["fog"]
