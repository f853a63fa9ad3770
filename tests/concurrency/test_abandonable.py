"""A call that is left behind holds up nobody, gets no turn, and gives its thread back."""

import threading

import pytest

from mcp_mmretrieval.concurrency import abandonable
from mcp_mmretrieval.concurrency.abandonable import AbandonableCall
from mcp_mmretrieval.concurrency.priority_lock import PriorityLock
from mcp_mmretrieval.errors import BadArgument
from tests.support.threads import PATIENCE, beside, until


def ended(name: str) -> bool:
    """Wait until no thread of this name runs any more."""
    for thread in [thread for thread in threading.enumerate() if thread.name == name]:
        thread.join(PATIENCE)
    return not [thread for thread in threading.enumerate() if thread.name == name]


def test_a_caller_that_waits_long_enough_finds_the_work_done() -> None:
    done: list[str] = []
    with AbandonableCall(lambda stop: done.append("done"), "in time") as call:
        assert call.ended(None)
    assert done == ["done"]


def test_a_caller_that_waits_no_longer_goes_on_and_the_work_is_told() -> None:
    told = threading.Event()

    def work(stop: threading.Event) -> None:
        assert stop.wait(PATIENCE)
        told.set()

    with AbandonableCall(work, "told") as call:
        assert not call.ended(0.01)
        assert not told.is_set()
    assert told.wait(PATIENCE)


def test_a_call_left_behind_gets_no_turn_of_a_model_any_more() -> None:
    turns, served = PriorityLock(), []

    def work(stop: threading.Event) -> None:
        with turns:
            served.append("a turn")

    with turns, AbandonableCall(work, "late"):
        until(lambda: turns.waiting == 1)
    assert ended("late")
    assert served == []
    with turns:
        assert turns.waiting == 0


def test_the_error_of_a_call_is_its_callers() -> None:
    def fail(stop: threading.Event) -> None:
        raise BadArgument("No such thing.")

    with AbandonableCall(fail, "failing") as call, pytest.raises(BadArgument):
        call.ended(PATIENCE)


def test_a_call_beyond_the_bound_begins_when_one_ends_and_never_if_it_is_left_behind_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(abandonable, "_slots", abandonable._ThreadSlots(1))
    began, held = list[str](), threading.Event()

    def hold(stop: threading.Event) -> None:
        began.append("first")
        assert held.wait(PATIENCE)

    with AbandonableCall(hold, "first") as first:
        until(lambda: began == ["first"])
        with AbandonableCall(lambda stop: began.append("left behind"), "left behind") as second:
            assert not second.ended(0.01)
        assert ended("left behind")
        with AbandonableCall(lambda stop: began.append("third"), "third") as third:
            assert not third.ended(0.01)
            held.set()
            assert third.ended(PATIENCE)
        assert first.ended(PATIENCE)
    assert began == ["first", "third"]


def test_many_callers_at_once_all_get_their_answer() -> None:
    answers: list[int] = []

    def ask(number: int) -> None:
        with AbandonableCall(lambda stop: answers.append(number), "one of many") as call:
            assert call.ended(PATIENCE)

    threads = [beside(lambda number=number: ask(number)) for number in range(2 * abandonable.MAX_ABANDONABLE_THREADS)]  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(answers) == list(range(2 * abandonable.MAX_ABANDONABLE_THREADS))
