"""The progress of the load of a model: how far it is, and on which device the model will be.

Whatever runs in the thread that loads reports here, without being handed a listener.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class DeviceLike(Protocol):
    """Where a model lies; see `process.client.ModelProcess`."""

    @property
    def generation(self) -> int:
        """Changes when all that lay there has left; 0 while nothing can lie there."""


class ProgressListener(Protocol):
    """Hears of the load of one model; `lazy.LazyModel` is one."""

    def hear(self, what: str, done: int, total: int) -> None:
        """`what` is being done; `done` of `total` bytes, 0 of 0 where that is not known."""

    def place(self, device: DeviceLike) -> None:
        """The model will lie on this device."""


_here = threading.local()


@contextmanager
def progress_reported_to(listener: ProgressListener) -> Iterator[None]:
    """Within, the listener hears what this thread reports."""
    _here.listener = listener
    try:
        yield
    finally:
        _here.listener = None


def report_progress(what: str, done: int = 0, total: int = 0) -> None:
    """Tell this thread's listener, if it has one, what is being done: `done` of `total` bytes."""
    listener: ProgressListener | None = getattr(_here, "listener", None)
    if listener is not None:
        listener.hear(what, done, total)


def report_device(device: DeviceLike) -> None:
    """Tell this thread's listener on which device the model that is being loaded will lie."""
    listener: ProgressListener | None = getattr(_here, "listener", None)
    if listener is not None:
        listener.place(device)
