"""The library, opened in the background: the handshake does not wait for it, and each call tells a failure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from mcp_mmretrieval.errors import LibraryUnavailable, RetrievalError

if TYPE_CHECKING:
    from mcp_mmretrieval.library import Library

logger = logging.getLogger(__name__)

_NOT_OPENED = (
    "The library could not be opened because of an internal error; the server's log has the details. Ask the person to "
    "run `mcp-mmretrieval doctor`."
)


class LibraryOpening:
    """Opens a library once, in a thread of its own. Safe from any thread; may serve several connections."""

    def __init__(self, open_library: Callable[[], Library]) -> None:
        self._open = open_library
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closed = False
        self._future: Future[Library] | None = None
        self._waiting = anyio.CapacityLimiter(64)

    def begin(self, delay: float = 0.0) -> Future[Library]:
        """Open after `delay` seconds, or as soon as a call asks. After a failure: try again."""
        with self._lock:
            if self._future is None or _failed(self._future):
                self._future = Future()
                threading.Thread(target=self._work, args=(self._future, delay), name="open", daemon=True).start()
            return self._future

    async def library(self, delay: float = 0.0) -> Library:
        """The open library. Cancelling ends the waiting, not the opening. `delay` as `begin` has it.

        Raises the RetrievalError that opening it ended in; the next call tries again.
        """
        future = self.begin(delay)
        if not delay:
            self._wanted.set()
        await anyio.to_thread.run_sync(future.exception, abandon_on_cancel=True, limiter=self._waiting)
        return future.result()

    @property
    def opened(self) -> Library | None:
        """The library, once it is open."""
        future = self._future
        return future.result() if future is not None and future.done() and not _failed(future) else None

    def close(self, seconds: float = 5.0) -> None:
        """Close the library if it was opened; wait at most so many seconds for one that is just being opened."""
        with self._lock:
            self._closed = True
            future = self._future
        self._wanted.set()
        if future is None:
            return
        wait([future], seconds)
        if future.done() and not _failed(future):
            future.result().close()

    def _work(self, future: Future[Library], delay: float) -> None:
        self._wanted.wait(delay)
        try:
            if self._closed:
                raise LibraryUnavailable("The server is ending. Start it again.")
            library = self._open()
        except RetrievalError as error:
            if not self._closed:
                logger.warning("the library was not opened: %s", error)
            future.set_exception(error)
        except BaseException:  # whatever it was, the waiting calls must hear of it
            logger.exception("the library was not opened")
            future.set_exception(LibraryUnavailable(_NOT_OPENED))
        else:
            future.set_result(library)


def _failed(future: Future[Library]) -> bool:
    return future.done() and future.exception() is not None
