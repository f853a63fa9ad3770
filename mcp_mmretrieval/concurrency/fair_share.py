"""A fair semaphore with keyed locks: jobs share the work file by file, first come first served, and nothing twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mcp_mmretrieval.errors import Cancelled

_TICK = 0.2
"""Seconds between two looks at `stop` while a thread waits."""


class FairSemaphore:
    """Turns for a few threads at a time, and a lock for each key. A thread that waits gives up when its `stop` is set.

    A thread acquires keys first and its turn last. While it has a turn it only tries keys and never waits for one;
    otherwise the threads that have all the turns could wait for a key whose owner waits for a turn.
    """

    def __init__(self, places: int) -> None:
        """`places`: how many turns there are at a time."""
        self._lock = threading.Lock()
        self._free = places
        self._queue: deque[threading.Event] = deque()
        self._keys: set[str] = set()
        self._released = threading.Condition(self._lock)

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[None]:
        """One of the places, in the order of asking. Raises Cancelled."""
        self._acquire(stop)
        try:
            yield
        finally:
            with self._lock:
                self._release()

    @contextmanager
    def key_lock(self, key: str, stop: threading.Event) -> Iterator[None]:
        """The key alone, once no other thread has it. Raises Cancelled."""
        while True:
            with self.try_key_lock(key) as acquired:
                if acquired:
                    yield
                    return
            self.wait_for_key(key, stop)

    @contextmanager
    def try_key_lock(self, key: str) -> Iterator[bool]:
        """Whether the key was free: if so, it is locked while this lasts. Waits for nothing."""
        with self._lock:
            acquired = key not in self._keys
            self._keys.add(key)
        try:
            yield acquired
        finally:
            if acquired:
                with self._released:
                    self._keys.discard(key)
                    self._released.notify_all()

    def wait_for_key(self, key: str, stop: threading.Event) -> None:
        """Wait until no thread has the key, without locking it. Raises Cancelled."""
        with self._released:
            while not self._released.wait_for(lambda: key not in self._keys, _TICK):
                _check(stop)

    def _acquire(self, stop: threading.Event) -> None:
        mine = threading.Event()
        with self._lock:
            self._queue.append(mine)
            if self._free:
                self._free -= 1
                self._queue.popleft().set()
        try:
            while not mine.wait(_TICK):
                _check(stop)
        except BaseException:
            with self._lock:
                if mine.is_set():  # the turn came in the same moment, and nobody would use it
                    self._release()
                else:
                    self._queue.remove(mine)
            raise

    def _release(self) -> None:
        """Give the place to the next thread in the queue. Under the lock.

        The place goes from hand to hand and is never free in between. Were it free, the thread that releases it could
        acquire it again before the one that it woke: a job with a thousand files would starve all others.
        """
        if self._queue:
            self._queue.popleft().set()
        else:
            self._free += 1


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("Stopped.")
