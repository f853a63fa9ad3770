"""How jobs that run side by side share the work: file by file, first come first served, and nothing twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mcp_mmretrieval.errors import Cancelled

_TICK = 0.2
"""Seconds between two looks at `stop` while it is somebody else's turn."""


class Sharing:
    """Turns for a few at a time, and names that one has for itself. Whoever waits gives up when its `stop` is set.

    Names come before turns: who has a turn never waits for a name, so that nobody waits for ever.
    """

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._line: deque[threading.Event] = deque()
        self._names: set[str] = set()
        self._freed = threading.Condition(self._lock)

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[None]:
        """One of the places, in the order of asking. Raises Cancelled."""
        self._ask(stop)
        try:
            yield
        finally:
            with self._lock:
                self._pass_on()

    @contextmanager
    def alone(self, name: str, stop: threading.Event) -> Iterator[None]:
        """The name for itself, once nobody else has it. Raises Cancelled."""
        while True:
            with self.claim(name) as mine:
                if mine:
                    yield
                    return
            self.wait(name, stop)

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Whether the name is free: if so, it is taken while this lasts. Waits for nothing."""
        with self._lock:
            mine = name not in self._names
            self._names.add(name)
        try:
            yield mine
        finally:
            if mine:
                with self._freed:
                    self._names.discard(name)
                    self._freed.notify_all()

    def wait(self, name: str, stop: threading.Event) -> None:
        """Until nobody has the name. Raises Cancelled."""
        with self._freed:
            while not self._freed.wait_for(lambda: name not in self._names, _TICK):
                _check(stop)

    def _ask(self, stop: threading.Event) -> None:
        mine = threading.Event()
        with self._lock:
            self._line.append(mine)
            if self._free:
                self._free -= 1
                self._line.popleft().set()
        try:
            while not mine.wait(_TICK):
                _check(stop)
        except BaseException:
            with self._lock:
                if mine.is_set():  # it came in the same moment: the next one's
                    self._pass_on()
                else:
                    self._line.remove(mine)
            raise

    def _pass_on(self) -> None:
        """To the next in the line."""
        if self._line:
            self._line.popleft().set()
        else:
            self._free += 1


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("Stopped.")
