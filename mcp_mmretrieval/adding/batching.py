"""Vectors of whole documents: what gets one is gathered over many documents, and embedded together.

So the batches of a device are full, however small the documents are. Pages are decoded ahead, and the next batches are
handed over while one is embedded, so that a card waits for neither; and only so much is decoded at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from mcp_mmretrieval.adding.decoding import BatchItem, DecodedStep, DecodeStep, StepDecoder, decode_steps
from mcp_mmretrieval.adding.document_vectors import DocumentVectors, StoredParts
from mcp_mmretrieval.adding.embed_each import embed_apart, embed_together
from mcp_mmretrieval.adding.parts import WHOLE_FILM_PART
from mcp_mmretrieval.concurrency.run_ahead import RunAhead
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.store import Catalog
from mcp_mmretrieval.types import VECTOR_KINDS, Content, VectorKind, Vectors

BATCH_WINDOWS = 256
"""Windows of text that are embedded together: enough to sort by length, few enough to commit often."""
BATCH_DECODED_BYTES = 48_000_000
"""Bytes of pixels, and of samples, that are held to be embedded together: 40 pictures of 640 pixels in height and
width, or 6 minutes of sound."""


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

    @property
    def contents(self) -> list[Content]:
        """What the model gets."""
        return [one.content for one in self.wanted]

    @property
    def titles(self) -> list[str]:
        """Of the documents that texts stand in."""
        return [one.title for one in self.wanted] if self.kind == "text" else []

    def add(self, wanted: BatchItem) -> None:
        """One more."""
        wanted.gathered.waiting += 1
        self.wanted.append(wanted)
        self.cost += wanted.bytes

    def hand_out(self, found: Iterable[Vectors | Exception]) -> None:
        """Give the documents their vectors."""
        for one, vector in zip(self.wanted, found, strict=True):
            one.gathered.waiting -= 1
            if isinstance(vector, Exception):
                one.gathered.leave_out(self.kind, one.stored.segment, one.part, vector)
            else:
                one.gathered.vectors.setdefault(self.kind, {})[one.stored.key, one.part] = vector


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
        stored: Callable[[str], StoredParts] = lambda document: {},
    ) -> Iterator[list[DocumentVectors]]:
        """The documents, each as soon as all of it is embedded: those together that are so at the same time.

        Of a long one that still waits for more, `enough` vectors at a time, for the caller to store and note so;
        `stored` tells which parts of a document were stored before.
        Once `stop` says so, nothing more of any; once `enough` does, no further document is begun. What the model does
        not take in is left out alone. Raises ModelUnavailable, LibraryUnavailable, Cancelled.
        """
        under_way: list[DocumentVectors] = []
        waiting = (DocumentVectors(document, waiting=1) for document in documents)  # until all of it is in a batch
        begun = _begin(waiting, under_way, stop, enough)
        decoder = StepDecoder(embedder, self._workers, self._sound_s)
        with ExitStack() as running:
            steps = decode_steps(self._catalog, embedder, begun, stop, stored)
            decoded = running.enter_context(RunAhead(steps, decoder.decode, threads=self._workers.count))
            running.callback(decoder.stop)
            embedded = running.enter_context(
                RunAhead(_batches(decoded), partial(_embed, embedder), threads=embedder.calls_at_once)
            )
            for batch, found in embedded:
                if isinstance(found, Exception):
                    embedded.drain()  # what may end a process of models is to end no other call
                    found = embed_apart(embedder, batch.contents, batch.titles, found)
                batch.hand_out(found)
                if ready := [each for each in under_way if each.enough or not each.waiting]:
                    yield ready
                    under_way[:] = [each for each in under_way if each.waiting]
                if stop():
                    raise Cancelled("Stopped while embedding.")
        yield under_way


def _begin(
    documents: Iterable[DocumentVectors],
    under_way: list[DocumentVectors],
    stop: Callable[[], bool],
    enough: Callable[[], bool],
) -> Iterator[DocumentVectors]:
    """The documents, each of them noted once it is begun."""
    for document in documents:
        if stop():
            raise Cancelled("Stopped while embedding.")
        if enough():
            return
        under_way.append(document)
        yield document


def _batches(decoded: Iterable[tuple[DecodeStep, DecodedStep]]) -> Iterator[ContentBatch]:
    """Full batches, and at the end what is left."""
    filling = {kind: ContentBatch(kind) for kind in VECTOR_KINDS}
    for step, made in decoded:
        one = step.gathered
        one.absent = one.absent or made.absent is not None
        for kind, segment, error in made.left_out:
            one.leave_out(kind, segment, 0 if kind == "text" else WHOLE_FILM_PART, error)
        for item in made.items:
            if one.has(item.kind, (item.stored.key, item.part)):
                continue
            filling[item.kind].add(item)
            if filling[item.kind].full:
                yield filling[item.kind]
                filling[item.kind] = ContentBatch(item.kind)
        one.waiting -= step.last
    yield from (batch for batch in filling.values() if batch.wanted)


def _embed(embedder: Embedder, batch: ContentBatch) -> list[Vectors | Exception] | Exception:
    return embed_together(embedder, batch.contents, batch.titles)
