"""Timing calls, on a clock that the calls themselves move."""

from collections.abc import Sequence

import pytest

from mcp_mmretrieval.bench.timing import Timing, time_calls
from mcp_mmretrieval.types import Content


class Worker:
    """Takes `fixed` seconds a call and `each` seconds an item; ten times that the first time."""

    def __init__(self, fixed: float, each: float, making: float = 0.01) -> None:
        self.fixed, self.each, self.making = fixed, each, making
        self.now = 0.0
        self.calls: list[int] = []

    def clock(self) -> float:
        return self.now

    def make(self, count: int) -> Sequence[Content]:
        self.now += self.making
        return ["a"] * count

    def run(self, contents: Sequence[Content]) -> None:
        self.now += (self.fixed + self.each * len(contents)) * (10 if not self.calls else 1)
        self.calls.append(len(contents))

    def timed(self, seconds: float, most: int) -> Timing:
        return time_calls(self.make, self.run, seconds=seconds, most=most, clock=self.clock)


def test_the_first_call_warms_up_and_is_not_counted() -> None:
    timing = Worker(0.0, 0.1).timed(1.0, 1)
    assert timing.warm
    assert timing.median_ms == pytest.approx(100)
    assert timing.p95_ms == pytest.approx(100)
    assert timing.per_second == pytest.approx(10)


def test_calls_go_on_for_about_the_time_given() -> None:
    assert sum(Worker(0.0, 0.1).timed(2.0, 1).seconds) == pytest.approx(2.0, abs=0.11)


def test_making_contents_is_not_timed_but_does_not_go_on_for_ever() -> None:
    worker = Worker(0.0, 0.001, making=1.0)
    timing = worker.timed(1.0, 1)
    assert timing.median_ms == pytest.approx(1)
    assert worker.now < 10


def test_batches_grow_where_a_call_costs_more_than_its_items() -> None:
    timing = Worker(0.01, 0.0001).timed(1.0, 64)
    assert timing.batch == 64
    assert timing.per_second > 3_000


def test_batches_stay_small_where_larger_ones_are_no_faster() -> None:
    assert Worker(0.0, 0.01).timed(1.0, 64).batch == 1


def test_batches_stay_so_small_that_several_fit_into_the_time() -> None:
    timing = Worker(0.1, 0.0).timed(1.0, 64)
    assert len(timing.seconds) >= 2


def test_what_takes_far_longer_than_the_time_given_is_measured_once() -> None:
    worker = Worker(0.0, 3.0)
    timing = worker.timed(1.0, 64)
    assert worker.calls == [1]
    assert not timing.warm
    assert timing.median_ms == pytest.approx(30_000)


def test_the_95th_percentile_is_that_of_the_slow_ones() -> None:
    timing = Timing(1, tuple([0.1] * 18 + [0.5] * 2), warm=True)
    assert timing.median_ms == pytest.approx(100)
    assert timing.p95_ms == pytest.approx(500)
