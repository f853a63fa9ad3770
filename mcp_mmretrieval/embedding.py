"""Gives vectors to what was read. One thread that follows the catalog, a few documents at a time."""

from __future__ import annotations

import logging
import threading

from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, ModelUnavailable
from mcp_mmretrieval.gathering import Gathered, Gathering
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.store import Store

logger = logging.getLogger(__name__)

RETRY = 5.0
"""Seconds until a full disk or a missing model is tried again."""


class Embedding:
    """Follows the catalog until it is closed."""

    def __init__(self, store: Store, models: Models, workers: Workers, sound_s: float) -> None:
        """`sound_s`: seconds of a stretch of sound with a vector of its own."""
        self._catalog = store.catalog
        self._models = models
        self._gathering = Gathering(store.catalog, workers, sound_s)
        self._put_off: set[str] = set()
        """Documents whose pixels cannot be read now: their files vanished or changed."""
        self._woken = threading.Condition()
        self._news = True
        self._idle = False
        self._closed = False
        self.problem = ""
        """Why nothing gets vectors at present; empty again once something does."""
        self._thread = threading.Thread(target=self._run, name="embedding", daemon=True)
        self._thread.start()

    @property
    def working(self) -> bool:
        """Whether vectors are being made or about to be. Not while something is in the way; asks no database."""
        return not self._idle and not self.problem

    def wake(self, *, again: bool = False) -> None:
        """Something was committed. `again`: files may be readable now that were not."""
        with self._woken:
            self._news = True
            self._idle = self._idle and bool(self.problem)
            if again:
                self._put_off.clear()
            self._woken.notify_all()

    def settle(self, seconds: float | None = None) -> bool:
        """Wait until all that was committed has its vectors, as far as it can have them now."""
        with self._woken:
            return self._woken.wait_for(lambda: self._idle or self._closed, seconds)

    def close(self) -> None:
        """Stop after the batch that runs."""
        with self._woken:
            self._closed = True
            self._woken.notify_all()
        self._thread.join(10.0)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._follow()
                self.problem = ""
                self._sleep(None)
            except Cancelled:  # the workers were closed under it
                return
            except (ModelUnavailable, LibraryUnavailable) as error:
                self.problem = str(error)
                logger.warning("no vectors for now: %s", error)
                self._sleep(RETRY)
            except Exception:  # without this thread nothing would get vectors any more
                self.problem = "No vectors are made because of an internal error; the log has the details."
                logger.exception("no vectors for now")
                self._sleep(RETRY)

    def _sleep(self, seconds: float | None) -> None:
        """Until there is news; while there is a problem, news changes nothing, and only the time ends it."""
        with self._woken:
            self._idle = bool(self.problem) or not self._news
            self._woken.notify_all()
            self._woken.wait_for(lambda: self._closed or (self._news and not self.problem), seconds)

    def _follow(self) -> None:
        """Until nothing is left to embed."""
        embedder = self._models.embedder()
        space = self._catalog.space_of(embedder.identity) or self._catalog.space(embedder.identity)
        active = self._catalog.active_space()
        if active is None or active.id != space:
            self._catalog.activate(space)
        while not self._closed:
            with self._woken:
                self._news = False
            waiting = self._catalog.unembedded(space, limit=32, skip=self._put_off)
            if not waiting:
                self._drop_others(space)
                return
            self._idle = False  # also where it was tried again by itself
            for one in self._gathering.gather(embedder, waiting, lambda: self._closed):
                self._commit(space, one)

    def _drop_others(self, space: int) -> None:
        """Spaces of models that serve no more go when theirs is replaced in full, unless something was put off."""
        if not self._put_off:
            for other in self._catalog.spaces():
                if other.id != space:
                    self._catalog.drop_space(other.id)

    def _commit(self, space: int, one: Gathered) -> None:
        """Store its vectors, or put it off: it stays findable by its words."""
        if not one.put_off:
            try:
                self._catalog.commit_embedded(one.document, space, one.rows, left_out=one.note)
                self.problem = ""
                return
            except ValueError:  # vectors that fit no others
                logger.exception("%s: its vectors cannot be stored", one.document[:12])
        self._put_off.add(one.document)
