"""What the load of a model says of itself while it runs: how far it is, and on which device the model will be.

Whatever runs in the thread that loads may say so, without being handed anything.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class DeviceLike(Protocol):
    """Where a model lies; see `device.device.Device`."""

    @property
    def kind(self) -> str:
        """`cpu`, or another one with memory of its own."""

    @property
    def idle(self) -> float:
        """Seconds since it last did anything."""


class ProgressListener(Protocol):
    """Who is told."""

    def hear(self, what: str, done: int, total: int) -> None:
        """What is being done, and how many bytes of how many, where that is known."""

    def place(self, device: DeviceLike) -> None:
        """Where the model will lie."""


_here = threading.local()


@contextmanager
def progress_reported_to(hears: ProgressListener) -> Iterator[None]:
    """Who is told of what this thread loads within."""
    _here.hears = hears
    try:
        yield
    finally:
        _here.hears = None


def report_progress(what: str, done: int = 0, total: int = 0) -> None:
    """This thread is at something, `done` of `total` bytes; nothing comes of it in a thread that loads no model."""
    hears: ProgressListener | None = getattr(_here, "hears", None)
    if hears is not None:
        hears.hear(what, done, total)


def report_device(device: DeviceLike) -> None:
    """The model that this thread loads will lie there."""
    hears: ProgressListener | None = getattr(_here, "hears", None)
    if hears is not None:
        hears.place(device)
