"""A lock that serves in the order of asking, so that a search passes between two batches of a long add."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class Turns:
    """One thread at a time, first come first served: `threading.Lock` lets the thread that releases take it again."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: deque[threading.Event] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return max(0, len(self._queue) - 1)

    def __enter__(self) -> None:
        turn = threading.Event()
        with self._guard:
            self._queue.append(turn)
            if len(self._queue) == 1:
                turn.set()
        turn.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._queue.popleft()
            if self._queue:
                self._queue[0].set()
