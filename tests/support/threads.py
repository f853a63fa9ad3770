"""Threads beside a test, and what the test waits for."""

import threading
import time
from collections.abc import Callable

PATIENCE = 10.0
"""Seconds after which a wait is a failure."""


def beside(work: Callable[[], object]) -> threading.Thread:
    """A thread that does it now."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
