"""Timing calls of a model: first passes left out, batches as large as are worth it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcp_mmretrieval.types import Content

_LEAST_CALLS = 5
"""Calls at least in the time allowed, so that the median means something."""
_MAX_FIRST_CALL = 10
"""In times of the time allowed. A first call that takes longer is all that is measured."""
_MAX_DURATION = 3
"""In times of the time allowed: making contents takes time, too, which does not count."""
_LEAST_SPEEDUP = 1.15
"""How much faster twice the batch must be to be worth it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What calls of one size took."""

    batch: int
    """Items of a call."""
    seconds: tuple[float, ...]
    """Of each call, in their order."""
    warm: bool
    """Whether a call came before that was not counted: a first one takes up to ten times as long as the next."""

    @property
    def items(self) -> int:
        """Contents in all."""
        return self.batch * len(self.seconds)

    @property
    def per_second(self) -> float:
        """Items a second, all calls together."""
        return self.items / max(sum(self.seconds), 1e-9)

    @property
    def median_ms(self) -> float:
        """Of one item: half of the calls were faster."""
        return statistics.median(self.seconds) / self.batch * 1_000

    @property
    def p95_ms(self) -> float:
        """Of one item: one call in twenty was slower."""
        return sorted(self.seconds)[max(0, -(-len(self.seconds) * 19 // 20) - 1)] / self.batch * 1_000


def time_calls(
    make: Callable[[int], Sequence[Content]],
    run: Callable[[Sequence[Content]], object],
    *,
    seconds: float,
    most: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Run made contents through a model for about so many seconds, in calls of up to `most` items.

    One item comes first, to warm up. Where that alone takes far longer than the time, it is all that is measured.
    """

    def call(batch: int) -> float:
        given = make(batch)
        began = clock()
        run(given)
        return clock() - began

    first = call(1)
    if first > _MAX_FIRST_CALL * seconds:
        return Timing(1, (first,), warm=False)
    until = clock() + _MAX_DURATION * seconds
    batch, took = _grown(call, seconds, most)
    while (len(took) < 2 and took[0] < seconds) or (sum(took) < seconds and clock() < until):
        took.append(call(batch))
    return Timing(batch, tuple(took), warm=True)


def _grown(call: Callable[[int], float], seconds: float, most: int) -> tuple[int, list[float]]:
    """The batch that is worth it, and the calls of its size: doubled while that is faster, and some calls fit in."""
    batch, took = 1, [call(1)]
    while batch * 2 <= most and took[-1] * 2 < seconds / _LEAST_CALLS:
        larger = call(batch * 2)
        if larger > took[-1] * 2 / _LEAST_SPEEDUP:
            break
        batch, took = batch * 2, [larger]
    return batch, took
