"""How jobs share the work: in order, and nothing twice."""

import threading

import pytest

from mcp_mmretrieval.concurrency.fair_share import FairSemaphore
from mcp_mmretrieval.errors import Cancelled
from tests.support.threads import PATIENCE, beside, until

GO_ON = threading.Event()
"""Never set."""


def until_asked(sharing: FairSemaphore, number: int) -> None:
    """Until so many wait in the line."""
    until(lambda: len(sharing._queue) >= number)


def test_turns_are_given_in_the_order_of_asking() -> None:
    sharing, order = FairSemaphore(1), list[int]()

    def work(number: int) -> None:
        with sharing.turn(GO_ON):
            order.append(number)

    with sharing.turn(GO_ON):
        threads = []
        for number in range(5):
            threads.append(beside(lambda number=number: work(number)))  # type: ignore[misc]
            until_asked(sharing, number + 1)
    for thread in threads:
        thread.join(PATIENCE)
    assert order == [0, 1, 2, 3, 4]


def test_who_asks_again_at_once_never_passes_one_that_waits() -> None:
    sharing, order = FairSemaphore(1), list[str]()

    def patient() -> None:
        with sharing.turn(GO_ON):
            order.append("waited")

    with sharing.turn(GO_ON):
        thread = beside(patient)
        until_asked(sharing, 1)
    with sharing.turn(GO_ON):
        order.append("asked again")
    thread.join(PATIENCE)
    assert order == ["waited", "asked again"]


def test_no_more_have_a_turn_than_there_are_places() -> None:
    sharing, inside, most = FairSemaphore(3), set[int](), list[int]()
    full = threading.Barrier(3)

    def work(number: int) -> None:
        with sharing.turn(GO_ON):
            inside.add(number)
            full.wait(PATIENCE)  # three at once, and so all nine only if a place is used again
            most.append(len(inside))
            full.wait(PATIENCE)
            inside.discard(number)

    threads = [beside(lambda number=number: work(number)) for number in range(9)]  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE)
    assert len(most) == 9
    assert max(most) == 3


def test_who_is_stopped_leaves_the_line_and_the_next_one_is_served() -> None:
    sharing, stop, told = FairSemaphore(1), threading.Event(), list[str]()

    def given_up() -> None:
        with pytest.raises(Cancelled), sharing.turn(stop):
            told.append("never")
        told.append("given up")

    def served() -> None:
        with sharing.turn(GO_ON):
            told.append("served")

    with sharing.turn(GO_ON):
        first = beside(given_up)
        until_asked(sharing, 1)
        second = beside(served)
        until_asked(sharing, 2)
        stop.set()
        first.join(PATIENCE)
    second.join(PATIENCE)
    assert told == ["given up", "served"]


def test_a_name_belongs_to_one_at_a_time_and_is_free_again_after_a_failure() -> None:
    sharing = FairSemaphore(1)
    with pytest.raises(ZeroDivisionError), sharing.try_key_lock("a") as mine:
        with sharing.try_key_lock("a") as theirs, sharing.try_key_lock("b") as other:
            assert (mine, theirs, other) == (True, False, True)
        with sharing.try_key_lock("a") as still:
            assert not still
        raise ZeroDivisionError
    with sharing.try_key_lock("a") as mine:
        assert mine


def test_who_waits_for_a_name_gets_it_or_gives_up_when_stopped() -> None:
    sharing, stop, told = FairSemaphore(1), threading.Event(), list[str]()

    def patient() -> None:
        with sharing.key_lock("a", GO_ON):
            told.append("got it")

    with sharing.key_lock("a", GO_ON):
        stop.set()
        with pytest.raises(Cancelled), sharing.key_lock("a", stop):
            told.append("never")
        thread = beside(patient)
        told.append("still mine")
    thread.join(PATIENCE)
    assert told == ["still mine", "got it"]
