"""Deadlines: what is left of a call's time, and what each of its stages took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESERVE_SHARE = 0.1
"""Share of the time that is kept for what must still be done when the deadline has come: to fuse, and to show hits."""
MIN_RESERVE_SECONDS, MAX_RESERVE_SECONDS = 0.02, 0.25
"""Bounds of that reserve in seconds."""


class DeadlineClock:
    """What is left of a deadline, and milliseconds by stage. Thread-safe."""

    def __init__(self, deadline: float | None) -> None:
        """`deadline`: seconds from now for the whole call; None without one."""
        self._deadline = deadline
        self._began = time.monotonic()
        self._guard = threading.Lock()
        self._spent: dict[str, float] = {}
        self._running: dict[str, float] = {}

    @property
    def limited(self) -> bool:
        """Whether there is a deadline."""
        return self._deadline is not None

    def __str__(self) -> str:
        """`the deadline of 300 ms`."""
        return f"the deadline of {round((self._deadline or 0.0) * 1000)} ms"

    def left(self) -> float | None:
        """Seconds for what may be left out, never below zero; None without a deadline."""
        if self._deadline is None:
            return None
        reserve = min(MAX_RESERVE_SECONDS, max(MIN_RESERVE_SECONDS, RESERVE_SHARE * self._deadline))
        return max(0.0, self._began + self._deadline - reserve - time.monotonic())

    def fits(self, seconds: float) -> bool:
        """Whether something that takes so long would be done in time."""
        left = self.left()
        return left is None or left > seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within. A stage may be entered again, by one thread at a time."""
        with self._guard:
            self._spent.setdefault(name, 0.0)
            self._running[name] = time.monotonic()
        try:
            yield
        finally:
            with self._guard:
                self._spent[name] += time.monotonic() - self._running.pop(name)

    def stages(self) -> dict[str, int]:
        """Milliseconds by stage, in the order of their beginnings; one that was left behind counts until now."""
        with self._guard:
            now = time.monotonic()
            spent = {name: taken + now - self._running.get(name, now) for name, taken in self._spent.items()}
        return {name: round(taken * 1000) for name, taken in spent.items()}

    def total(self) -> int:
        """Milliseconds since the call began."""
        return round((time.monotonic() - self._began) * 1000)
