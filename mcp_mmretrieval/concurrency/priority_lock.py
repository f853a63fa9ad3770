"""A fair lock with two queues, the urgent one first: a search goes between two batches of a long add.

It also lets the process end cleanly. A background thread that is inside torch when Python ends aborts the process
("terminate called without an active exception"), so at exit each lock is acquired once more and never released.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.errors import Cancelled

_IN_A_ROW = 16
"""Urgent turns after which one that is not urgent is served, so that adding goes on under any number of searches."""
_CLOSE_SECONDS = 10.0
"""Seconds that the end of the process waits for a model to finish what it does."""

_thread = threading.local()
"""`stop`: the event that ends the waiting of this thread; None or missing where the thread is not urgent."""


@contextmanager
def urgent_turns(until: threading.Event | None = None) -> Iterator[None]:
    """Make this thread urgent, since somebody waits for what it does within: its turns come before those of others.

    Once `until` is set nobody waits any more: the thread gets no further turn, but Cancelled.
    """
    before = current_stop()
    _thread.stop = until or threading.Event()
    try:
        yield
    finally:
        _thread.stop = before


def current_stop() -> threading.Event | None:
    """The event that ends the waiting of this thread; None where the thread is not urgent."""
    found: threading.Event | None = getattr(_thread, "stop", None)
    return found


class PriorityLock:
    """One thread at a time, in the order of asking; `threading.Lock` lets the thread that releases acquire it again.

    Each waiting thread has an event of its own in one of two queues. The thread that releases sets the event of the
    next one, so the lock goes from hand to hand and no third thread can take it in between.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locked = False
        self._closing: threading.Event | None = None
        """The turn of `close`, which comes before all others and does not end."""
        self._urgent: deque[threading.Event] = deque()
        self._others: deque[threading.Event] = deque()
        self._in_a_row = 0
        """Urgent turns given while others waited."""
        _all.add(self)

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return len(self._urgent) + len(self._others)

    def __enter__(self) -> None:
        """Raises Cancelled in a thread for which nobody waits any more; see `urgent_turns`."""
        until = current_stop()
        if until is None:
            foreground.yield_to_foreground()
        self._acquire(self._others if until is None else self._urgent)
        if until is not None and until.is_set():
            self._release()
            raise Cancelled("Nobody waits for it any more.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def yield_to_urgent(self) -> None:
        """In the middle of a turn that takes long: let urgent threads that wait have theirs, then go on.

        `close` goes first too. A turn that is urgent itself goes on at once.
        """
        # A model that writes a page token by token holds the lock for seconds, and a search that waits for the same
        # device must not. Between two tokens the writer steps back: it releases the lock and queues up again, at the
        # front of those that are not urgent. So all urgent threads that wait now are served before it, and none that
        # is not urgent, which would only swap one long turn for another. After `_IN_A_ROW` urgent turns the writer
        # goes on, since it is the first of the others: it cannot starve either.
        # Both queues are read without the guard, as this runs for each token: a thread that comes in this moment is
        # seen at the next token.
        if current_stop() is not None or not (self._urgent or self._closing):
            return
        turn = threading.Event()
        with self._guard:
            self._others.appendleft(turn)
            self._locked = False
            self._grant()
        turn.wait()

    def close(self) -> None:
        """Wait for the turn that is running; all later ones wait for ever."""
        closing = threading.Event()
        with self._guard:
            self._closing = closing
            if not self._locked:
                self._grant()
        closing.wait(_CLOSE_SECONDS)

    def _acquire(self, queue: deque[threading.Event]) -> None:
        """Queue up, and wait for the turn."""
        turn = threading.Event()
        with self._guard:
            queue.append(turn)
            if not self._locked:
                self._grant()
        turn.wait()

    def _release(self) -> None:
        with self._guard:
            self._locked = False
            self._grant()

    def _grant(self) -> None:
        """Give the turn to the thread that is next, if one waits. Under the guard, while no thread has the turn."""
        turn = self._closing or self._next()
        if turn is not None:
            self._locked = True
            turn.set()

    def _next(self) -> threading.Event | None:
        """The urgent ones first, but one of the others after `_IN_A_ROW` of them."""
        if self._urgent and (not self._others or self._in_a_row < _IN_A_ROW):
            self._in_a_row = self._in_a_row + 1 if self._others else 0
            return self._urgent.popleft()
        self._in_a_row = 0
        return self._others.popleft() if self._others else None


_all: weakref.WeakSet[PriorityLock] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for lock in list(_all):
        lock.close()
