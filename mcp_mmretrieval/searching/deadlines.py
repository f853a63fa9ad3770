"""Deadlines: what is left of a call's time, what each of its stages took, and work that is left behind when time is up.

Work that may be late runs in a thread of its own. Its asker takes what is there when the deadline comes and goes on;
the thread ends at its next step, and is a daemon: it keeps neither a caller nor the end of the process waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from mcp_mmretrieval.concurrency.priority_lock import urgent

RESERVE = 0.1
"""Share of the time that is kept for what must still be done when the deadline has come: to fuse, and to show hits."""
LEAST, MOST = 0.02, 0.25
"""Bounds of that reserve in seconds."""
AT_ONCE = 16
"""Errands that run at once in this process; more wait. Without it those left behind could pile up."""


class Clock:
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
        reserve = min(MOST, max(LEAST, RESERVE * self._deadline))
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


class _Places:
    """Room for so many threads. Who was left behind while waiting needs none."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = threading.Condition()

    def take(self, stop: threading.Event) -> bool:
        """Wait for a place; False once `stop` is set."""
        with self._changed:
            self._changed.wait_for(lambda: stop.is_set() or self._free > 0)
            if stop.is_set():
                return False
            self._free -= 1
            return True

    def give_back(self) -> None:
        """A place that was taken is free again."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def set(self, stop: threading.Event) -> None:
        """Set it, and let those who wait see it."""
        with self._changed:
            stop.set()
            self._changed.notify_all()


_places = _Places(AT_ONCE)


class Errand:
    """Work in a thread of its own, while its asker is within `with`; whatever it does then, nobody waits for it.

    It is told by the event that it is called with, and its models' turns end (`turns.urgent`).
    """

    def __init__(self, work: Callable[[threading.Event], None], name: str) -> None:
        self._work = work
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _places.set(self._stop)

    def ended(self, seconds: float | None) -> bool:
        """Wait so long at most (None: without end); whether the work has ended. Raises what it raised."""
        if not self._ended.wait(seconds):
            return False
        if self._error is not None:
            raise self._error
        return True

    def _run(self) -> None:
        if not _places.take(self._stop):
            return
        try:
            with urgent(self._stop):
                self._work(self._stop)
        except BaseException as error:  # noqa: BLE001 - it belongs to the asker; where nobody waits, to nobody
            self._error = error
        finally:
            _places.give_back()
            self._ended.set()
