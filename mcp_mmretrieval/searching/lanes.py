"""The lanes of a search, side by side: full text, and the nearest vectors of each kind as far as there is time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from threading import Event

import numpy as np

from mcp_mmretrieval.concurrency.abandonable import AbandonableCall
from mcp_mmretrieval.errors import BadArgument, IndexUnavailable, ModelUnavailable
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.searching.avoid import AvoidResolver, avoided_lanes
from mcp_mmretrieval.searching.bounds import RankedLane, bounds_of
from mcp_mmretrieval.searching.like import LikeResolver, like_vectors
from mcp_mmretrieval.searching.match import LEAST_BACKGROUND
from mcp_mmretrieval.searching.rare_words import untaught_words
from mcp_mmretrieval.searching.rocchio import query_vectors
from mcp_mmretrieval.searching.run import SearchRun
from mcp_mmretrieval.store import Store
from mcp_mmretrieval.types import Lane, VectorKind, Vectors

LANE_DEPTH = 200
"""Segments taken from each lane."""

MODEL_WAIT_SECONDS = 2.0
"""Seconds that a search by words waits for a model that left memory: then words answer alone, and say so."""

SOUND_SHARE = 1.0
"""What words count for that only sound like those of a query: at 0.9 spoken nouns lose 0.05, and no other set gains."""
UNRELATED_QUERIES = (
    "a violin",
    "Which team won the football match on Saturday?",
    "a volcano",
    "How long should bread dough rest before it is baked?",
    "a lighthouse",
    "What does the warranty of the washing machine cover?",
    "a tractor",
    "How do bees find their way back to the hive?",
)
"""What nobody asks of a small library: what is far more like a query than like these is like it indeed."""
UNTAUGHT_SCRIPT_NOTE = (
    "The text model was not taught the script of this query, so it was looked for by its very words only: try the "
    "spelling that the files have, or ask in English for what they say in English."
)


class LaneSearcher:
    """Looks for a query in all lanes that it asks for."""

    def __init__(self, store: Store, like: LikeResolver, avoid: AvoidResolver) -> None:
        self._catalog = store.catalog
        self._index = store.index
        self._like = like
        self._avoid = avoid

    def find(self, run: SearchRun) -> dict[Lane, RankedLane]:
        """What each lane found: full text, and beside it the vector lanes that were in time.

        Raises what is wrong with the example; ModelUnavailable and BadArgument where nothing but an example was given
        and nothing can be found by it.
        """
        query = run.query
        run.avoided = tuple(self._avoid.find(one, query.terms) for one in query.avoid)
        run.notes += filter(None, (one.note for one in run.avoided))
        run.bounds = bounds_of(self._catalog, query.filters, {key for one in run.avoided for key in one.keys})
        if query.filters.within is not None:
            run.notes.append(f"Looked only within #{query.filters.within.fragment} of the document.")
        if not query.like and run.answering.state != "ready":  # words alone wait for no model
            run.notes.append(f"Found by words alone: {run.answering.message or 'The models are loading.'}")
            return self._fulltext_lane(run)
        if query.like:
            with run.clock.stage("example"):
                run.examples = tuple(map(self._like.find, query.like))
        with AbandonableCall(partial(self._vector_lanes, run), "lanes of meaning") as vector_lanes:
            fulltext = self._fulltext_lane(run)
            try:
                in_time = vector_lanes.ended(run.clock.left())
            except ModelUnavailable as error:
                if not query.has_words:
                    raise
                in_time = True
                run.notes.append(f"Found by words alone{_nor_by_examples(run)}: {error}")
            lanes = {**run.findings.ranked, **fulltext}
        if not in_time:
            run.notes += self._left_out(run, lanes)
        return {lane: ranked for lane, ranked in lanes.items() if ranked}

    def _fulltext_lane(self, run: SearchRun) -> dict[Lane, RankedLane]:
        if not run.query.has_words or "words" not in run.query.lanes:
            return {}
        with run.clock.stage("words"), self._catalog.snapshot():
            depth = run.bounds.depth(LANE_DEPTH)
            held = self._catalog.words(run.query.terms, run.scope, depth=depth)
            in_time = run.clock.fits(0.0)
            heard = self._catalog.sounds(run.query.terms.words, run.scope, depth=depth) if in_time else []
        best = dict(held)
        for key, share in heard:
            best[key] = max(best.get(key, 0.0), SOUND_SHARE * share)
        return {"words": sorted(best.items(), key=lambda item: (-item[1], item[0]))[:depth]}

    def _vector_lanes(self, run: SearchRun, stop: Event) -> None:
        """Fill `run.findings`, lane by lane, with what is near to the query and the example in each kind of vector."""
        query, findings = run.query, run.findings
        with run.clock.stage("embed"):
            embedder = run.answering.embedder(_patience(run))
            vectors = dict(embedder.embed_query(query.sought)) if query.has_words else {}
        findings.rare_words = untaught_words(query, embedder)
        if query.has_words and not vectors:
            run.notes.append(UNTAUGHT_SCRIPT_NOTE)
        if run.examples:
            with run.clock.stage("example"):
                shown = [example.shown(embedder, stop) for example in run.examples]
            with run.clock.stage("embed"):
                vectors = query_vectors(vectors, [like_vectors(one, embedder) for one in shown])
        space = run.answering.space
        if space is None:  # nothing stands in it yet
            return
        findings.space = space
        for kind, rows in vectors.items():
            if kind in query.lanes and not stop.is_set():
                findings.query_vectors[kind] = rows
                try:
                    with run.clock.stage("neighbours"), self._catalog.snapshot():
                        findings.ranked[kind] = self._nearest(run, kind, rows)
                except IndexUnavailable as error:
                    if not query.has_words:
                        raise
                    run.notes.append(f"The {kind} lane was left out. {error}")
        if run.avoided and not stop.is_set():
            with run.clock.stage("avoid"):
                self._find_avoided(run, embedder, stop)
        if not run.answering.measured and not query.like and not stop.is_set():
            self._compare_with_unrelated(run, embedder, stop)

    def _find_avoided(self, run: SearchRun, embedder: Embedder, stop: Event) -> None:
        """What is near to what is to be avoided, in the kinds of vectors that something was found by."""
        kinds, nearest = run.findings.query_vectors, partial(self._nearest, run)
        try:
            near, notes = avoided_lanes(run.avoided, embedder, kinds, nearest, stop)
        except IndexUnavailable as error:
            run.notes.append(f"What resembles what is avoided could not be told. {error}")
            return
        run.findings.near_avoided = near
        run.notes += notes

    def _compare_with_unrelated(self, run: SearchRun, embedder: Embedder, stop: Event) -> None:
        """Embed unrelated queries for a model whose likenesses nobody measured, where few places show what is usual."""
        findings = run.findings
        few = [kind for kind, found in findings.ranked.items() if 0 < len(found) <= LEAST_BACKGROUND]
        if not few:
            return
        rows: dict[VectorKind, list[Vectors]] = {}
        with run.clock.stage("embed"):
            for text in UNRELATED_QUERIES:
                if stop.is_set():
                    return
                for kind, row in embedder.embed_query(text).items():
                    rows.setdefault(kind, []).append(row)
        findings.unrelated = {kind: np.concatenate(found) for kind, found in rows.items()}

    def _nearest(self, run: SearchRun, kind: VectorKind, vectors: Vectors) -> RankedLane:
        """What is near to any of the vectors; the nearest counts."""
        best: dict[int, float] = {}
        depth = run.bounds.depth(LANE_DEPTH)
        for vector in vectors:
            near = self._index.nearest(run.findings.space, kind, vector[None], run.scope, depth=depth)
            for key, score in near:
                best[key] = max(score, best.get(key, score))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:depth]

    def _left_out(self, run: SearchRun, found: Collection[Lane]) -> list[str]:
        """Which lanes were not in time. Raises where nothing but an example was given, and nothing found by it."""
        answering, examples, clock = run.answering, run.examples, run.clock
        named = " and ".join(example.name for example in examples)
        example = "example" if len(examples) == 1 else "examples"
        ready = answering.state == "ready"
        if examples and not found and not run.query.has_words:
            if not ready:
                raise ModelUnavailable(f"{answering.message} Ask again in a few seconds, or use words as `query`.")
            raise BadArgument(
                f"{named}: {clock} came before anything was compared with it. Give more time, or describe it "
                "in words as `query`."
            )
        kinds = [kind for kind in answering.embedder(0.0).dims if kind in run.query.lanes] if ready else []
        missing = [kind for kind in kinds if kind not in found]
        if not ready:
            return [f"The {example} {_were(examples)} left out: {clock} came. {answering.message}"]
        if not missing:
            return []
        what = f"{' and '.join(missing)} {'lane' if len(missing) == 1 else 'lanes'}"
        if examples and len(missing) == len(kinds):
            return [f"The {example} and the {what} were left out: {clock} came."]
        return [f"The {what} {_were(missing)} left out: {clock} came."]


def _were(things: Sequence[object]) -> str:
    return "was" if len(things) == 1 else "were"


def _nor_by_examples(run: SearchRun) -> str:
    if not run.examples:
        return ""
    return f" and not by the {'example' if len(run.examples) == 1 else 'examples'}"


def _patience(run: SearchRun) -> float | None:
    """Seconds to wait for the embedder; None for as long as it takes, where nothing else can answer."""
    left = run.clock.left()
    if not run.query.has_words:
        return left
    return MODEL_WAIT_SECONDS if left is None else min(left, MODEL_WAIT_SECONDS)
