"""What is measured: each thing that the models take in, at some sizes up to the cap that the settings put on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from mcp_mmretrieval.bench.workloads import Workloads, fresh_batches, repeating_batches
from mcp_mmretrieval.types import Content

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder, Reranker

BenchSection = Literal["adding", "asking", "reranking"]

SHARES_BY_EFFORT: Mapping[str, tuple[float, ...]] = {
    "quick": (1.0,),
    "usual": (0.25, 0.5, 1.0),
    "full": (0.125, 0.25, 0.5, 1.0, 2.0),
}
"""Of a cap, by how thorough the measurement is. Twice the cap is measured where it is one of ours, not the model's."""
QUERY_WORDS = 9
"""Words of a question."""
_BATCH = 64
"""Items of one call at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCaps:
    """How much of a thing the models get to see: as the settings say, else as the profile does."""

    pixels: int
    """Of a page or picture, for the embedder."""
    frame_pixels: int
    """Of a frame of a film."""
    rerank_pixels: int
    """Of a page or picture, for the reranker."""
    sound_s: float
    """Seconds of sound with a vector of their own."""
    depth: int
    """Candidates of a search that are reranked."""


@dataclass(frozen=True, slots=True)
class MeasuredModels:
    """The models that are measured."""

    embedder: Embedder
    reranker: Reranker | None
    seeing: Callable[[int, int], MeasuredModels]
    """The same, as they would be under other caps: pixels of a picture, and frames of a film; 0: as they are. What a
    content costs may depend on the cap rather than on the content: some models see each picture at the same size.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTask:
    """One line of the table: something done to contents of one size."""

    part: BenchSection
    what: str
    """What is done, as a person says it."""
    amount: float
    """Size of a content, in `unit`."""
    unit: str
    cap: str = ""
    """The setting that caps the amount; empty where nothing that is measured here does."""
    share: float = 1.0
    """Of the cap."""
    most: int = 1
    """Items of one call at most."""
    make: Callable[[int], Sequence[Content]]
    run: Callable[[Sequence[Content]], object]


def bench_tasks(
    subjects: MeasuredModels, caps: InputCaps, shares: Sequence[float], seed: int = 0
) -> Iterator[BenchTask]:
    """All that these models do, the smaller sizes of a thing before the larger."""
    made = Workloads(seed)
    yield from _adding(subjects, caps, shares, made)
    yield from _asking(subjects.embedder, caps, made)
    yield from _reranking(subjects, caps, shares, made)


def _adding(subjects: MeasuredModels, caps: InputCaps, shares: Sequence[float], made: Workloads) -> Iterator[BenchTask]:
    embedder = subjects.embedder
    window = _window(embedder, made)
    for share in _up_to(shares, 1.0):
        words = max(1, round(window * share))
        yield BenchTask(
            part="adding", what="text", amount=words, unit="words", cap="window", share=share, most=_BATCH,
            make=fresh_batches(partial(made.text, words)), run=embedder.embed_documents,
        )  # fmt: skip
    if "picture" in embedder.dims:
        for share in shares:
            pixels = round(caps.pixels * share)
            yield BenchTask(
                part="adding", what="picture", amount=pixels, unit="pixels", cap="model_pixels", share=share,
                most=_BATCH, make=repeating_batches(partial(made.page, pixels)),
                run=subjects.seeing(pixels, 0).embedder.embed_documents,
            )  # fmt: skip
        yield from _films(subjects, caps, shares, made)
    if embedder.hears:
        for share in _up_to(shares, max(1.0, embedder.hears / caps.sound_s)):
            seconds = min(caps.sound_s * share, embedder.hears)
            yield BenchTask(
                part="adding", what="sound", amount=seconds, unit="seconds", cap="sound_s", share=share, most=_BATCH,
                make=repeating_batches(partial(made.tone, seconds)), run=embedder.embed_documents,
            )  # fmt: skip


def _films(subjects: MeasuredModels, caps: InputCaps, shares: Sequence[float], made: Workloads) -> Iterator[BenchTask]:
    """As films where the model takes them in so; else each frame is a picture."""
    if not subjects.embedder.films:
        yield BenchTask(
            part="adding", what="film frame", amount=caps.frame_pixels, unit="pixels", most=_BATCH,
            make=repeating_batches(partial(made.frames, 1, caps.frame_pixels)), run=subjects.embedder.embed_documents,
        )  # fmt: skip
        return
    before = 0
    for share in shares:
        asked = round(subjects.embedder.films * share)
        if asked <= before:
            continue
        embedder = subjects.seeing(0, asked).embedder
        if embedder.films < asked:
            return  # it has no room for more
        before = asked
        yield BenchTask(
            part="adding", what="film", amount=asked, unit="frames", cap="model_frames", share=share, most=_BATCH,
            make=repeating_batches(partial(made.frames, asked, caps.frame_pixels)), run=embedder.embed_documents,
        )  # fmt: skip


def _asking(embedder: Embedder, caps: InputCaps, made: Workloads) -> Iterator[BenchTask]:
    """One at a time, as people ask."""

    def ask(contents: Sequence[Content]) -> None:
        for content in contents:
            embedder.embed_query(content)

    yield BenchTask(
        part="asking",
        what="words",
        amount=QUERY_WORDS,
        unit="words",
        make=fresh_batches(partial(made.text, QUERY_WORDS)),
        run=ask,
    )
    if "picture" in embedder.dims:
        yield BenchTask(
            part="asking", what="picture", amount=caps.pixels, unit="pixels",
            make=fresh_batches(partial(made.page, caps.pixels)), run=ask,
        )  # fmt: skip
    if embedder.hears:
        yield BenchTask(
            part="asking", what="sound", amount=caps.sound_s, unit="seconds",
            make=fresh_batches(partial(made.tone, caps.sound_s)), run=ask,
        )  # fmt: skip


def _reranking(
    subjects: MeasuredModels, caps: InputCaps, shares: Sequence[float], made: Workloads
) -> Iterator[BenchTask]:
    """Pairs of a question in words and a candidate, as many in a call as a search hands over.

    Each candidate comes once: some rerankers remember what they made of it.
    """
    reranker = subjects.reranker
    if reranker is None:
        return
    if reranker.reads(made.text(QUERY_WORDS)):
        window = _window(subjects.embedder, made)
        yield BenchTask(
            part="reranking", what="text", amount=window, unit="words", most=caps.depth,
            make=fresh_batches(partial(made.text, window)), run=partial(_judged, reranker, made),
        )  # fmt: skip
    if reranker.reads(made.page(10_000)):
        for share in shares:
            pixels = round(caps.rerank_pixels * share)
            judge = subjects.seeing(pixels, 0).reranker or reranker
            yield BenchTask(
                part="reranking", what="picture", amount=pixels, unit="pixels", cap="model_pixels",
                share=share, most=caps.depth, make=fresh_batches(partial(made.page, pixels)),
                run=partial(_judged, judge, made),
            )  # fmt: skip


def _judged(reranker: Reranker, made: Workloads, contents: Sequence[Content]) -> None:
    reranker.score(made.text(QUERY_WORDS), contents)


def _window(embedder: Embedder, made: Workloads) -> int:
    """Words that fill what the model takes in as one text."""
    return len(embedder.windows(made.text(5_000))[0].split())


def _up_to(shares: Sequence[float], most: float) -> list[float]:
    return [share for share in shares if share <= most]
