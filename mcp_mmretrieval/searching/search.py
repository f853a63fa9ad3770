"""Finds the places that answer: lanes side by side, fused, merged, reranked where that helps.

With a deadline the words always answer; what is near in meaning, and the reranker, as far as there is time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.answers import Answer, Hit, SearchCoverage
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.searching import fusion
from mcp_mmretrieval.searching.avoid import AvoidResolver, avoid_note, held_shares, lowered, put_lower
from mcp_mmretrieval.searching.bounds import RankedLane, within_stretch
from mcp_mmretrieval.searching.collapsing import CollapsedList, collapse
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.lanes import LANE_DEPTH, LaneSearcher
from mcp_mmretrieval.searching.like import LikeResolver
from mcp_mmretrieval.searching.lookup import PointedLookup
from mcp_mmretrieval.searching.match import MatchCollector, judge
from mcp_mmretrieval.searching.moments import narrow_to_moments
from mcp_mmretrieval.searching.query import Query
from mcp_mmretrieval.searching.rare_words import places_of_rare_words
from mcp_mmretrieval.searching.run import SearchRun
from mcp_mmretrieval.searching.scoring import ScoringCosts, ScoringInputs, ScoringItem, score_in_time
from mcp_mmretrieval.searching.staleness import StalenessCheck
from mcp_mmretrieval.store import Document, File
from mcp_mmretrieval.store.snippets import best_snippet
from mcp_mmretrieval.store.spaces import LEFT_OUT_PREFIX
from mcp_mmretrieval.targets import ConnectionView
from mcp_mmretrieval.types import Lane, Place, Segment

PARTLY_READ_DOCUMENTS = 3
"""Documents of an answer of which it says what was left out of them."""
FILLED_NOTE = (
    "Places that say the same filled this search, so others that answer may be missing: ask for what sets those apart, "
    "or give under or document."
)
_MISSING = re.compile(r"\b(?:left out|not read|could not be read|limit)\b")


class Searcher:
    """Searches for one connection: its roots bound what can be found."""

    def __init__(self, shared: SharedResources, view: ConnectionView, costs: ScoringCosts) -> None:
        """`costs`: what a pair costs to score, as all connections measure it."""
        self._catalog = shared.catalog
        self._models = shared.models
        self._rollout = shared.rollout
        self._settings = shared.settings
        self._view = view
        like = LikeResolver(shared, view)
        self._lanes = LaneSearcher(shared.store, like, AvoidResolver(view.targets, like))
        self._lookup = PointedLookup(shared.catalog, view)
        self._inputs = ScoringInputs(shared, view)
        self._staleness = StalenessCheck()
        self._costs = costs

    def search(self, query: Query) -> Answer:
        """See `Library.search`."""
        with self._rollout.answering() as answering:
            return self._run(
                SearchRun(
                    query=query,
                    scope=self._view.scope(query.filters),
                    answering=answering,
                    clock=DeadlineClock(query.deadline),
                )
            )

    def _run(self, run: SearchRun) -> Answer:
        found = self._lanes.find(run)
        run.left_out = run.bounds.found_without(found)
        run.ranked = ranked = {lane: run.bounds.cut(one, LANE_DEPTH) for lane, one in found.items()}
        with run.clock.stage("fuse"), self._catalog.snapshot():
            self._fuse(run, ranked)
        if run.query.has_words and (reranker := self._reranker(run)):
            with run.clock.stage("rerank"):
                self._rerank(run, reranker)
        with run.clock.stage("hits"), self._catalog.snapshot():
            hits = self._hits(run)
            searched = self._coverage(run, hits)
        return Answer(
            hits=hits,
            searched=searched,
            reranked=len(run.relevance),
            notes=tuple(run.notes),
            elapsed_ms=run.clock.stages() | {"total": run.clock.total()},
        )

    def _fuse(self, run: SearchRun, ranked: Mapping[Lane, RankedLane]) -> None:
        """Put what the lanes found into `run` as places, best first."""
        keys = {key for found in ranked.values() for key, _ in found}
        context = self._catalog.context(run.query.terms, keys) if "words" in ranked else {}
        unmeasured = fusion.UNMEASURED_SCALES if not run.query.like else fusion.LIKE_SCALES
        scales = _builtin_scales(run) if run.answering.measured else unmeasured
        fuse = partial(fusion.fuse, ranked, scales=scales, depth=LANE_DEPTH, context=context)
        fused = fuse()
        run.held = self._catalog.places([one.key for one in fused])
        rare = places_of_rare_words(self._catalog, run, (key for key, _ in ranked.get("words", ())))
        if pointed := self._lookup.evidence(run, fused) or rare:
            fused = fuse(pointed=pointed)
            run.held |= self._catalog.places(pointed.keys() - run.held.keys())
            fused = [one for one in fused if run.bounds.passes(one.key)]
        if run.avoided:
            held = held_shares(self._catalog, run.avoided, run.held, run.scope)
            run.lowered = lowered(fused, run.findings.near_avoided or (), ranked, held)
            fused = put_lower(fused, run.lowered)
        where = {key: (held.document, held.place) for key, held in run.held.items()}
        run.places = fusion.merge_places(fused, where)
        run.fused = {one.key: one for one in fused}

    # -- reranking ------------------------------------------------------------------------------------------------

    def _reranker(self, run: SearchRun) -> Reranker | None:
        """The one to use, if any: as wanted, else where it is made for every search. Words alone wait for no model."""
        wanted = run.query.rerank
        if wanted is False or (wanted is None and run.answering.state != "ready"):
            return None
        if wanted is None and not self._models.reranks and not self._has_default(run.clock):
            return None
        left = run.clock.left()
        try:
            reranker = self._models.reranker(self._settings.rerank_s if left is None else left)
        except ModelUnavailable as error:
            run.notes.append(f"Not reranked: {error}")
            return None
        if reranker is None and wanted:
            run.notes.append("Not reranked: this profile has no reranker.")
        return reranker if reranker and (wanted or bool(reranker.by_default)) else None

    def _has_default(self, clock: DeadlineClock) -> bool:
        """Whether the built-in reranker, if there is one, reorders anything unasked."""
        try:
            reranker = self._models.reranker(clock.left())
        except ModelUnavailable:
            return False
        return reranker is not None and bool(reranker.by_default)

    def _rerank(self, run: SearchRun, reranker: Reranker) -> None:
        """Put the places of `run` into the reranker's order, as far as it has scored them in time."""
        candidates = self._candidates(run, reranker)
        if not candidates:
            return
        clock = run.clock
        limit = clock if clock.limited else DeadlineClock(self._settings.rerank_s)
        score = partial(reranker.score, run.query.text)
        try:
            scores = score_in_time(score, list(candidates.values()), limit, self._costs, reranker.name)
        except ModelUnavailable as error:
            run.notes.append(f"Not reranked: {error}")
            return
        if len(scores) < len(candidates):
            done = f"Reranked only the first {len(scores)} of {len(candidates)}" if scores else "Not reranked"
            why = str(clock) if clock.limited else f"the {self._settings.rerank_s:g} s that reranking may take"
            run.notes.append(f"{done}: {why} left no time for more.")
        read = {number: score for number, score in zip(candidates, scores, strict=False) if score is not None}
        run.relevance = {run.places[number].hit.key: score for number, score in read.items()}
        run.places = _reordered(run.places, read, blends=reranker.blends)

    def _candidates(self, run: SearchRun, reranker: Reranker) -> dict[int, ScoringItem]:
        """What the reranker looks at, by the number of the place: the first ones that it can read, down to its depth.

        Unasked only what it is good for: pages and texts, as a rule.
        """
        candidates: dict[int, ScoringItem] = {}
        wanted = {
            number: place.hit.key
            for number, place in enumerate(run.places)
            if place.hit.key not in run.lowered
            and (run.query.rerank is not None or run.held[place.hit.key].modality in reranker.by_default)
        }
        stored = self._catalog.segments(wanted.values())
        for number, key in wanted.items():
            if key in stored and (item := self._inputs.of(stored[key].segment, reranker)) is not None:
                candidates[number] = item
            if len(candidates) == self._settings.rerank_depth:
                break
        return candidates

    # -- hits -----------------------------------------------------------------------------------------------------

    def _hits(self, run: SearchRun) -> tuple[Hit, ...]:
        held, findings = run.held, run.findings
        modalities = {key: place.modality for key, place in held.items()}
        # whoever names the document wants it, also where it is a copy of what is avoided
        unwanted = run.bounds.without if run.query.filters.document is None else ()
        collapsed = collapse(self._catalog, run.places, modalities, run.query.limit, avoided=unwanted)
        run.left_out += collapsed.left_out
        if collapsed.filled:
            run.notes.append(FILLED_NOTE)
        shown, stored = collapsed.shown, within_stretch(dict(collapsed.stored), run.query.filters.within)
        ids = {one.segment.document for one in stored.values()}
        documents = self._catalog.documents(ids)
        files = self._catalog.files_of(ids, run.scope)
        more = Counter(held[place.hit.key].document for place in run.places)
        listed = [one.hit.key for one in (*shown, *chain.from_iterable(collapsed.duplicates.values()))]
        more.subtract(stored[key].segment.document for key in listed)
        asked = findings.query_vectors or {}
        moments = narrow_to_moments(self._catalog, findings.space, asked, run.query.terms, shown, stored)
        matches = MatchCollector(run, self._catalog).collect(shown)
        shown_files = filter(None, map(self._view.targets.visible_file, files.values()))
        stale = self._staleness.stale(shown_files)
        hits: list[Hit] = []
        partly: dict[str, str] = {}
        for place in shown:
            segment = moments.get(place.hit.key, stored[place.hit.key].segment)
            document = documents.get(segment.document)
            if document is None:  # removed since the lanes were read
                continue
            file = self._view.targets.visible_file(files.get(document.id, []))
            if len(partly) < PARTLY_READ_DOCUMENTS and (missing := _what_is_missing(document)):
                named = self._view.targets.citation(file, replace(segment, place=Place()))
                partly.setdefault(document.id, f"{named} was read in part: {missing}")
            hits.append(
                Hit(
                    segment=segment,
                    path=file.path if file else "",
                    citation=self._view.targets.citation(file, segment),
                    title=document.title,
                    modified=file.mtime_ns / 1e9 if file else document.read_at,
                    dated=document.dated,
                    score=round(place.hit.score, 4),
                    relevance=run.relevance.get(place.hit.key),
                    snippet=best_snippet(segment.text, run.query.terms),
                    lanes=place.lanes,
                    match=judge(matches[place.hit.key]),
                    stale=file is not None and file.path in stale,
                    more_in_document=more[document.id],
                    duplicates=self._duplicates(collapsed, place, file, segment, files),
                )
            )
        run.notes += partly.values()
        if run.avoided:
            run.notes.append(avoid_note(run, [place.hit.key for place in shown]))
        return tuple(hits)

    def _duplicates(
        self,
        collapsed: CollapsedList,
        place: fusion.FoundPlace,
        file: File | None,
        segment: Segment,
        files: Mapping[str, Sequence[File]],
    ) -> tuple[str, ...]:
        """Citations of what says the same as a hit: the copies of its file, then its near-duplicates, best first."""
        targets = self._view.targets
        copies = [one for one in files.get(segment.document, []) if one is not file]
        others = [collapsed.stored[one.hit.key].segment for one in collapsed.duplicates.get(place.hit.key, ())]
        return (
            *(targets.citation(one, segment) for one in copies if targets.visible_file([one])),
            *(targets.citation(targets.visible_file(files.get(one.document, [])), one) for one in others),
        )

    def _coverage(self, run: SearchRun, hits: Sequence[Hit]) -> SearchCoverage:
        counts = self._catalog.counts(run.scope, space=run.answering.space)
        answered = any(hit.match != "weak" for hit in hits)
        return SearchCoverage(
            documents=counts.documents,
            segments=counts.segments,
            excluded=counts.excluded,
            pending_vectors=counts.pending,
            not_added=0,
            models=run.answering.state,
            note=run.answering.message,
            unknown_words=() if answered else tuple(self._catalog.absent_words(run.query.terms, run.scope)),
        )


