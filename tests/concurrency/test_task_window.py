"""A window of tasks: side by side as far as there is room, and no failure is lost."""

import threading

import pytest

from mcp_mmretrieval.concurrency.task_window import TaskWindow

PATIENCE = 60.0


def test_one_place_is_the_callers_own_thread() -> None:
    seen: list[threading.Thread] = []
    with TaskWindow(1) as window:
        window.run(lambda: seen.append(threading.current_thread()))
    assert seen == [threading.current_thread()]


def test_as_many_run_side_by_side_as_there_are_places_and_no_more() -> None:
    both, third, go_on = threading.Barrier(3), threading.Event(), threading.Event()

    def meet() -> None:
        both.wait(PATIENCE)
        go_on.wait(PATIENCE)

    def bring() -> None:
        with TaskWindow(2) as window:
            window.run(meet)
            window.run(meet)
            window.run(third.set)

    bringing = threading.Thread(target=bring)
    bringing.start()
    both.wait(PATIENCE)
    assert not third.wait(0.1)
    go_on.set()
    assert third.wait(PATIENCE)
    bringing.join(PATIENCE)


def test_leaving_waits_for_what_is_under_way() -> None:
    ended: list[int] = []
    with TaskWindow(3) as window:
        for number in range(20):
            window.run(lambda number=number: ended.append(number))  # type: ignore[misc]
    assert sorted(ended) == list(range(20))


@pytest.mark.parametrize("places", [1, 3])
def test_what_a_task_raises_ends_the_window(places: int) -> None:
    def fail() -> None:
        raise ValueError("a task")

    begun = 0
    with pytest.raises(ValueError, match="a task"), TaskWindow(places) as window:
        window.run(fail)
        for _ in range(1_000):
            window.run(lambda: None)
            begun += 1
    assert begun < 1_000


def test_the_failure_of_the_block_goes_before_that_of_a_task() -> None:
    def fail() -> None:
        raise ValueError("a task")

    with pytest.raises(KeyError), TaskWindow(2) as window:
        window.run(fail)
        raise KeyError
