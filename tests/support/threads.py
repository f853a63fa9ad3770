"""Threads beside a test, and what the test waits for."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

PATIENCE = 60.0
"""Seconds after which a wait is a failure."""
RACE_SECONDS = 60.0
"""Seconds after which a race ends although one side had no turn."""


def beside(work: Callable[[], object]) -> threading.Thread:
    """A thread that does it now."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for what no event tells."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def tries(least: int, enough: Callable[[], bool]) -> Iterator[int]:
    """From 1 to `least`, and on until there are enough: on a busy machine the swapper may wait long for its turn."""
    end = time.monotonic() + RACE_SECONDS
    for number in count(1):
        if number > least and (enough() or time.monotonic() > end):
            return
        yield number
