"""A window of tasks under way: a few run side by side, and whoever brings the next one waits for room."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class TaskWindow:
    """Runs tasks in so many threads. With one, in the thread of the caller.

    What a task raises is raised by the next `run`, or at the end, once all that are under way have ended.
    """

    def __init__(self, places: int) -> None:
        self._pool = ThreadPoolExecutor(places, thread_name_prefix="window") if places > 1 else None
        self._room = threading.BoundedSemaphore(places)
        self._failed: BaseException | None = None

    def run(self, task: Callable[[], None]) -> None:
        """Begin a task, once there is room for it."""
        if self._pool is None:
            task()
            return
        self._room.acquire()
        if self._failed is not None:
            self._room.release()
            raise self._failed
        self._pool.submit(task).add_done_callback(self._ended)

    def _ended(self, ended: Future[None]) -> None:
        self._failed = self._failed or ended.exception()
        self._room.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way, whatever ended the block."""
        if self._pool is not None:
            self._pool.shutdown()
        if error is None and self._failed is not None:
            raise self._failed
