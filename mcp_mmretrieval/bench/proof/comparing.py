"""What the library made beside the authors' plain call, model by model: cosines, scores, and what a model reads."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mcp_mmretrieval.bench.proof import facts
from mcp_mmretrieval.bench.proof.facts import Fact
from mcp_mmretrieval.bench.proof.items import ProofItem
from mcp_mmretrieval.bench.proof.published import PublishedFacts
from mcp_mmretrieval.config.profiles import EmbedderSpec, ModelSpec, RerankerSpec
from mcp_mmretrieval.config.resolve import tuned_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.weights import MINILM_WHEEL

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

_NEAR, _NEAR_IN_HALF, _SCORES_IN_HALF = 0.999, 0.98, 0.95
"""How near all must come to the authors': in float32 only the order of sums differs, in half precision all rounding.

Scores of a plain call come there of logits in steps of 1/16, which the library does without.
"""


@dataclass(frozen=True, slots=True)
class ProofModel:
    """A model of the profile, and what it is compared with."""

    name: str
    """What a person calls it."""
    spec: ModelSpec
    """Its record; `model` is the folder where one was given."""
    published: PublishedFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How near what the library makes comes to the authors' plain call."""

    model: str
    what: str
    """Such as `page`, or `question`."""
    items: int
    worst: float
    """Cosine of two vectors of the same thing; of scores 1 less their distance."""
    median: float
    needed: float

    @property
    def near(self) -> bool:
        """Whether even the worst is near enough for this precision."""
        return self.worst >= self.needed


@dataclass(slots=True)
class MadeHere:
    """What the library's own models made, to be compared once they have left the memory."""

    dtype: str = "float32"
    vectors: dict[str, Vectors] = field(default_factory=dict)
    """By item."""
    whole: set[str] = field(default_factory=set)
    """Items whose vectors are of one input, as those of a plain call are."""
    asked: dict[str, Vectors] = field(default_factory=dict)
    """By question in words, among texts."""
    scores: list[tuple[str, list[ProofItem], list[float]]] = field(default_factory=list)
    """Of things of one kind, for a question."""


def compare_embedder(
    model: ProofModel, folder: Path, settings: Settings, things: Sequence[ProofItem], made: MadeHere
) -> Iterator[Fact | Agreement]:
    """Vectors of things and questions. Raises whatever the authors' libraries raise."""
    from mcp_mmretrieval.bench.proof.authors import AuthorsEmbedder

    device, dtype = _placed(model.spec, settings)
    spec = tuned_spec(cast("EmbedderSpec", model.spec), settings)
    theirs = AuthorsEmbedder(folder, spec, model.published, device=device, dtype=dtype)
    yield from _read(model, theirs.reads())
    for kind, some in groupby((thing for thing in things if thing.name in made.whole), key=lambda thing: thing.kind):
        alike = list(some)
        wanted = theirs.encode([thing.content for thing in alike], "document")
        yield _agreement(model.name, kind, _cosines([made.vectors[thing.name] for thing in alike], wanted), dtype)
    asked = theirs.encode(list(made.asked), "query")
    yield _agreement(model.name, "question", _cosines(list(made.asked.values()), asked), dtype)


def compare_builtin_texts(things: Sequence[ProofItem], made: MadeHere) -> Iterator[Agreement]:
    """MiniLM's vectors of texts and questions. Its weights are those of a model that sentence-transformers loads."""
    from mcp_mmretrieval.bench.proof.authors import AuthorsEmbedder

    folder = MINILM_WHEEL.locate()
    theirs = AuthorsEmbedder(folder, EmbedderSpec(model=str(folder)), PublishedFacts(), device="cpu", dtype="float32")
    texts = [thing for thing in things if thing.kind == "text"]
    wanted = theirs.encode([thing.content for thing in texts], "document")
    yield _agreement("MiniLM", "text", _cosines([made.vectors[thing.name] for thing in texts], wanted), made.dtype)
    asked = theirs.encode(list(made.asked), "query")
    yield _agreement("MiniLM", "question", _cosines(list(made.asked.values()), asked), made.dtype)


def compare_reranker(model: ProofModel, folder: Path, settings: Settings, made: MadeHere) -> Iterator[Fact | Agreement]:
    """Scores. Raises whatever the authors' libraries raise."""
    from mcp_mmretrieval.bench.proof.authors import authors_reranker

    device, dtype = _placed(model.spec, settings)
    theirs = authors_reranker(
        folder, tuned_spec(cast("RerankerSpec", model.spec), settings), device=device, dtype=dtype
    )
    yield from _read(model, theirs.reads())
    near: dict[str, list[float]] = {}
    for asked, beside, scores in made.scores:
        wanted = theirs.score(asked, [thing.content for thing in beside])
        distances = np.abs(np.subtract(scores, wanted))
        near.setdefault(beside[0].kind, []).extend(1 - float(distance) for distance in distances)
    for kind, found in near.items():
        yield _agreement(model.name, f"score of a {kind}", found, dtype, in_half=_SCORES_IN_HALF)


def _placed(spec: ModelSpec, settings: Settings) -> tuple[str, str]:
    """Where the library has put the model, and in which precision."""
    from mcp_mmretrieval.models.device.device import shared_device

    runs_on = shared_device(settings)
    return runs_on.name, runs_on.dtype(spec, settings)


def _read(model: ProofModel, found: str) -> Iterator[Fact]:
    """Whether a model reads what its authors have it read: pieces in their order, with whatever between them."""
    if expected := model.published.reads:
        rest, right = found, True
        for piece in expected:
            _, seen, rest = rest.partition(piece)
            right = right and bool(seen)
        yield facts.text_fact(
            model.name, "what it reads", " … ".join(expected), found, "its template and tokenizer", right=right
        )


def _cosines(ours: Sequence[Vectors], theirs: Vectors) -> list[float]:
    rows = np.stack(ours)
    if rows.shape != theirs.shape:
        raise ValueError(f"its vectors have {theirs.shape[1]} numbers, those of the library {rows.shape[1]}")
    return [float(cosine) for cosine in np.sum(rows * theirs, axis=1)]


def _agreement(model: str, what: str, near: Sequence[float], dtype: str, in_half: float = _NEAR_IN_HALF) -> Agreement:
    return Agreement(
        model=model,
        what=what,
        items=len(near),
        worst=min(near),
        median=statistics.median(near),
        needed=_NEAR if dtype == "float32" else in_half,
    )
