"""Many readers or one writer, and readers that do not wait long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Who may use a thing. A waiting writer goes before readers that come after it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writers = 0

    @contextmanager
    def reading(self, patience: float) -> Iterator[bool]:
        """Beside other readers; False (and no turn) if a writer keeps it longer than `patience` seconds."""
        with self._changed:
            mine = self._changed.wait_for(lambda: not self._writers, patience)
            self._readers += mine
        try:
            yield mine
        finally:
            with self._changed:
                self._readers -= mine
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Alone. For one writing thread."""
        with self._changed:
            self._writers += 1
            self._changed.wait_for(lambda: not self._readers)
        try:
            yield
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()
