"""One model that is loaded when it is first needed, by one thread, while many wait for it. Imports nothing heavy."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.progress import DeviceLike, progress_reported_to

logger = logging.getLogger(__name__)

_LONG = 5.0
"""Seconds of a load after which a person is told how far it is."""

ModelT_co = TypeVar("ModelT_co", covariant=True)


class LazyModel(Generic[ModelT_co]):
    """One model: loaded by one thread, waited for by many. A failure is kept until someone asks for it again.

    A model in a process of its own leaves with it, and is loaded again when it is asked for. It is a
    `progress.ProgressListener` of its own load.
    """

    def __init__(self, name: str, load: Callable[[], ModelT_co]) -> None:
        """`name`: as a message names the model. `load`: makes it, in a thread of its own."""
        self.name = name
        self._load = load
        self._guard = threading.Lock()
        self._future: Future[ModelT_co] | None = None
        self._began = 0.0
        self._doing = ("loading", 0, 0)
        self._device: DeviceLike | None = None
        self._generation = 0

    def start(self, *, again: bool = False) -> Future[ModelT_co]:
        """Begin to load, unless that is going on, done or has failed; `again`: also where it has failed."""
        with self._guard:
            if self._future is None or self.resting or (again and self.failure is not None):
                self._future = self._begin()
            return self._future

    def get(self, timeout: float | None = None) -> ModelT_co:
        """The model, when it is loaded. One that has failed before is tried again.

        Raises ModelUnavailable when it cannot be loaded, or is not within `timeout` seconds (it goes on loading).
        """
        with self._guard:
            if self._future is None or self.resting or self.failure is not None:
                self._future = self._begin()
            future = self._future
        try:
            return future.result(timeout)
        except TimeoutError as error:
            far = f" ({self.progress})" if self.takes_long else ""
            raise ModelUnavailable(f"The {self.name} is still loading{far}. Ask again in a few seconds.") from error

    @property
    def failure(self) -> BaseException | None:
        """Why it could not be loaded the last time; None while it loads and once it is there."""
        future = self._future
        return future.exception() if future is not None and future.done() else None

    @property
    def loaded(self) -> bool:
        """Whether `get` answers at once."""
        future = self._future
        return future is not None and future.done() and future.exception() is None and not self.resting

    @property
    def resting(self) -> bool:
        """Whether it was there, and has left with its process until somebody needs it."""
        future, device = self._future, self._device
        return device is not None and future is not None and future.done() and device.generation != self._generation

    @property
    def ready(self) -> bool:
        """Whether `get` answers with the model: at once, or where it rests, when it is back."""
        return self.loaded or self.resting

    @property
    def progress(self) -> str:
        """How far the load is that runs, and since when; empty where none runs."""
        future = self._future
        if future is None or future.done():
            return ""
        what, done, total = self._doing
        of_all = f", {done / 1e9:.2f} of {total / 1e9:.2f} GB" if total else ""
        return f"{what} for {time.monotonic() - self._began:.0f} s{of_all}"

    @property
    def takes_long(self) -> bool:
        """Whether a load runs that a person would like to hear more of."""
        running = self._future is not None and not self._future.done()
        return running and (self._doing[2] > 0 or time.monotonic() - self._began > _LONG)

    @property
    def line(self) -> str:
        """The model's state in a line, for a person."""
        if self.progress:
            return self.progress
        if self.failure is not None:
            return str(self.failure)
        if self.resting:
            return "left memory, as nobody used it; comes back when needed"
        return "ready" if self.loaded else "loaded when first needed"

    # -- told by the thread that loads ------------------------------------------------------------------------------

    def hear(self, what: str, done: int, total: int) -> None:
        """See `progress.ProgressListener`."""
        self._doing = (what, done, total)

    def place(self, device: DeviceLike) -> None:
        """See `progress.ProgressListener`."""
        self._device, self._generation = device, device.generation

    def _begin(self) -> Future[ModelT_co]:
        future: Future[ModelT_co] = Future()
        self._began, self._doing, self._device = time.monotonic(), ("loading", 0, 0), None
        threading.Thread(target=self._run, args=(future,), name=f"load {self.name}", daemon=True).start()
        return future

    def _run(self, future: Future[ModelT_co]) -> None:
        try:
            with progress_reported_to(self):
                model = self._load()
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            # a torch set that does not fit together fails in any of these ways
            missing = ModelUnavailable(
                f"The {self.name} cannot be loaded: {_root_cause(error)}. Run: mcp-mmretrieval doctor."
            )
            missing.__cause__ = error
            future.set_exception(missing)
        except BaseException as error:  # noqa: BLE001 - a bug, too, belongs to those who wait
            future.set_exception(error)
        else:
            logger.info("%s loaded in %.1f s", self.name, time.monotonic() - self._began)
            future.set_result(model)


def _root_cause(error: BaseException) -> BaseException:
    """The error that an error came from: transformers hides a torchvision that does not fit behind its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
