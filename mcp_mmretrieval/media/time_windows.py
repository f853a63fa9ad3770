"""Windows over the time of a recording or film, and what is said of its length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.types import DocumentMetadata

WINDOW_SECONDS, WINDOW_STEP_SECONDS, MIN_TAIL_SECONDS = 30.0, 25.0, 5.0
"""Seconds of a window, from one window's start to the next one's, and of a rest that is too short for its own."""


def streamed_windows(
    read: Callable[[float], float], *, most: float = math.inf, first: int = 0
) -> Iterator[tuple[float, float]]:
    """Start and end, in seconds, of the windows from number `first` on, while the recording is still being read.

    `read(until)` reads on and answers how many seconds there are: at least `until`, or less when that is all. The last
    window is as long as it must be to leave no rest shorter than `MIN_TAIL_SECONDS`. Nothing lies beyond `most`
    seconds.
    """
    start = first * WINDOW_STEP_SECONDS
    while True:
        there = min(read(min(start + WINDOW_SECONDS + MIN_TAIL_SECONDS, most)), most)
        if there < start + WINDOW_SECONDS + MIN_TAIL_SECONDS:
            if there > start:
                yield start, there
            return
        yield start, start + WINDOW_SECONDS
        start += WINDOW_STEP_SECONDS


def rounded_up(seconds: float) -> float:
    """The next tenth of a second, so that a place never ends before its last sample."""
    return math.ceil(round(seconds * 10, 6)) / 10


def hours_minutes_seconds(seconds: float) -> str:
    """`1:02:03`."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def closing_metadata(seconds: float, limits: Limits, notes: list[str]) -> Iterator[DocumentMetadata]:
    """What is known at the end of a recording or film of which so many seconds were read."""
    if seconds > limits.seconds:
        notes = [*notes, f"Only the first {hours_minutes_seconds(limits.seconds)} were read."]
    yield DocumentMetadata(seconds=round(min(seconds, limits.seconds), 3), note=" ".join(notes))
