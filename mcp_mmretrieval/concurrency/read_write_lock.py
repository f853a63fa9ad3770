"""A readers-writer lock: many readers or one writer, and readers that do not wait long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Many readers hold it together, or one writer alone. A writer that waits goes before readers that come later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writers = 0
        """Those that write and those that wait to: both keep new readers out."""

    @contextmanager
    def read_lock(self, timeout: float) -> Iterator[bool]:
        """Beside other readers. Whether it was acquired: not where a writer keeps it longer than `timeout` seconds."""
        with self._changed:
            acquired = self._changed.wait_for(lambda: not self._writers, timeout)
            self._readers += acquired
        try:
            yield acquired
        finally:
            with self._changed:
                self._readers -= acquired
                self._changed.notify_all()

    @contextmanager
    def write_lock(self) -> Iterator[None]:
        """Alone. Only one thread may write: two writers would not keep each other out."""
        with self._changed:
            self._writers += 1
            self._changed.wait_for(lambda: not self._readers)
        try:
            yield
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()
