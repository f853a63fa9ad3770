"""Gives vectors to what was read. One thread that follows the catalog, a few documents at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from mcp_mmretrieval.adding.batching import Gathered, Gathering
from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, ModelUnavailable
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.serving import AGAIN, Serving, Target
from mcp_mmretrieval.store import Store

logger = logging.getLogger(__name__)

TOGETHER = 32
"""Documents that are begun at a time."""
RETRY = 5.0
"""Seconds until a full disk or a missing model is tried again."""

ATTEMPTS = 3
"""How often a document is begun that ends the process each time, before it is given up."""
GIVEN_UP = (
    "Found by its words only: the server ended each time while its vectors were made. The server's log may say why."
)


class Embedding:
    """Follows the catalog until it is closed."""

    def __init__(self, store: Store, serving: Serving, workers: Workers, sound_s: float) -> None:
        """`sound_s`: seconds of a stretch of sound with a vector of its own."""
        self._catalog = store.catalog
        self._serving = serving
        self._gathering = Gathering(store.catalog, workers, sound_s)
        self._put_off: set[str] = set()
        """Documents whose pixels cannot be read now: their files vanished or changed."""
        self._failed: dict[int, set[str]] = {}
        """Documents, by space, that its model trips over."""
        self._begun: tuple[int, list[str]] = (0, [])
        """The space and the documents that are noted as attempted."""
        self._beside = False
        """Whether it embeds in a space beside the one that serves."""
        self._woken = threading.Condition()
        self._news = True
        self._idle = False
        self._closed = False
        self.problem = ""
        """Why nothing gets vectors at present; empty again once something does."""
        serving.changed = self.wake
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
                self._failed.clear()
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
        space, documents = self._begun
        if documents:  # who ends in order was ended by none of them
            self._catalog.spare(space, documents)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._follow()
                self.problem = ""
                self._sleep(AGAIN if self._serving.problem else None)
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
            self._idle = bool(self.problem) or not (self._news or self._serving.waiting)
            self._woken.notify_all()
            self._woken.wait_for(lambda: self._closed or (self._news and not self.problem), seconds)

    def _follow(self) -> None:
        """Until nothing is left to embed."""
        while not self._closed:
            with self._woken:
                self._news = False
            if not self._step():
                return

    def _step(self) -> bool:
        """Embed the next documents in the first space that lacks some. Whether there were any."""
        for number, target in enumerate(self._serving.targets(self._failed)):
            self._beside = number > 0
            failed = self._failed.setdefault(target.space, set())
            waiting = self._catalog.unembedded(target.space, limit=TOGETHER, skip=self._put_off | failed)
            if waiting:
                self._idle = False  # also where it was tried again by itself
                self._work(target, waiting)
                return True
        self._serving.tidy()
        return False

    def _work(self, target: Target, waiting: Sequence[str]) -> None:
        """Embed documents, noting that they are begun: one that ends the process is alone the next time, then given up.

        What is raised here ends no process, so it takes the note back.
        """
        attempts = self._catalog.attempts(target.space)
        hopeless = [document for document in waiting if attempts.get(document, 0) >= ATTEMPTS]
        for document in hopeless:
            logger.warning("%s: given up, it ended the process %d times", document[:12], ATTEMPTS)
            self._catalog.give_up(document, target.space, GIVEN_UP)
        suspects = [document for document in waiting if document in attempts and document not in hopeless]
        others = [document for document in waiting if document not in attempts]
        for documents in ([suspect] for suspect in suspects) if suspects else [others] if others else []:
            if self._closed:
                return
            self._begun = (target.space, documents)
            self._catalog.attempt(target.space, documents)
            try:
                for one in self._gathering.gather(target.embedder, documents, self._stopped, self._enough):
                    self._commit(target, one)
            finally:
                left = self._catalog.attempts(target.space).keys() & set(documents)
                if left:
                    self._catalog.spare(target.space, left)
                self._begun = (target.space, [])

    def _commit(self, target: Target, one: Gathered) -> None:
        """Store its vectors, or put it off: it stays findable by its words."""
        if one.absent:
            self._put_off.add(one.document)
        elif one.put_off:
            self._failed.setdefault(target.space, set()).add(one.document)
        else:
            try:
                self._catalog.commit_embedded(one.document, target.space, one.rows, left_out=one.note)
                self.problem = ""
            except ValueError:  # vectors that fit no others
                logger.exception("%s: its vectors cannot be stored", one.document[:12])
                self._failed.setdefault(target.space, set()).add(one.document)

    def _stopped(self) -> bool:
        return self._closed

    def _enough(self) -> bool:
        """Whether to begin no more: what is new is first to be found by meaning in the space that serves."""
        return self._beside and self._news
