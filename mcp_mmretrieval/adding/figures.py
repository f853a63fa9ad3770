"""Reads the pictures inside of pages, such as charts in a report, once there is nothing else to do.

Their words join those of the page, so that full text finds them; the page keeps the vectors that it has.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mcp_mmretrieval.concurrency.foreground import yield_to_foreground
from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, ModelUnavailable, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import ReadingModels, TextReader
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.targets import reopen
from mcp_mmretrieval.types import Content, SplitPart

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks whether anything else is to be done."""
RETRY_FIGURES_SECONDS = 30.0
"""Seconds until a full disk or a missing model is tried again."""


class FigureThread:
    """Follows the catalog from `start` until it is closed."""

    def __init__(self, catalog: Catalog, models: ReadingModels, workers: Workers, busy: Callable[[], bool]) -> None:
        """`busy`: whether anything else is being read or embedded, which comes first."""
        self._catalog = catalog
        self._models = models
        self._workers = workers
        self._busy = busy
        self._put_off: set[str] = set()
        """Documents whose files vanished, changed or cannot be drawn."""
        self._woken = threading.Condition()
        self._news = True
        self._idle = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    def start(self) -> None:
        """Begin to follow. Called once."""
        self._thread.start()

    def wake(self) -> None:
        """Something was committed, or files may be readable now that were not."""
        with self._woken:
            self._news, self._idle = True, False
            self._put_off.clear()
            self._woken.notify_all()

    def settle(self, seconds: float | None = None) -> bool:
        """Wait until all pictures that can be read now have been."""
        with self._woken:
            return self._woken.wait_for(lambda: self._idle or self._closed.is_set(), seconds)

    def close(self) -> None:
        """Stop after the picture that is being read."""
        with self._woken:
            self._closed.set()
            self._woken.notify_all()
        self._thread.join(10.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            with self._woken:
                self._news = False
            try:
                left = self._step()
            except Cancelled:  # the workers and models are being closed
                return
            except (ModelUnavailable, LibraryUnavailable) as error:
                logger.warning("pictures inside of pages are not read for now: %s", error)
                self._closed.wait(RETRY_FIGURES_SECONDS)
                continue
            except Exception:  # without this thread none would be read any more
                logger.exception("pictures inside of pages are not read for now")
                self._closed.wait(RETRY_FIGURES_SECONDS)
                continue
            if not left:
                self._sleep()

    def _sleep(self) -> None:
        with self._woken:
            self._idle = not self._news
            self._woken.notify_all()
            self._woken.wait_for(lambda: self._news or self._closed.is_set())

    def _step(self) -> bool:
        """Read on in the next document. Whether there was one."""
        waiting = self._catalog.unread_figures(skip=self._put_off)
        if not waiting:
            return False
        while self._busy():
            if self._closed.wait(LOOK_SECONDS):
                return True
        reader = self._models.text_reader()
        if reader is None:  # switched off: once it is on, the document is read anew
            self._put_off |= {stored.segment.document for stored in waiting.values()}
            return True
        document = next(iter(waiting.values())).segment.document
        try:
            self._read(document, waiting, reader)
        except UnreadableMedia as error:
            logger.info("%s: its pictures cannot be read now: %s", document[:12], error)
            self._put_off.add(document)
        return True

    def _read(self, document: str, waiting: Mapping[int, StoredSegment], reader: TextReader) -> None:
        """The pictures in those places of one document, until something else is to be done."""
        places = {stored.segment.id: stored for stored in waiting.values()}
        first = min(stored.ordinal for stored in waiting.values())
        with reopen(self._catalog.files_of_one(document)) as file:
            name = Path(file.path).name
            for part in self._workers.figures(file.fd, name=name, document=document, start=first, stop=self._closed):
                stored = places.pop(part.segment.id, None) if isinstance(part, SplitPart) else None
                if isinstance(part, SplitPart) and stored is not None:
                    self._take_in(stored, part.content, reader)
                if self._busy():
                    return
                if not places:
                    break
        if places:  # a parser died at them
            self._put_off.add(document)

    def _take_in(self, stored: StoredSegment, content: Content | None, reader: TextReader) -> None:
        """Add to a place the lines of its pictures that it does not hold yet."""
        lines: list[str] = []
        if isinstance(content, np.ndarray):
            self._catalog.begin_figures(stored.key)
            yield_to_foreground()
            known = set(stored.segment.text.splitlines())
            lines = [line for line in reader.read(content).splitlines() if line not in known]
        self._catalog.commit_figures(stored.key, "\n".join(lines))
