"""Gives vectors to what was read. One thread that follows the catalog, a few documents at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from functools import partial

from mcp_mmretrieval.adding.batching import DocumentBatcher
from mcp_mmretrieval.adding.document_vectors import DocumentVectors
from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, ModelUnavailable
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.rollout import RETRY_LOADING_SECONDS, EmbeddingTarget, Rollout
from mcp_mmretrieval.store import Catalog

logger = logging.getLogger(__name__)

DOCUMENTS_AT_ONCE = 32
"""Documents that are begun at a time."""
DOCUMENTS_IN_A_ROW = 512
"""Documents that are begun before all of them are committed and it is looked anew in which space any lack vectors."""
RETRY_SECONDS = 5.0
"""Seconds until a full disk or a missing model is tried again."""

READ_AT_ONCE_SECONDS = 0.1
"""From the commit of one file to the next: where they come as fast as that, reading them comes first."""
READING_SHARE = 9.0
"""Of the time that vectors have taken, so much more goes to reading such files: their words find them at once, and
vectors cost the same whenever they are made."""

MAX_EMBEDDING_ATTEMPTS = 3
"""How often a document is begun that ends the process each time, before it is given up."""
GIVEN_UP_NOTE = (
    "Found by its words; all its vectors lack, or some: the server ended each time while they were made. The server's "
    "log may say why."
)


class EmbeddingThread:
    """Follows the catalog from `start` until it is closed."""

    def __init__(self, catalog: Catalog, rollout: Rollout, workers: Workers, sound_s: float) -> None:
        """`sound_s`: seconds of a stretch of sound with a vector of its own."""
        self._catalog = catalog
        self._rollout = rollout
        self._batcher = DocumentBatcher(catalog, workers, sound_s)
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
        self._committed = float("-inf")
        """When a file was committed last."""
        self._idle = False
        self._closed = False
        self.problem = ""
        """Why nothing gets vectors at present; empty again once something does."""
        self._thread = threading.Thread(target=self._run, name="embedding", daemon=True)

    def start(self) -> None:
        """Begin to follow, once `rollout` can wake it. Called once."""
        self._thread.start()

    @property
    def working(self) -> bool:
        """Whether vectors are being made or about to be. Not while something is in the way; asks no database."""
        return not self._idle and not self.problem

    def wake(self, *, again: bool = False) -> None:
        """Something was committed. `again`: files may be readable now that were not."""
        with self._woken:
            self._news = True
            self._committed = time.monotonic()
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
                self._sleep(RETRY_LOADING_SECONDS if self._rollout.problem else None)
            except Cancelled:  # the workers were closed under it
                return
            except (ModelUnavailable, LibraryUnavailable) as error:
                self.problem = str(error)
                logger.warning("no vectors for now: %s", error)
                self._sleep(RETRY_SECONDS)
            except Exception:  # without this thread nothing would get vectors any more
                self.problem = "No vectors are made because of an internal error; the log has the details."
                logger.exception("no vectors for now")
                self._sleep(RETRY_SECONDS)

    def _sleep(self, seconds: float | None) -> None:
        """Until there is news; while there is a problem, news changes nothing, and only the time ends it."""
        with self._woken:
            self._idle = bool(self.problem) or not (self._news or self._rollout.waiting)
            self._woken.notify_all()
            self._woken.wait_for(lambda: self._closed or (self._news and not self.problem), seconds)

    def _follow(self) -> None:
        """Until nothing is left to embed."""
        while not self._closed:
            with self._woken:
                self._news = False
            if not self._step():
                return

    def _let_read(self, seconds: float) -> None:
        """Wait while one small file after the other is read, at most so long."""
        until = time.monotonic() + seconds
        with self._woken:
            while not self._closed and time.monotonic() < min(until, self._committed + READ_AT_ONCE_SECONDS):
                self._woken.wait(min(seconds, READ_AT_ONCE_SECONDS))

    def _step(self) -> bool:
        """Embed the next documents in the first space that lacks some. Whether there were any."""
        for number, target in enumerate(self._rollout.targets(self._failed)):
            self._beside = number > 0
            failed = self._failed.setdefault(target.space, set())
            waiting = self._catalog.unembedded(target.space, limit=DOCUMENTS_AT_ONCE, skip=self._put_off | failed)
            if waiting:
                self._idle = False  # also where it was tried again by itself
                self._work(target, waiting)
                return True
        self._rollout.tidy()
        return False

    def _work(self, target: EmbeddingTarget, waiting: Sequence[str]) -> None:
        """Embed documents, noting that they are begun: one that ends the process is alone the next time, then given up.

        What is raised here ends no process, so it takes the note back.
        """
        attempts = self._catalog.attempts(target.space)
        hopeless = [document for document in waiting if attempts.get(document, 0) >= MAX_EMBEDDING_ATTEMPTS]
        for document in hopeless:
            logger.warning("%s: given up, it ended the process %d times", document[:12], MAX_EMBEDDING_ATTEMPTS)
            self._catalog.give_up(document, target.space, GIVEN_UP_NOTE)
        suspects = [document for document in waiting if document in attempts and document not in hopeless]
        others = [document for document in waiting if document not in attempts]
        for documents in ([suspect] for suspect in suspects) if suspects else [others] if others else []:
            if self._closed:
                return
            self._begun = (target.space, [])
            begun = self._in_a_row(documents, hold=bool(suspects), apart=attempts)
            since = time.monotonic()
            try:
                stored = partial(self._catalog.held_parts, target.space)
                for embedded in self._batcher.gather(target.embedder, begun, self._stopped, self._enough, stored):
                    with self._catalog.together():
                        for one in embedded:
                            self._commit(target, one)
                    self._let_read(READING_SHARE * (time.monotonic() - since))
                    since = time.monotonic()
            finally:
                left = self._catalog.attempts(target.space).keys() & set(self._begun[1])
                if left:
                    self._catalog.spare(target.space, left)
                self._begun = (target.space, [])

    def _in_a_row(self, documents: Sequence[str], *, hold: bool, apart: Collection[str]) -> Iterator[str]:
        """The documents, noted as begun, and those that wait behind them, as long as they are many: so a device need
        not wait between some documents and the next. `hold`: none but these. `apart`: those that are tried alone.
        """
        space, begun = self._begun
        while documents:
            self._catalog.attempt(space, documents)
            begun += documents
            yield from documents
            if hold or len(documents) < DOCUMENTS_AT_ONCE or len(begun) >= DOCUMENTS_IN_A_ROW:
                return
            skip = {*begun, *apart, *self._put_off, *self._failed.get(space, ())}
            documents = self._catalog.unembedded(space, limit=DOCUMENTS_AT_ONCE, skip=skip)

    def _commit(self, target: EmbeddingTarget, one: DocumentVectors) -> None:
        """Store its vectors, or put it off: it stays findable by its words."""
        try:
            if one.waiting:
                self._store_some(target, one)
            elif not one.put_off:
                self._catalog.commit_embedded(
                    one.document, target.space, one.rows, left_out=one.note, anchor=one.anchor
                )
                self.problem = ""
        except ValueError:  # vectors that fit no others
            logger.exception("%s: its vectors cannot be stored", one.document[:12])
            one.refuse()
        if not one.waiting and one.put_off:
            others = self._put_off if one.absent else self._failed.setdefault(target.space, set())
            others.add(one.document)

    def _store_some(self, target: EmbeddingTarget, one: DocumentVectors) -> None:
        """Of a document that waits for more."""
        if one.anchor is not None and not one.refused:
            self._catalog.add_vectors(one.document, target.space, one.rows, anchor=one.anchor)
        one.note_stored()

    def _stopped(self) -> bool:
        return self._closed

    def _enough(self) -> bool:
        """Whether to begin no more: what is new is first to be found by meaning in the space that serves."""
        return self._beside and self._news
