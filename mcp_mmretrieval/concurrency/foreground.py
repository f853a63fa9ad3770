"""A priority gate: bulk work waits, within reason, while somebody waits for an answer.

There is one gate for the process, as all threads share its processors and models.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_YIELD_SECONDS = 1.0
"""Seconds that a step of bulk work waits at most: under any number of questions it goes on, only slower."""
TURN_SECONDS = 0.0005
"""Seconds for which a thread that computes keeps Python's lock while others want it. Python's own 5 ms are long for an
answer, which lets go of the lock at each statement of SQLite: beside a thread that computes it took twice as long,
and with this a fifth more."""
_LINGERS = 2.0
"""Seconds after an answer in which the next question is expected."""

_changed = threading.Condition()
_listeners: list[Callable[[bool], None]] = []
_answering = 0
_answered = float("-inf")


def shorten_turns() -> None:
    """Let the threads of this process take shorter turns at Python's lock. For a process that is a server."""
    sys.setswitchinterval(TURN_SECONDS)


@contextmanager
def foreground_request() -> Iterator[None]:
    """Keep bulk work back: somebody waits for what this thread does within."""
    global _answering, _answered
    with _changed:
        _answering += 1
        first, told = _answering == 1, list(_listeners)
    try:
        if first:
            _tell(told, busy=True)
        yield
    finally:
        with _changed:
            _answering -= 1
            _answered = time.monotonic()
            _changed.notify_all()
            last, told = _answering == 0, list(_listeners)
        if last:
            _tell(told, busy=False)


def listen(listener: Callable[[bool], None]) -> None:
    """Have `listener` told, by the thread concerned, when somebody begins to wait (True) and when nobody does (False).

    For work in another process. It must return at once. Where somebody waits already, it is told so now.
    """
    with _changed:
        _listeners.append(listener)
        if _answering:
            listener(True)  # within the lock, so that no False overtakes it


def unlisten(listener: Callable[[bool], None]) -> None:
    """Tell it no more. One that is not told any more is no error."""
    with _changed:
        if listener in _listeners:
            _listeners.remove(listener)


def yield_to_foreground(timeout: float = MAX_YIELD_SECONDS) -> None:
    """Before a step of bulk work: wait until nobody waits for an answer, `timeout` seconds at most."""
    if _answering:
        with _changed:
            _changed.wait_for(lambda: not _answering, timeout)


def foreground_is_busy() -> bool:
    """Whether steps should be short, since somebody waits for an answer or will soon."""
    return bool(_answering) or time.monotonic() < _answered + _LINGERS


def _tell(listeners: list[Callable[[bool], None]], *, busy: bool) -> None:
    for listener in listeners:
        listener(busy)
