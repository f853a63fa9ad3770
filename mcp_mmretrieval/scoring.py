"""Scores texts against a query, a few at a time, as far as a deadline lets; ranks candidates and raw texts by that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from threading import Event

from mcp_mmretrieval.answers import Reranking, Scored
from mcp_mmretrieval.deadlines import Clock, Errand
from mcp_mmretrieval.errors import BadArgument, NotInLibrary
from mcp_mmretrieval.examples import named, text_of
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.serving import Serving
from mcp_mmretrieval.targets import Targets
from mcp_mmretrieval.types import Vectors

AT_ONCE = 5
"""Texts that are scored between two looks at the clock, where there is a deadline."""
TOGETHER = 32
"""Without one: enough to fill a model's batches."""

Scores = list[float | None]
"""Of texts, in the order given; None for one that cannot be read."""
Score = Callable[[Sequence[str]], Scores]


class Scoring:
    """Ranks what one connection points at."""

    def __init__(self, models: Models, serving: Serving, targets: Targets) -> None:
        self._models = models
        self._serving = serving
        self._targets = targets

    def rank(
        self, query: str, candidates: Sequence[str], texts: Sequence[str], limit: int | None, deadline: float | None
    ) -> Reranking:
        """See `Library.rerank`."""
        if not query.strip():
            raise BadArgument("Give a query in words.")
        if not candidates and not texts:
            raise BadArgument("Give `candidates` (ids, citations or paths), `texts`, or both.")
        clock = Clock(deadline)
        count = len(candidates) + len(texts)
        with clock.stage("load"):
            contents = self._contents(candidates, texts, clock)
        with clock.stage("score"):
            method, score = self._scorer(query, clock)
            scores = scored(score, contents, clock)
        results = [
            Scored(
                candidate=candidates[number] if number < len(candidates) else None,
                text_index=number - len(candidates) if number >= len(candidates) else None,
                score=score or 0.0,
                reranked=score is not None,
            )
            for number, score in enumerate([*scores, *[None] * (count - len(scores))])
        ]
        results.sort(key=lambda result: (not result.reranked, -result.score))
        return Reranking(
            results=tuple(results[:limit]),
            method=method,
            reranked=sum(result.reranked for result in results),
            elapsed_ms=clock.total(),
            stages=clock.stages(),
            notes=tuple(_not_scored(count, scores, clock)),
        )

    def _contents(self, candidates: Sequence[str], texts: Sequence[str], clock: Clock) -> list[str]:
        """The words of all, or of as many of the first candidates as there is time for."""
        loaded = [self._text_of(candidate) for candidate in takewhile(lambda _: clock.fits(0.0), candidates)]
        return [*loaded, *texts] if len(loaded) == len(candidates) else loaded

    def _text_of(self, candidate: str) -> str:
        try:
            return text_of(self._targets.find(candidate))
        except NotInLibrary:
            if (name := named(candidate)) == candidate:
                raise
            raise NotInLibrary(f"{name}: not in the library. Pass ids, citations or paths, or raw `texts`.") from None

    def _scorer(self, query: str, clock: Clock) -> tuple[str, Score]:
        """What scores, with its name: the reranker, or in a profile without one the likeness of meaning.

        Raises ModelUnavailable, also when it is not loaded in time.
        """
        left = clock.left()
        if reranker := self._models.reranker(left):
            return reranker.name, partial(reranker.score, query)
        return "embedding similarity", _similarity(self._serving.embedder(left), query)


def scored(score: Score, texts: Sequence[str], clock: Clock) -> Scores:
    """Scores of all texts, or of as many of the first as there is time for.

    The next few are begun only if there is as much time left as the last few took. Raises what `score` raises in time.
    """
    scores: Scores = []
    step = AT_ONCE if clock.limited else TOGETHER

    def work(stop: Event) -> None:
        took = 0.0
        while len(scores) < len(texts) and clock.fits(took) and not stop.is_set():
            began = time.monotonic()
            scores.extend(score(texts[len(scores) : len(scores) + step]))
            took = time.monotonic() - began

    with Errand(work, "scoring") as scoring:
        scoring.ended(clock.left())
        return list(scores)  # those that come later are nobody's


def _not_scored(count: int, scores: Scores, clock: Clock) -> Iterator[str]:
    """What to know of those among `count` texts that have no score."""
    where = "behind the others in the order given, with score 0"
    if late := count - len(scores):
        yield f"{late} of {count} were not scored: {clock} came. They stand {where}."
    if unread := scores.count(None):
        yield f"{unread} of {count} could not be scored: they have no text to compare. They stand {where}."


def _similarity(embedder: Embedder, query: str) -> Score:
    """Of texts that are not blank."""
    asked: list[Vectors] = []

    def score(texts: Sequence[str]) -> Scores:
        if not asked:
            asked.append(embedder.embed_query(query)["text"][0])
        read = [text for text in texts if text.strip()]
        similar = iter(embedder.embed_documents(read) @ asked[0] if read else ())
        return [max(0.0, float(next(similar))) if text.strip() else None for text in texts]

    return score