def _builtin_scales(run: SearchRun) -> Mapping[Lane, fusion.LaneScale]:
    """How the lanes of the built-in models count for this query."""
    asked = run.findings.query_vectors.get("picture")
    # its last number is the root of what asks for none of the classes
    none = 0.0 if asked is None or run.examples else float(asked[0, -1]) ** 2
    return fusion.builtin_scales(len(run.query.terms.words), 1.0 - none)


def _what_is_missing(document: Document) -> str:
    """What was left out of a document when it was read, by its notes; empty where all was read."""
    return " ".join(note for note in document.notes if _MISSING.search(note) and not note.startswith(LEFT_OUT_PREFIX))


def _reordered(
    places: Sequence[fusion.FoundPlace], scores: Mapping[int, float], *, blends: bool
) -> list[fusion.FoundPlace]:
    """The places with those that were scored in the reranker's order; `scores` are by the number of the place.

    Those stand where some of them stood before, best first; all others keep their places. A score belongs to its place
    in the list, so that scores still fall from first to last and mean the same for all hits: what the reranker says
    stands beside it. A reranker that blends moves the score itself.
    """
    if blends:
        moved = [
            _scored(place, fusion.blend_late_interaction(place.hit.score, scores[number]))
            for number, place in enumerate(places)
            if number in scores
        ]
        moved.sort(key=lambda place: -place.hit.score)
    else:
        by_relevance = [places[number] for number in sorted(scores, key=lambda number: -scores[number])]
        moved = [
            _scored(place, places[number].hit.score) for number, place in zip(sorted(scores), by_relevance, strict=True)
        ]
    ordered = list(places)
    for number, place in zip(sorted(scores), moved, strict=True):
        ordered[number] = place
    return ordered


def _scored(place: fusion.FoundPlace, score: float) -> fusion.FoundPlace:
    return place._replace(hit=place.hit._replace(score=score))
