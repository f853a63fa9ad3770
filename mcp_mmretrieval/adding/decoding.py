"""What of documents is to be embedded: step by step, so that some steps can be decoded ahead, each in any thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mcp_mmretrieval.adding.document_vectors import DocumentVectors, StoredParts
from mcp_mmretrieval.adding.parts import decoding_side, part_contents, segment_to_decode
from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.errors import Cancelled, Unfit, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.headed_text import under_headings
from mcp_mmretrieval.store import Catalog, File, StoredSegment
from mcp_mmretrieval.targets import reopen
from mcp_mmretrieval.types import Content, Film, Segment, Sound, VectorKind

logger = logging.getLogger(__name__)

UNKNOWN_SCRIPT_REASON = "the text model was not taught its script; its words are found"
"""Why a text that holds letters has no window."""


@dataclass(slots=True)
class BatchItem:
    """A content on its way to a vector."""

    gathered: DocumentVectors
    kind: VectorKind
    stored: StoredSegment
    part: int
    content: Content
    title: str = ""

    @property
    def bytes(self) -> int:
        """That it holds."""
        content = self.content
        if isinstance(content, str):
            return len(content)
        if isinstance(content, Film):
            return sum(picture.nbytes for picture in content.pictures)
        return content.samples.nbytes if isinstance(content, Sound) else content.nbytes


@dataclass(frozen=True, slots=True)
class DecodeStep:
    """Some texts of a document, or one place that has to be decoded; neither where it has none."""

    gathered: DocumentVectors
    texts: Sequence[StoredSegment] = ()
    title: str = ""
    place: tuple[StoredSegment, Segment, float] | None = None
    """The place, what of it, and up to which second the one before it went."""
    files: Sequence[File] = ()
    """Of the document."""
    last: bool = False
    """Whether it is the last of its document."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.texts and self.place is None


@dataclass(slots=True)
class DecodedStep:
    """What came of a step."""

    items: list[BatchItem] = field(default_factory=list)
    left_out: list[tuple[VectorKind, Segment, Exception]] = field(default_factory=list)
    absent: Exception | None = None
    """Why the document's file is not there as it was read."""


def decode_steps(
    catalog: Catalog,
    embedder: Embedder,
    begun: Iterable[DocumentVectors],
    stop: Callable[[], bool],
    stored: Callable[[str], StoredParts] = lambda document: {},
) -> Iterator[DecodeStep]:
    """The steps of documents, one document after the other; one or more of each. Raises Cancelled once `stop` says so.

    Of a document that turns out to be absent, no further place. `stored` tells which parts were stored before.
    """
    for one in begun:
        step = DecodeStep(one)
        for following in _steps_of(catalog, embedder, one, stored):
            if stop():
                raise Cancelled("Stopped while embedding.")
            if not step.empty:
                yield step
            step = DecodeStep(one) if one.absent else following
            if one.absent:
                break
        yield replace(step, last=True)


def _steps_of(
    catalog: Catalog, embedder: Embedder, one: DocumentVectors, stored: Callable[[str], StoredParts]
) -> Iterator[DecodeStep]:
    """Those of one document: some texts, the places among them that have to be decoded, the next texts."""
    title, files = catalog.title_of(one.document), None
    places = PlacesToDecode(embedder)
    for page in catalog.segment_pages(one.document):
        if one.anchor is None:  # first: of what is read again from here on, nothing is stored
            one.anchor = page[0].key
            one.stored = stored(one.document)
        yield DecodeStep(one, texts=page, title=title)
        for place in places.among(page):
            files = catalog.files_of_one(one.document) if files is None else files
            yield DecodeStep(one, place=place, files=files)


class StepDecoder:
    """Decodes steps for one embedder. Any thread may call."""

    def __init__(self, embedder: Embedder, workers: Workers, sound_s: float) -> None:
        """`sound_s`: seconds of a stretch of sound with a vector of its own."""
        self._embedder = embedder
        self._workers = workers
        self._sound_s = sound_s
        self._stop = threading.Event()

    def stop(self) -> None:
        """From now on `decode` raises Cancelled, also where it is under way."""
        self._stop.set()

    def decode(self, step: DecodeStep) -> DecodedStep:
        """The contents of a step."""
        foreground.yield_to_foreground()
        made = DecodedStep()
        for stored in step.texts:
            windows = self._embedder.windows(stored.segment.text)
            if not windows and any(letter.isalnum() for letter in stored.segment.text):
                made.left_out.append(("text", stored.segment, Unfit([0], UNKNOWN_SCRIPT_REASON)))
            for part, window in enumerate(windows):
                headed = under_headings(window, stored.segment)
                made.items.append(BatchItem(step.gathered, "text", stored, part, headed, step.title))
        if step.place is not None:
            self._decode_place(step, step.place, made)
        return made

    def _decode_place(self, step: DecodeStep, place: tuple[StoredSegment, Segment, float], made: DecodedStep) -> None:
        stored, segment, since = place
        try:
            file = reopen(step.files)
        except UnreadableMedia as error:
            logger.info("%s: no vectors for now: %s", step.gathered.document[:12], error)
            made.absent = error
            return
        with file:
            side = decoding_side(segment, self._embedder)
            try:
                content = self._workers.load(file.fd, segment, name=file.path, side=side, stop=self._stop)
            except UnreadableMedia as error:
                kind: VectorKind = "sound" if segment.traits.content == "sound" else "picture"
                made.left_out.append((kind, stored.segment, error))
                return
        for piece in part_contents(stored.segment, content, self._embedder, sound_s=self._sound_s, since=since):
            made.items.append(BatchItem(step.gathered, piece.kind, stored, piece.part, piece.content))


class PlacesToDecode:
    """Which places of a document have to be decoded. It is shown the segments in their order."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._since = 0.0
        self._within = ""

    def among(self, segments: Iterable[StoredSegment]) -> Iterator[tuple[StoredSegment, Segment, float]]:
        """Each with what of it, and up to which second the one before it went."""
        for stored in segments:
            if stored.segment.place.part != self._within:  # another recording in the same file
                self._since, self._within = 0.0, stored.segment.place.part
            if segment := segment_to_decode(stored.segment, self._embedder, since=self._since):
                yield stored, segment, self._since
            self._since = max(self._since, stored.segment.place.end or 0.0)
