"""A lock that serves in the order of asking, so that a search passes between two batches of a long add.

It also sees to a clean end: a background thread that is inside torch when Python ends aborts the process ("terminate
called without an active exception"), so at exit the last turn of every model is taken, and not given back.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from types import TracebackType

_PATIENCE = 10.0
"""Seconds that the end of the process waits for a model to finish what it does."""


class Turns:
    """One thread at a time, first come first served: `threading.Lock` lets the thread that releases take it again."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        _all.add(self)

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return max(0, len(self._queue) - 1)

    def __enter__(self) -> None:
        self._ask().wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._queue.popleft()
            if self._queue:
                self._queue[0].set()

    def end(self) -> None:
        """Wait for the turn that is running; all later ones wait for ever."""
        self._ask().wait(_PATIENCE)

    def _ask(self) -> threading.Event:
        """Set when it is the asker's turn."""
        turn = threading.Event()
        with self._guard:
            self._queue.append(turn)
            if len(self._queue) == 1:
                turn.set()
        return turn


_all: weakref.WeakSet[Turns] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for turns in list(_all):
        turns.end()
