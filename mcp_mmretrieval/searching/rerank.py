"""Ranks candidates, held or never added, and raw texts by how well they answer: the tool `rerank`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from mcp_mmretrieval.adding.reading import FileToRead
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.answers import Reranking, Scored
from mcp_mmretrieval.concurrency.abandonable import AbandonableCall
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.models import Embedder, Reranker
from mcp_mmretrieval.roots import OpenFile
from mcp_mmretrieval.roots.digest import document_digest
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.like import REPRESENTATIVE_PLACES, name_in_errors
from mcp_mmretrieval.searching.query import refuse_long_query
from mcp_mmretrieval.searching.scoring import (
    ScoreFunction,
    Scores,
    ScoringCosts,
    ScoringInputs,
    ScoringItem,
    content_sort,
    score_in_time,
    text_item,
)
from mcp_mmretrieval.store import File
from mcp_mmretrieval.targets import ConnectionView
from mcp_mmretrieval.types import Content, Segment, Vectors


class CandidateRanker:
    """Ranks what one connection points at."""

    def __init__(self, shared: SharedResources, view: ConnectionView, costs: ScoringCosts) -> None:
        """`costs`: what a pair costs to score, as all connections measure it."""
        self._models = shared.models
        self._rollout = shared.rollout
        self._reader = shared.reader
        self._readable = view.files
        self._targets = view.targets
        self._inputs = ScoringInputs(shared, view)
        self._costs = costs

    def rank(
        self, query: str, candidates: Sequence[str], texts: Sequence[str], limit: int | None, deadline: float | None
    ) -> Reranking:
        """See `Library.rerank`."""
        if not query.strip():
            raise BadArgument("Give a query in words.")
        refuse_long_query(query)
        if not candidates and not texts:
            raise BadArgument("Give `candidates` (ids, citations or paths), `texts`, or both.")
        clock = DeadlineClock(deadline)
        count = len(candidates) + len(texts)
        with clock.stage("load"):
            reranker, missing = self._reranker(clock)
            groups = self._groups(candidates, reranker, clock)
        groups += [[text_item(one)] for one in texts] if len(groups) == len(candidates) else []
        with clock.stage("score"):
            method, score = self._scorer(query, reranker, clock)
            found = iter(score_in_time(score, [one for group in groups for one in group], clock, self._costs, method))
            scores = list(_best(groups, found))
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
            notes=(*missing, *_not_scored(count, scores, clock)),
        )

    def _reranker(self, clock: DeadlineClock) -> tuple[Reranker | None, list[str]]:
        """None, and why, where it does not load; None alone where the profile has none.

        Raises ModelUnavailable where it has loaded until no time was left for anything else.
        """
        try:
            return self._models.reranker(clock.left()), []
        except ModelUnavailable as error:
            if not clock.fits(0.0):
                raise
            return None, [f"Ranked by likeness of meaning alone: {error}"]

    def _groups(
        self, candidates: Sequence[str], reranker: Reranker | None, clock: DeadlineClock
    ) -> list[list[ScoringItem]]:
        """What is looked at of each candidate, or of as many of the first as there is time for: the best counts."""
        groups: list[list[ScoringItem]] = []

        def work(stop: threading.Event) -> None:
            for candidate in candidates:
                if stop.is_set() or not clock.fits(0.0):
                    return
                groups.append(self._looks(candidate, reranker, stop))

        with AbandonableCall(work, "loading candidates") as loading:
            loading.ended(clock.left())
            return list(groups)  # those that come later are nobody's

    def _looks(self, candidate: str, reranker: Reranker | None, stop: threading.Event) -> list[ScoringItem]:
        file: File | None = None
        try:
            segments = [stored.segment for stored in self._targets.find(candidate).segments[:REPRESENTATIVE_PLACES]]
        except NotInLibrary:
            file, segments = self._read(candidate, stop)
        if all(content_sort(segment, reranker) == "text" for segment in segments):
            return [text_item("\n".join(segment.text for segment in segments if segment.text))]
        return [seen for segment in segments if (seen := self._inputs.of(segment, reranker, file))] or [text_item("")]

    def _read(self, candidate: str, stop: threading.Event) -> tuple[File, list[Segment]]:
        """A file that the library does not hold, and its first places. Raises Cancelled soon after `stop` is set."""
        with self._opened(candidate) as file:
            id = document_digest(file, stop=stop)
            read = self._reader.read(FileToRead(file, id), most=REPRESENTATIVE_PLACES, stop=stop)
            row = File(path=file.path, document=id, size=file.size, mtime_ns=file.mtime_ns)
            return row, read.segments[:REPRESENTATIVE_PLACES]

    def _opened(self, candidate: str) -> OpenFile:
        """A file under the roots that the library does not hold."""
        name = name_in_errors(candidate)
        try:
            return self._readable.open(self._targets.path(candidate))
        except (NotAllowed, OSError):
            raise NotInLibrary(
                f"{name}: not in the library, nor a file under the allowed folders. Pass ids, citations or paths, or "
                "raw `texts`."
            ) from None
        except UnreadableMedia as error:
            raise BadArgument(f"{name}: cannot be read: {error}") from error

    def _scorer(self, query: str, reranker: Reranker | None, clock: DeadlineClock) -> tuple[str, ScoreFunction]:
        """What scores, with its name: the reranker, or without one the likeness of meaning.

        Raises ModelUnavailable, also when it is not loaded in time.
        """
        if reranker is not None:
            return reranker.name, partial(reranker.score, query)
        return "embedding similarity", _similarity(self._rollout.embedder(clock.left()), query)


def _best(groups: Sequence[Sequence[ScoringItem]], found: Iterator[float | None]) -> Iterator[float | None]:
    """The best score of each group; groups that were not scored in full are left out, and all behind them."""
    for group in groups:
        scores = list(islice(found, len(group)))
        if len(scores) < len(group):
            return
        yield max((score for score in scores if score is not None), default=None)


def _not_scored(count: int, scores: Scores, clock: DeadlineClock) -> Iterator[str]:
    """What to know of those among `count` texts that have no score."""
    where = "behind the others in the order given, with score 0"
    if late := count - len(scores):
        yield f"{late} of {count} were not scored: {clock} came. They stand {where}."
    if unread := scores.count(None):
        yield f"{unread} of {count} could not be scored: nothing in them can be compared. They stand {where}."


def _similarity(embedder: Embedder, query: str) -> ScoreFunction:
    """Of texts that are not blank."""
    asked: list[Vectors] = []

    def score(contents: Sequence[Content]) -> Scores:
        if not asked:
            asked.append(embedder.embed_query(query)["text"][0])
        read = [content for content in contents if isinstance(content, str)]
        similar = iter(embedder.embed_documents(read) @ asked[0] if read else ())
        return [max(0.0, float(next(similar))) if isinstance(content, str) else None for content in contents]

    return score
