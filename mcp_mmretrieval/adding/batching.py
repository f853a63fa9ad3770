"""Vectors of whole documents: what gets one is gathered over many documents, and embedded together.

So the batches of a device are full, however small the documents are; and only so much is decoded at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mcp_mmretrieval.adding.parts import (
    EMBED_SIDE_PIXELS,
    WHOLE_FILM_PART,
    moment_of_part,
    part_contents,
    segment_to_decode,
)
from mcp_mmretrieval.errors import (
    Cancelled,
    LibraryUnavailable,
    ModelUnavailable,
    RetrievalError,
    Unfit,
    UnreadableMedia,
)
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.headed_text import under_headings
from mcp_mmretrieval.store import Catalog, StoredSegment, VectorRows
from mcp_mmretrieval.targets import reopen
from mcp_mmretrieval.types import VECTOR_KINDS, Content, Film, Segment, Sound, VectorKind, Vectors

logger = logging.getLogger(__name__)

BATCH_WINDOWS = 256
"""Windows of text that are embedded together: enough to sort by length, few enough to commit often."""
BATCH_DECODED_BYTES = 48_000_000
"""Bytes of pixels, and of samples, that are held to be embedded together: 40 pictures, or 6 minutes of sound."""
UNKNOWN_SCRIPT_REASON = "the text model was not taught its script; its words are found"
"""Why a text that holds letters has no window."""
NOTE_REASONS = 3
"""Reasons that a note names, and places of each."""
MAX_REASON_CHARACTERS = 160
"""Characters of a reason."""

PartKey = tuple[int, int]
"""A segment's key and the part of it."""


@dataclass(slots=True)
class DocumentVectors:
    """One document with the vectors of all that the model takes in."""

    document: str
    vectors: dict[VectorKind, dict[PartKey, Vectors]] = field(default_factory=dict)
    left_out: dict[tuple[VectorKind, str], list[str]] = field(default_factory=dict)
    """Places without a vector, by kind and reason."""
    failed: bool = False
    """Something went wrong that may go well another time."""
    absent: bool = False
    """Its file cannot be read now."""
    waiting: int = 0
    """Contents that are still to be embedded."""

    @property
    def put_off(self) -> bool:
        """Whether it should be tried again rather than be left without vectors."""
        return self.absent or (self.failed and not self.vectors)

    @property
    def rows(self) -> list[VectorRows]:
        """Its vectors, as they are stored."""
        return [_rows(kind, vectors) for kind, vectors in self.vectors.items()]

    @property
    def note(self) -> str:
        """What has no vector, and why; empty where all has."""
        told = []
        for (kind, reason), places in list(self.left_out.items())[:NOTE_REASONS]:
            more = f" and {len(places) - NOTE_REASONS} more" if len(places) > NOTE_REASONS else ""
            told.append(f"{', '.join(places[:NOTE_REASONS])}{more} as {kind} ({reason})")
        others = len(self.left_out) - NOTE_REASONS
        return "; ".join(told) + (f"; and more for {others} other reasons" if others > 0 else "")

    def leave_out(self, kind: VectorKind, segment: Segment, part: int, error: Exception) -> None:
        """Say that a part gets no vector."""
        place = moment_of_part(segment, kind, part).fragment or "the whole"
        places = self.left_out.setdefault((kind, _reason(error)), [])
        if place not in places:
            places.append(place)
        self.failed |= not isinstance(error, Unfit)


@dataclass(slots=True)
class BatchItem:
    """A content on its way to a vector."""

    gathered: DocumentVectors
    stored: StoredSegment
    part: int
    content: Content
    title: str = ""


