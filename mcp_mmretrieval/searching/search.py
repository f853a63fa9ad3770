"""Finds the places that answer: lanes side by side, fused, merged, reranked where that helps.

With a deadline the words always answer; what is near in meaning, and the reranker, as far as there is time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event

import numpy as np

from mcp_mmretrieval.adding.reading import FileReader
from mcp_mmretrieval.answers import Answer, Filters, Hit, Reranking, SearchCoverage
from mcp_mmretrieval.concurrency.abandonable import AbandonableCall
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import Reranker, RerankerSource
from mcp_mmretrieval.rollout import AnsweringSpace, Rollout
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.searching import fusion
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.like import LikeQuery, LikeResolver, like_vectors
from mcp_mmretrieval.searching.moments import narrow_to_moments
from mcp_mmretrieval.searching.rerank import CandidateRanker
from mcp_mmretrieval.searching.scoring import ScoringCosts, ScoringInputs, ScoringItem, score_in_time
from mcp_mmretrieval.store import Scope, Store, StoredSegment
from mcp_mmretrieval.store.fulltext import best_snippet, query_terms
from mcp_mmretrieval.targets import TargetResolver
from mcp_mmretrieval.types import ALL_LANES, Lane, VectorKind, Vectors

LANE_DEPTH = 200
"""Segments taken from each lane."""

RankedLane = list[tuple[int, float]]
"""Keys of segments with what they score in a lane, best first."""


@dataclass(slots=True)
class VectorFindings:
    """What a search looked for in the space of vectors, and found there so far."""

    space: int = 0
    asked: dict[VectorKind, Vectors] = field(default_factory=dict)
    ranked: dict[Lane, RankedLane] = field(default_factory=dict)


class Searcher:
    """Searches for one connection: its roots bound what can be found."""

    def __init__(
        self,
        store: Store,
        models: RerankerSource,
        serving: Rollout,
        workers: Workers,
        reading: FileReader,
        roots: Roots,
        targets: TargetResolver,
        settings: Settings,
        costs: ScoringCosts,
    ) -> None:
        """`costs`: what a pair costs to score, as all connections measure it."""
        self._catalog = store.catalog
        self._index = store.index
        self._models = models
        self._serving = serving
        self._roots = roots
        self._targets = targets
        self._examples = LikeResolver(store.catalog, workers, reading, roots, targets, settings.sound_s)
        self._sights = ScoringInputs(store.catalog, workers, roots)
        self._costs = costs
        self._settings = settings
        self._scoring = CandidateRanker(models, serving, targets, self._sights, reading, roots, costs)

    def search(
        self,
        query: str,
        like: str | None,
        limit: int,
        filters: Filters,
        rerank: bool | None,
        deadline: float | None,
        lanes: Sequence[Lane] | None,
    ) -> Answer:
        """See `Library.search`."""
        if not query.strip() and like is None:
            raise BadArgument("Give a query in words, or `like`: a path, hit id, citation or `data:` URL; or both.")
        with self._serving.answering() as answering:
            return self._found(
                answering, query, like, limit, filters, rerank, DeadlineClock(deadline), lanes or ALL_LANES
            )

    def _found(
        self,
        answering: AnsweringSpace,
        query: str,
        like: str | None,
        limit: int,
        filters: Filters,
        rerank: bool | None,
        clock: DeadlineClock,
        lanes: Sequence[Lane],
    ) -> Answer:
        scope = Scope(self._roots.folders, filters)
        notes: list[str] = []
        meaning = VectorFindings()
        ranked = self._lanes(answering, query, like, scope, lanes, clock, notes, meaning)
        with clock.stage("fuse"):
            keys = {key for found in ranked.values() for key, _ in found}
            context = self._catalog.context(query_terms(query), keys) if "words" in ranked else {}
            unmeasured = fusion.UNMEASURED_SCALES if like is None else fusion.LIKE_SCALES
            scales = fusion.BUILTIN_SCALES if answering.measured else unmeasured
            fused = fusion.fuse(ranked, scales=scales, depth=LANE_DEPTH, context=context)
            held = self._catalog.segments([one.key for one in fused])
            where = {key: (stored.segment.document, stored.segment.place) for key, stored in held.items()}
            places = fusion.merge_places(fused, where)
        relevance: dict[int, float] = {}
        if query.strip() and (reranker := self._reranker(answering, rerank, clock, notes)):
            asked = partial(self._asked, rerank, reranker)
            with clock.stage("rerank"):
                places = self._reordered(reranker, query, places, asked(places, held), clock, relevance, notes)
        with clock.stage("hits"):
            hits = self._hits(places, held, query, limit, meaning, relevance)
            searched = self._searched(answering, scope)
        return Answer(
            hits=hits,
            searched=searched,
            reranked=len(relevance),
            notes=tuple(notes),
            elapsed_ms=clock.stages() | {"total": clock.total()},
        )

    # -- lanes ----------------------------------------------------------------------------------------------------

    def _lanes(
        self,
        answering: AnsweringSpace,
        query: str,
        like: str | None,
        scope: Scope,
        wanted: Sequence[Lane],
        clock: DeadlineClock,
        notes: list[str],
        meaning: VectorFindings,
    ) -> dict[Lane, RankedLane]:
        """What each lane found: that of words, and beside it those of meaning, as far as they were in time."""
        if like is None and answering.state != "ready":  # words alone wait for no model
            notes.append(f"Found by words alone: {answering.message or 'The models are loading.'}")
            return self._said(query, scope, wanted, clock)
        example = None
        if like is not None:
            with clock.stage("example"):
                example = self._examples.find(like)
        work = partial(self._mean, answering, query, example, scope, wanted, clock, meaning)
        with AbandonableCall(work, "lanes of meaning") as errand:
            said = self._said(query, scope, wanted, clock)
            try:
                in_time = errand.ended(clock.left())
            except ModelUnavailable as error:
                if not query.strip():
                    raise
                in_time = True
                notes.append(f"Found by words alone{' and not by the example' if example else ''}: {error}")
            lanes = {**meaning.ranked, **said}
        if not in_time:
            notes += self._left_out(answering, query, example, wanted, lanes, clock)
        return {lane: ranked for lane, ranked in lanes.items() if ranked}

    def _said(self, query: str, scope: Scope, wanted: Sequence[Lane], clock: DeadlineClock) -> dict[Lane, RankedLane]:
        if not query.strip() or "words" not in wanted:
            return {}
        with clock.stage("words"):
            return {"words": self._catalog.words(query_terms(query), scope, depth=LANE_DEPTH)}

    def _mean(
        self,
        answering: AnsweringSpace,
        query: str,
        example: LikeQuery | None,
        scope: Scope,
        wanted: Sequence[Lane],
        clock: DeadlineClock,
        meaning: VectorFindings,
        stop: Event,
    ) -> None:
        """Fill `meaning`, lane by lane, with what is near to the query and the example in each space of vectors."""
        with clock.stage("embed"):
            embedder = answering.embedder(clock.left())
            asked = dict(embedder.embed_query(query)) if query.strip() else {}
        if example is not None:
            with clock.stage("example"):
                shown = example.shown(embedder, stop)
            with clock.stage("embed"):
                asked = _together(asked, like_vectors(shown, embedder))
        space = answering.space
        if space is None:  # nothing stands in it yet
            return
        meaning.space = space
        for kind, vectors in asked.items():
            if kind in wanted and not stop.is_set():
                meaning.asked[kind] = vectors
                with clock.stage("neighbours"):
                    meaning.ranked[kind] = self._near(space, kind, vectors, scope)

    def _near(self, space: int, kind: VectorKind, vectors: Vectors, scope: Scope) -> RankedLane:
        """What is near to any of the vectors; the nearest counts."""
        best: dict[int, float] = {}
        for vector in vectors:
            for key, score in self._index.nearest(space, kind, vector[None], scope, depth=LANE_DEPTH):
                best[key] = max(score, best.get(key, score))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:LANE_DEPTH]

    def _left_out(
        self,
        answering: AnsweringSpace,
        query: str,
        example: LikeQuery | None,
        wanted: Sequence[Lane],
        found: Collection[Lane],
        clock: DeadlineClock,
    ) -> list[str]:
        """Which lanes were not in time. Raises where nothing but an example was given, and nothing found by it."""
        ready = answering.state == "ready"
        if example is not None and not found and not query.strip():
            if not ready:
                raise ModelUnavailable(f"{answering.message} Ask again in a few seconds, or use words as `query`.")
            raise BadArgument(
                f"{example.name}: {clock} came before anything was compared with it. Give more time, or describe it "
                "in words as `query`."
            )
        kinds = [kind for kind in answering.embedder(0.0).dims if kind in wanted] if ready else []
        missing = [kind for kind in kinds if kind not in found]
        if not ready:
            return [f"The example was left out: {clock} came. {answering.message}"]
        if not missing:
            return []
        what = f"{' and '.join(missing)} {'lane' if len(missing) == 1 else 'lanes'}"
        if example is not None and len(missing) == len(kinds):
            return [f"The example and the {what} were left out: {clock} came."]
        return [f"The {what} {'was' if len(missing) == 1 else 'were'} left out: {clock} came."]

    # -- reranking ------------------------------------------------------------------------------------------------

    def rerank(
        self, query: str, candidates: Sequence[str], texts: Sequence[str], limit: int | None, deadline: float | None
    ) -> Reranking:
        """See `Library.rerank`."""
        return self._scoring.rank(query, candidates, texts, limit, deadline)

    def _reranker(
        self, answering: AnsweringSpace, wanted: bool | None, clock: DeadlineClock, notes: list[str]
    ) -> Reranker | None:
        """The one to use, if any: as wanted, else where it is made for every search. Words alone wait for no model."""
        if wanted is False or (wanted is None and answering.state != "ready"):
            return None
        if wanted is None and not self._models.reranks and not self._has_default(clock):
            return None
        left = clock.left()
        try:
            reranker = self._models.reranker(self._settings.rerank_s if left is None else left)
        except ModelUnavailable as error:
            notes.append(f"Not reranked: {error}")
            return None
        if reranker is None and wanted:
            notes.append("Not reranked: this profile has no reranker.")
        return reranker if reranker and (wanted or bool(reranker.by_default)) else None

    def _has_default(self, clock: DeadlineClock) -> bool:
        """Whether the built-in reranker, if there is one, reorders anything unasked."""
        try:
            reranker = self._models.reranker(clock.left())
        except ModelUnavailable:
            return False
        return reranker is not None and bool(reranker.by_default)

    def _asked(
        self,
        rerank: bool | None,
        reranker: Reranker,
        places: Sequence[fusion.FoundPlace],
        held: Mapping[int, StoredSegment],
    ) -> dict[int, ScoringItem]:
        """What the reranker looks at, by the number of the place: the first ones that it can read, down to its depth.

        Unasked only what it is good for: pages and texts, as a rule.
        """
        asked: dict[int, ScoringItem] = {}
        for number, place in enumerate(places):
            segment = held[place.hit.key].segment
            if rerank is None and segment.modality not in reranker.by_default:
                continue
            if (wanted := self._sights.of(segment, reranker)) is not None:
                asked[number] = wanted
            if len(asked) == self._settings.rerank_depth:
                break
        return asked

    def _reordered(
        self,
        reranker: Reranker,
        query: str,
        places: Sequence[fusion.FoundPlace],
        asked: Mapping[int, ScoringItem],
        clock: DeadlineClock,
        relevance: dict[int, float],
        notes: list[str],
    ) -> list[fusion.FoundPlace]:
        """The places with those that were scored in the reranker's order; `relevance` gets its score of each key.

        Those stand where some of them stood before, best first; all others keep their places. A score belongs to its
        place in the list, so that scores still fall from first to last and mean the same for all hits: what the
        reranker says stands beside it. A reranker that blends moves the score itself.
        """
        if not asked:
            return list(places)
        limit = clock if clock.limited else DeadlineClock(self._settings.rerank_s)
        try:
            scores = score_in_time(
                partial(reranker.score, query), list(asked.values()), limit, self._costs, reranker.name
            )
        except ModelUnavailable as error:
            notes.append(f"Not reranked: {error}")
            return list(places)
        if len(scores) < len(asked):
            done = f"Reranked only the first {len(scores)} of {len(asked)}" if scores else "Not reranked"
            why = str(clock) if clock.limited else f"the {self._settings.rerank_s:g} s that reranking may take"
            notes.append(f"{done}: {why} left no time for more.")
        read = {number: score for number, score in zip(asked, scores, strict=False) if score is not None}
        relevance |= {places[number].hit.key: score for number, score in read.items()}
        ordered = list(places)
        if reranker.blends:
            moved = [
                replace(
                    place, hit=replace(place.hit, score=fusion.blend_late_interaction(place.hit.score, read[number]))
                )
                for number, place in enumerate(places)
                if number in read
            ]
            moved.sort(key=lambda place: -place.hit.score)
        else:
            by_relevance = [places[number] for number in sorted(read, key=lambda number: -read[number])]
            moved = [
                replace(place, hit=replace(place.hit, score=places[number].hit.score))
                for number, place in zip(sorted(read), by_relevance, strict=True)
            ]
        for number, place in zip(sorted(read), moved, strict=True):
            ordered[number] = place
        return ordered

    # -- hits -----------------------------------------------------------------------------------------------------

    def _hits(
        self,
        places: Sequence[fusion.FoundPlace],
        held: Mapping[int, StoredSegment],
        query: str,
        limit: int,
        meaning: VectorFindings,
        relevance: Mapping[int, float],
    ) -> tuple[Hit, ...]:
        modalities = {key: stored.segment.modality for key, stored in held.items()}
        shown = fusion.diversify(places, modalities, limit)
        ids = {held[place.hit.key].segment.document for place in shown}
        documents = self._catalog.documents(ids)
        files = self._catalog.files_of(ids)
        more = Counter(held[place.hit.key].segment.document for place in places)
        more.subtract(held[place.hit.key].segment.document for place in shown)
        looked_for = query_terms(query)
        moments = narrow_to_moments(self._catalog, meaning.space, meaning.asked, shown, held) if meaning.asked else {}
        hits: list[Hit] = []
        for place in shown:
            segment = moments.get(place.hit.key, held[place.hit.key].segment)
            document = documents.get(segment.document)
            if document is None:  # removed since the lanes were read
                continue
            file = self._targets.visible_file(files.get(document.id, []))
            hits.append(
                Hit(
                    segment=segment,
                    path=file.path if file else "",
                    citation=self._targets.citation(file, segment),
                    title=document.title,
                    score=round(place.hit.score, 4),
                    relevance=relevance.get(place.hit.key),
                    snippet=best_snippet(segment.text, looked_for),
                    lanes=place.lanes,
                    more_in_document=more[document.id],
                )
            )
        return tuple(hits)

    def _searched(self, answering: AnsweringSpace, scope: Scope) -> SearchCoverage:
        counts = self._catalog.counts(scope, space=answering.space)
        return SearchCoverage(
            documents=counts.documents,
            segments=counts.segments,
            excluded=counts.excluded,
            pending_vectors=counts.documents if answering.space is None else counts.pending,
            not_added=0,
            models=answering.state,
            note=answering.message,
        )


def _together(query: Mapping[VectorKind, Vectors], example: Mapping[VectorKind, Vectors]) -> dict[VectorKind, Vectors]:
    """By kind the vectors of an example, each half way towards that of the query (shape (1, dim)); unit rows."""
    found = {**query, **example}
    for kind in query.keys() & example.keys():
        between = query[kind] + example[kind]
        found[kind] = between / np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)
    return found
