"""Results that are made ahead: in order, as many as there is room for, and nothing is lost when something fails."""

import threading
from collections.abc import Iterator

import pytest

from mcp_mmretrieval.concurrency.run_ahead import RunAhead
from tests.support.threads import until

PATIENCE = 60.0


def counted(most: int, taken: list[int]) -> Iterator[int]:
    for number in range(most):
        taken.append(number)
        yield number


def test_results_come_in_the_order_of_their_items() -> None:
    first = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert first.wait(PATIENCE)
        elif item == 2:
            first.set()
        return item * item

    with RunAhead(range(9), work, threads=3) as ahead:
        assert list(ahead) == [(item, item * item) for item in range(9)]


def test_as_many_are_ahead_as_there_are_threads() -> None:
    taken, working, go_on = list[int](), threading.Semaphore(0), threading.Event()

    def work(item: int) -> int:
        working.release()
        assert go_on.wait(PATIENCE)
        return item

    def use() -> None:
        with RunAhead(counted(9, taken), work, threads=2) as ahead:
            assert len(list(ahead)) == 9

    using = threading.Thread(target=use)
    using.start()
    assert working.acquire(timeout=PATIENCE) and working.acquire(timeout=PATIENCE)
    assert taken == [0, 1]
    go_on.set()
    using.join(PATIENCE)
    assert taken == list(range(9))


def test_what_fails_is_raised_in_its_place_and_what_was_made_before_is_not_lost() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise KeyError("a bug")
        return item

    with pytest.raises(KeyError), RunAhead(range(9), work, threads=3) as ahead:
        assert [next(ahead), next(ahead)] == [(0, 0), (1, 1)]
        next(ahead)


def test_who_leaves_waits_for_what_is_under_way_and_for_nothing_more() -> None:
    begun, ended, go_on = list[int](), list[int](), threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item:
            assert go_on.wait(PATIENCE)
        ended.append(item)
        return item

    def use() -> None:
        with RunAhead(range(999), work, threads=2) as ahead:
            next(ahead)
            next(ahead)

    using = threading.Thread(target=use)
    using.start()
    until(lambda: len(begun) == 3)
    go_on.set()
    using.join(PATIENCE)
    assert not using.is_alive()
    assert sorted(begun) == sorted(ended)
    assert sorted(begun) == [0, 1, 2]


def test_draining_waits_until_nothing_is_under_way_and_loses_nothing() -> None:
    ended = list[int]()

    def work(item: int) -> int:
        ended.append(item)
        return item

    with RunAhead(range(9), work, threads=3) as ahead:
        next(ahead)
        ahead.drain()
        assert sorted(ended) == [0, 1, 2]
        assert [item for item, _ in ahead] == list(range(1, 9))