@dataclass(slots=True)
class ContentBatch:
    """Contents of one kind that are embedded together."""

    kind: VectorKind
    wanted: list[BatchItem] = field(default_factory=list)
    cost: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time to embed them."""
        return len(self.wanted) >= BATCH_WINDOWS if self.kind == "text" else self.cost >= BATCH_DECODED_BYTES

    def add(self, wanted: BatchItem) -> None:
        """One more."""
        wanted.gathered.waiting += 1
        self.wanted.append(wanted)
        self.cost += _bytes(wanted.content)


class DocumentBatcher:
    """Gathers the vectors of documents that were read."""

    def __init__(self, catalog: Catalog, workers: Workers, sound_s: float) -> None:
        """`sound_s`: seconds of a stretch of sound with a vector of its own."""
        self._catalog = catalog
        self._workers = workers
        self._sound_s = sound_s

    def gather(
        self,
        embedder: Embedder,
        documents: Iterable[str],
        stop: Callable[[], bool],
        enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[DocumentVectors]:
        """Each of the documents, as soon as all of it is embedded.

        Once `stop` says so, nothing more of any; once `enough` does, no further document is begun. What the model does
        not take in is left out alone. Raises ModelUnavailable, LibraryUnavailable, Cancelled.
        """
        lots: dict[VectorKind, ContentBatch] = {kind: ContentBatch(kind) for kind in VECTOR_KINDS}
        under_way: list[DocumentVectors] = []
        for document in documents:
            if stop():
                return
            if enough():
                break
            one = DocumentVectors(document)
            under_way.append(one)
            try:
                for kind, wanted in self._contents(embedder, one, stop):
                    lots[kind].add(wanted)
                    if lots[kind].full:
                        _embed(embedder, lots[kind])
            except UnreadableMedia as error:
                logger.info("%s: no vectors for now: %s", document[:12], error)
                one.absent = True
            yield from (each for each in under_way if not each.waiting)
            under_way = [each for each in under_way if each.waiting]
        for lot in lots.values():
            _embed(embedder, lot)
        yield from under_way

    def _contents(
        self, embedder: Embedder, one: DocumentVectors, stop: Callable[[], bool]
    ) -> Iterator[tuple[VectorKind, BatchItem]]:
        """What is to be embedded of a document. Raises UnreadableMedia where its file is not there as it was read."""
        document = self._catalog.document(one.document)
        title = document.title if document else ""
        segments = self._catalog.segments_of(one.document)
        for stored in segments:
            for part, window in enumerate(_windows(embedder, one, stored.segment)):
                yield "text", BatchItem(one, stored, part, window, title)
        shown = list(_to_decode(segments, embedder))
        if shown:
            with reopen(self._catalog.files_of_one(one.document)) as file:
                for stored, segment, since in shown:
                    if stop():
                        raise Cancelled("Stopped while embedding.")
                    try:
                        content = self._workers.load(file.fd, segment, name=file.path, side=EMBED_SIDE_PIXELS)
                    except UnreadableMedia as error:
                        kind: VectorKind = "sound" if segment.traits.content == "sound" else "picture"
                        one.leave_out(kind, stored.segment, WHOLE_FILM_PART, error)
                        continue
                    for piece in part_contents(stored.segment, content, embedder, sound_s=self._sound_s, since=since):
                        yield piece.kind, BatchItem(one, stored, piece.part, piece.content)


def _to_decode(segments: Iterable[StoredSegment], embedder: Embedder) -> Iterator[tuple[StoredSegment, Segment, float]]:
    """The places that have to be decoded, each with what of it, and up to which second the one before it went."""
    since, within = 0.0, ""
    for stored in segments:
        if stored.segment.place.part != within:  # another recording in the same file
            since, within = 0.0, stored.segment.place.part
        if segment := segment_to_decode(stored.segment, embedder, since=since):
            yield stored, segment, since
        since = max(since, stored.segment.place.end or 0.0)


def _windows(embedder: Embedder, one: DocumentVectors, segment: Segment) -> list[str]:
    """The windows of a place's text; that there are none, although it holds words, is said."""
    windows = embedder.windows(segment.text)
    if not windows and any(letter.isalnum() for letter in segment.text):
        one.leave_out("text", segment, 0, Unfit([0], UNKNOWN_SCRIPT_REASON))
    return [under_headings(window, segment) for window in windows]


def embed_each(
    embedder: Embedder, contents: Sequence[Content], titles: Sequence[str] = ()
) -> list[Vectors | Exception]:
    """For each content its vector, or why it has none: one that the model trips over costs the others nothing.

    Raises ModelUnavailable (DeviceLost too), LibraryUnavailable, Cancelled.
    """
    if not contents:
        return []
    try:
        rows = np.asarray(embedder.embed_documents(contents, titles), np.float32)
        if rows.ndim != 2 or len(rows) != len(contents):
            raise ValueError(f"The model gave {rows.shape} for {len(contents)} contents.")
    except (ModelUnavailable, LibraryUnavailable, Cancelled):
        raise
    except Unfit as unfit:
        out = set(unfit.rows).intersection(range(len(contents)))
        if not out:
            return _by_halves(embedder, contents, titles, unfit)
        rest = [row for row in range(len(contents)) if row not in out]
        found = iter(
            embed_each(embedder, [contents[row] for row in rest], [titles[row] for row in rest] if titles else ())
        )
        return [unfit if row in out else next(found) for row in range(len(contents))]
    except Exception as error:  # noqa: BLE001 whatever a model trips over
        return _by_halves(embedder, contents, titles, error)
    return [row if np.isfinite(row).all() else ValueError("not finite") for row in rows]


def _by_halves(
    embedder: Embedder, contents: Sequence[Content], titles: Sequence[str], error: Exception
) -> list[Vectors | Exception]:
    if len(contents) == 1:
        if not isinstance(error, RetrievalError):
            logger.error("a content cannot be embedded", exc_info=error)
        return [error]
    middle = len(contents) // 2
    return embed_each(embedder, contents[:middle], titles[:middle]) + embed_each(
        embedder, contents[middle:], titles[middle:]
    )


def _embed(embedder: Embedder, lot: ContentBatch) -> None:
    """Give the vectors of a lot to their documents, and empty it."""
    wanted, lot.wanted, lot.cost = lot.wanted, [], 0
    titles = [one.title for one in wanted] if lot.kind == "text" else ()
    for one, found in zip(wanted, embed_each(embedder, [one.content for one in wanted], titles), strict=True):
        one.gathered.waiting -= 1
        if isinstance(found, Exception):
            one.gathered.leave_out(lot.kind, one.stored.segment, one.part, found)
        else:
            one.gathered.vectors.setdefault(lot.kind, {})[one.stored.key, one.part] = found


def _reason(error: Exception) -> str:
    if not isinstance(error, RetrievalError):
        return f"the model fails on it: {type(error).__name__}"
    line = " ".join(str(error).split()).rstrip(".")
    return line if len(line) <= MAX_REASON_CHARACTERS else line[: MAX_REASON_CHARACTERS - 1] + "…"


def _bytes(content: Content) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Film):
        return sum(picture.nbytes for picture in content.pictures)
    return content.samples.nbytes if isinstance(content, Sound) else content.nbytes


def _rows(kind: VectorKind, vectors: dict[PartKey, Vectors]) -> VectorRows:
    keys = list(vectors)
    return VectorRows(
        kind=kind,
        segments=[segment for segment, _ in keys],
        parts=[part for _, part in keys],
        vectors=np.stack([vectors[key] for key in keys]),
    )
