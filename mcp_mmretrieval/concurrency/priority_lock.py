"""A lock that serves in the order of asking, urgent threads first: a search passes between two batches of a long add.

It also sees to a clean end: a background thread that is inside torch when Python ends aborts the process ("terminate
called without an active exception"), so at exit the next turn of every model is taken, and not given back.
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
_PATIENCE = 10.0
"""Seconds that the end of the process waits for a model to finish what it does."""

_here = threading.local()
"""`stop`: what ends the waiting of this thread; None or missing where it is not urgent."""


@contextmanager
def urgent_turns(until: threading.Event | None = None) -> Iterator[None]:
    """Somebody waits for what this thread does within: its turns come before those of threads that are not urgent.

    Once `until` is set nobody waits any more: the thread gets no further turn, but Cancelled.
    """
    before = current_stop()
    _here.stop = until or threading.Event()
    try:
        yield
    finally:
        _here.stop = before


def current_stop() -> threading.Event | None:
    """What ends the waiting of this thread; None where it is not urgent."""
    found: threading.Event | None = getattr(_here, "stop", None)
    return found


class PriorityLock:
    """One thread at a time, first come first served: `threading.Lock` lets the thread that releases take it again."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._last: threading.Event | None = None
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
        self._ask(self._others if until is None else self._urgent).wait()
        if until is not None and until.is_set():
            self._pass_on()
            raise Cancelled("Nobody waits for it any more.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def let_pass(self) -> None:
        """In the middle of a turn that takes long: urgent threads that wait have theirs, and then it goes on.

        So has an end that waits. A turn that is urgent itself goes on at once.
        """
        # A model calls this between any two tokens that it writes, so the look at the queues takes no guard: a thread
        # that comes a moment later is seen at the next token. This thread gives the lock away and asks for it again at
        # the head of those that are not urgent, so it goes on before all that came after it. `_in_a_row` counts here
        # too: after so many urgent turns this thread goes on, though more urgent ones wait. It waits without a limit
        # and without Cancelled, since it holds half-made work; each holder gives the lock back in `__exit__`, except
        # the end of the process, behind which nothing is to run.
        if getattr(_here, "stop", None) is not None or not (self._urgent or self._last):
            return
        turn = threading.Event()
        with self._guard:
            self._others.appendleft(turn)
            self._taken = False
            self._give()
        turn.wait()

    def end(self) -> None:
        """Wait for the turn that is running; all later ones wait for ever."""
        last = threading.Event()
        with self._guard:
            self._last = last
            if not self._taken:
                self._give()
        last.wait(_PATIENCE)

    def _ask(self, queue: deque[threading.Event]) -> threading.Event:
        """Set when it is the asker's turn."""
        turn = threading.Event()
        with self._guard:
            queue.append(turn)
            if not self._taken:
                self._give()
        return turn

    def _pass_on(self) -> None:
        with self._guard:
            self._taken = False
            self._give()

    def _give(self) -> None:
        """To whoever is next, if anybody waits. Under the guard, when the turn is not taken."""
        turn = self._last or self._next()
        if turn is not None:
            self._taken = True
            turn.set()

    def _next(self) -> threading.Event | None:
        if self._urgent and (not self._others or self._in_a_row < _IN_A_ROW):
            self._in_a_row = self._in_a_row + 1 if self._others else 0
            return self._urgent.popleft()
        self._in_a_row = 0
        return self._others.popleft() if self._others else None


_all: weakref.WeakSet[PriorityLock] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for turns in list(_all):
        turns.end()
