"""A call that its caller can leave behind when time is up.

The call runs in a thread of its own. Its caller takes what is there when the deadline comes and goes on; the thread
ends at its next step. It is a daemon, so it keeps neither its caller nor the end of the process waiting: the threads of
`concurrent.futures` would, since Python joins them at exit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from mcp_mmretrieval.concurrency.priority_lock import urgent_turns

MAX_ABANDONABLE_THREADS = 16
"""Calls that run at once in this process; more wait. Without this bound, calls left behind could pile up."""


class _ThreadSlots:
    """A semaphore for so many threads. A thread that is left behind while it waits needs no slot any more."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = threading.Condition()

    def acquire(self, stop: threading.Event) -> bool:
        """Wait for a slot; False once `stop` is set."""
        with self._changed:
            self._changed.wait_for(lambda: stop.is_set() or self._free > 0)
            if stop.is_set():
                return False
            self._free -= 1
            return True

    def release(self) -> None:
        """Free a slot that was acquired."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def set(self, stop: threading.Event) -> None:
        """Set `stop`, and wake the threads that wait for a slot, so that they see it."""
        with self._changed:
            stop.set()
            self._changed.notify_all()


_slots = _ThreadSlots(MAX_ABANDONABLE_THREADS)


class AbandonableCall:
    """Runs `work` in a thread of its own while its caller is inside `with`. On leaving, the caller does not wait.

    `work` gets the event that is set on leaving, and should return soon after. From then on the thread gets no turn of
    a model either (`priority_lock.urgent_turns`).
    """

    def __init__(self, work: Callable[[threading.Event], None], name: str) -> None:
        """`name`: of the thread."""
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
        _slots.set(self._stop)

    def ended(self, timeout: float | None) -> bool:
        """Wait at most `timeout` seconds (None: without end). Whether the work has ended; raises what it raised."""
        if not self._ended.wait(timeout):
            return False
        if self._error is not None:
            raise self._error
        return True

    def _run(self) -> None:
        if not _slots.acquire(self._stop):
            return
        try:
            with urgent_turns(self._stop):
                self._work(self._stop)
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller; where nobody waits, to nobody
            self._error = error
        finally:
            _slots.release()
            self._ended.set()
