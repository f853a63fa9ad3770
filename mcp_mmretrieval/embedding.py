"""Gives vectors to what was read. One thread that follows the catalog, a few documents at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, ModelUnavailable, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.opening import reopen
from mcp_mmretrieval.serving import AGAIN, Serving, Target
from mcp_mmretrieval.store import Rows, Store, Stored
from mcp_mmretrieval.types import Content, Film, Picture, Segment, VectorKind, Vectors

logger = logging.getLogger(__name__)

TOGETHER = 32
"""Documents that are begun at a time."""
GATHERED = 256
"""Windows of text that are embedded together: enough to sort by length, few enough to commit often."""
SIDE = 640
"""Longer side, in pixels, of pictures to be embedded."""
WORDY = 8
"""Words in a picture from which on it is a chart or a document rather than a photo."""
RETRY = 5.0
"""Seconds until a full disk or a missing model is tried again."""

ATTEMPTS = 3
"""How often a document is begun that ends the process each time, before it is given up."""
GIVEN_UP = (
    "Found by its words only: the server ended each time while its vectors were made. The server's log may say why."
)

Key = tuple[int, int]
"""A segment's key and the part of it: which window of the text, which frame of the film."""


@dataclass(slots=True)
class Pending:
    """One document on its way to the store."""

    document: str
    texts: dict[Key, str] = field(default_factory=dict)
    vectors: dict[VectorKind, dict[Key, Vectors]] = field(default_factory=dict)


class Embedding:
    """Follows the catalog until it is closed."""

    def __init__(self, store: Store, serving: Serving, workers: Workers) -> None:
        self._catalog = store.catalog
        self._serving = serving
        self._workers = workers
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
                for group in self._gather(target.embedder, documents):
                    self._embed_each(target, group)
            finally:
                left = self._catalog.attempts(target.space).keys() & set(documents)
                if left:
                    self._catalog.spare(target.space, left)
                self._begun = (target.space, [])

    def _gather(self, embedder: Embedder, documents: Iterable[str]) -> Iterable[list[Pending]]:
        """Documents with their pictures' vectors and their windows of text, about `GATHERED` windows at a time."""
        group: list[Pending] = []
        windows = 0
        for document in documents:
            if self._closed:
                return
            if self._beside and self._news:  # something new is first to be found by meaning in the space that serves
                break
            if pending := self._pending(embedder, document):
                group.append(pending)
                windows += len(pending.texts)
            if windows >= GATHERED:
                yield group
                group, windows = [], 0
        if group:
            yield group

    def _pending(self, embedder: Embedder, document: str) -> Pending | None:
        pending = Pending(document)
        segments = self._catalog.segments_of(document)
        for stored in segments:
            for part, window in enumerate(embedder.windows(embedded_text(stored.segment))):
                pending.texts[stored.key, part] = window
        seen = [stored for stored in segments if looked_at(stored.segment, embedder)]
        try:
            if seen:
                pending.vectors["picture"] = self._pictured(embedder, document, seen)
        except UnreadableMedia as error:
            logger.info("%s: no picture vectors for now: %s", document[:12], error)
            self._put_off.add(document)
            return None
        except (ModelUnavailable, LibraryUnavailable, Cancelled):
            raise
        except Exception:  # whatever a model trips over: its neighbours go on
            logger.exception("%s: its pictures cannot be embedded", document[:12])
            self._failed[self._begun[0]].add(document)
            return None
        return pending

    def _pictured(self, embedder: Embedder, document: str, seen: Sequence[Stored]) -> dict[Key, Vectors]:
        """One vector a picture or frame, decoded one segment at a time."""
        vectors: dict[Key, Vectors] = {}
        files = self._catalog.files_of([document]).get(document, [])
        with reopen(files) as file:
            for stored in seen:
                content = self._workers.load(file.fd, stored.segment, name=file.path, side=SIDE)
                pictures = pictures_of(content)
                if pictures:
                    rows = embedder.embed_documents(pictures)
                    vectors |= {(stored.key, part): row for part, row in enumerate(rows)}
        return vectors

    def _embed_each(self, target: Target, group: Sequence[Pending]) -> None:
        """Together; and one by one where that fails, so that one document cannot keep its neighbours from vectors."""
        try:
            self._embed(target, group)
        except (ModelUnavailable, LibraryUnavailable):
            raise
        except Exception:  # whatever a model trips over: the document stays findable by its words
            if len(group) > 1:
                for pending in group:
                    self._embed_each(target, [pending])
            else:
                logger.exception("%s: cannot be embedded", group[0].document[:12])
                self._failed[target.space].add(group[0].document)

    def _embed(self, target: Target, group: Sequence[Pending]) -> None:
        texts = [text for pending in group for text in pending.texts.values()]
        rows = iter(target.embedder.embed_documents(texts) if texts else ())
        for pending in group:
            if pending.texts:
                pending.vectors["text"] = {key: next(rows) for key in pending.texts}
            kinds = [_rows(kind, vectors) for kind, vectors in pending.vectors.items() if vectors]
            self._catalog.commit_embedded(pending.document, target.space, kinds)
            self.problem = ""


def embedded_text(segment: Segment) -> str:
    """The text whose meaning stands for a segment."""
    return segment.text


def looked_at(segment: Segment, embedder: Embedder) -> bool:
    """Whether a segment gets picture vectors: what the model is made to see, and no page of words for one of photos."""
    if segment.modality in ("text", "audio"):
        return False
    if "documents" in embedder.sees:
        return True
    if "photos" not in embedder.sees or segment.modality == "page":
        return False
    return segment.modality == "video" or len(segment.text.split()) < WORDY


def pictures_of(content: Content) -> list[Picture]:
    """The pictures in a content: itself, or the frames of a film."""
    if isinstance(content, Film):
        return list(content.pictures)
    return [content] if isinstance(content, np.ndarray) else []


def _rows(kind: VectorKind, vectors: dict[Key, Vectors]) -> Rows:
    keys = list(vectors)
    return Rows(
        kind=kind,
        segments=[segment for segment, _ in keys],
        parts=[part for _, part in keys],
        vectors=np.stack([vectors[key] for key in keys]).astype(np.float32),
    )
