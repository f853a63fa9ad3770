"""Finds the places that answer: lanes side by side, fused, merged, reranked where that helps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from mcp_mmretrieval import ranking
from mcp_mmretrieval.answers import Answer, Filters, Hit, Reranking, Scored, Searched
from mcp_mmretrieval.embedding import SIDE, looked_at, pictures_of
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, NotInLibrary
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.opening import reopen
from mcp_mmretrieval.reading import Reading
from mcp_mmretrieval.roots import Roots, digest
from mcp_mmretrieval.store import Scope, Store, Stored
from mcp_mmretrieval.targets import Target, Targets
from mcp_mmretrieval.types import Content, Lane, VectorKind, Vectors
from mcp_mmretrieval.words import snippet, terms

DEPTH = 200
"""Segments taken from each lane."""
EXAMPLE_PARTS = 4
"""Places of an example that stand for it: of a long document, its beginning."""
RERANKED = 20
"""Candidates that a reranker looks at, time permitting."""

RERANKED_AT_ONCE = 5
"""Of these, between two looks at the clock."""

ALL_LANES: tuple[Lane, ...] = ("words", "text", "picture", "sound")


@dataclass(slots=True)
class Clock:
    """Milliseconds by stage, and how much of the deadline is left."""

    deadline: float | None
    began: float = field(default_factory=time.monotonic)
    stages: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        began = time.monotonic()
        yield
        self.stages[name] = round((time.monotonic() - began) * 1000)

    def left(self) -> float | None:
        """Seconds until the deadline, never below zero; None without one."""
        return None if self.deadline is None else max(0.0, self.began + self.deadline - time.monotonic())


class Searching:
    """Searches for one connection: its roots bound what can be found."""

    def __init__(
        self, store: Store, models: Models, workers: Workers, reading: Reading, roots: Roots, targets: Targets
    ) -> None:
        self._catalog = store.catalog
        self._index = store.index
        self._models = models
        self._workers = workers
        self._reading = reading
        self._roots = roots
        self._targets = targets

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
            raise BadArgument("Give a query in words, or `like`: a path, hit id or citation; or both.")
        clock = Clock(deadline)
        scope = Scope(self._roots.folders, filters)
        notes: list[str] = []
        with clock.stage("lanes"):
            ranked = self._lanes(query, like, scope, lanes or ALL_LANES, clock, notes)
        with clock.stage("fuse"):
            keys = {key for found in ranked.values() for key, _ in found}
            context = self._catalog.context(terms(query), keys) if "words" in ranked else {}
            fused = ranking.fuse(ranked, depth=DEPTH, context=context)
            held = self._catalog.segments([one.key for one in fused])
            where = {key: (stored.segment.document, stored.segment.place) for key, stored in held.items()}
            places = ranking.merge_places(fused, where)
        reranked = 0
        if query.strip() and (reranker := self._reranker(rerank, notes)):
            with clock.stage("rerank"):
                places, reranked = self._reordered(reranker, query, places, held, clock, notes)
        with clock.stage("hits"):
            hits = self._hits(places, held, query, limit)
        return Answer(
            hits=hits,
            searched=self._searched(scope),
            reranked=reranked,
            notes=tuple(notes),
            elapsed_ms=clock.stages,
        )

    def rerank(
        self, query: str, candidates: Sequence[str], texts: Sequence[str], limit: int | None, deadline: float | None
    ) -> Reranking:
        """See `Library.rerank`."""
        if not query.strip():
            raise BadArgument("Give a query in words.")
        if not candidates and not texts:
            raise BadArgument("Give `candidates` (ids, citations or paths), `texts`, or both.")
        clock = Clock(deadline)
        contents = [self._text_of(self._targets.find(candidate)) for candidate in candidates] + list(texts)
        method, scores = self._scores(query, contents, clock)
        results = [
            Scored(
                candidate=candidates[number] if number < len(candidates) else None,
                text_index=number - len(candidates) if number >= len(candidates) else None,
                score=score or 0.0,
                reranked=score is not None,
            )
            for number, score in enumerate(scores)
        ]
        results.sort(key=lambda result: (not result.reranked, -result.score))
        return Reranking(
            results=tuple(results[:limit]),
            method=method,
            reranked=sum(result.reranked for result in results),
            elapsed_ms=round((time.monotonic() - clock.began) * 1000),
        )

    def _scores(self, query: str, contents: Sequence[str], clock: Clock) -> tuple[str, list[float | None]]:
        """Of the reranker; without one, of the embedder: the similarity of meaning."""
        left = clock.left()
        if reranker := self._models.reranker(left):
            return reranker.name, reranker.score(query, contents)
        embedder = self._models.embedder(left)
        vector = embedder.embed_query(query)["text"][0]
        similar = embedder.embed_documents(list(contents)) @ vector
        return "embedding similarity", [max(0.0, float(value)) for value in similar]

    def _lanes(
        self, query: str, like: str | None, scope: Scope, wanted: Sequence[Lane], clock: Clock, notes: list[str]
    ) -> dict[Lane, list[tuple[int, float]]]:
        lanes: dict[Lane, list[tuple[int, float]]] = {}
        with ThreadPoolExecutor(1) as beside:
            words = beside.submit(self._catalog.words, terms(query), scope, depth=DEPTH) if "words" in wanted else None
            try:
                space, vectors = self._vectors(query, like, clock)
            except ModelUnavailable as error:
                if like is not None:
                    raise
                space, vectors = None, {}
                notes.append(f"Found by words alone: {error}")
            if space is not None:
                for kind, vector in vectors.items():
                    if kind in wanted:
                        lanes[kind] = self._index.nearest(space, kind, vector, scope, depth=DEPTH)
            if words is not None:
                lanes["words"] = words.result()
        return {lane: found for lane, found in lanes.items() if found}

    def _vectors(self, query: str, like: str | None, clock: Clock) -> tuple[int | None, Mapping[VectorKind, Vectors]]:
        """The embedder's space (None before anything stands in it), and the query's vectors by kind.

        Those of words and of an example are averaged. Words alone never wait.
        """
        if like is None and self._models.state != "ready":
            raise ModelUnavailable(self._models.message or "The models are loading.")
        embedder = self._models.embedder(clock.left())
        contents: list[Content] = [query] if query.strip() else []
        if like is not None:
            contents += self._example(like)
        gathered: dict[VectorKind, list[Vectors]] = {}
        for content in contents:
            for kind, vector in embedder.embed_query(content).items():
                gathered.setdefault(kind, []).append(vector[0])
        means = {kind: np.mean(vectors, axis=0, keepdims=True) for kind, vectors in gathered.items()}
        vectors = {kind: mean / np.linalg.norm(mean) for kind, mean in means.items()}
        return self._catalog.space_of(embedder.identity), vectors

    def _example(self, like: str) -> list[Content]:
        """What `like` shows, and what can be read or heard there. A file that was never added is read on the spot."""
        try:
            target = self._targets.find(like)
        except NotInLibrary:
            contents = self._fresh(like)
        else:
            contents = self._held(target)
        if not contents:
            raise BadArgument(f"{like}: holds nothing to search by. Describe it in words as `query`.")
        return contents

    def _held(self, target: Target) -> list[Content]:
        embedder = self._models.embedder()
        contents: list[Content] = [text] if (text := self._text_of(target)) else []
        seen = [stored for stored in target.segments[:EXAMPLE_PARTS] if looked_at(stored.segment, embedder)]
        if seen:
            files = self._catalog.files_of([target.document.id]).get(target.document.id, [])
            with reopen(files, self._roots) as file:
                for stored in seen:
                    contents += pictures_of(self._workers.load(file.fd, stored.segment, name=file.path, side=SIDE))
        return contents

    def _fresh(self, like: str) -> list[Content]:
        embedder = self._models.embedder()
        with self._roots.open(self._targets.path(like)) as file:
            read = self._reading.read(file, (), digest(file), most=EXAMPLE_PARTS)
            contents: list[Content] = [text] if (text := _joined(segment.text for segment in read.segments)) else []
            for segment in read.segments:
                if looked_at(segment, embedder):
                    contents += pictures_of(self._workers.load(file.fd, segment, name=file.path, side=SIDE))
        return contents

    def _text_of(self, target: Target) -> str:
        return _joined(stored.segment.text for stored in target.segments[:EXAMPLE_PARTS])

    def _reranker(self, wanted: bool | None, notes: list[str]) -> Reranker | None:
        if wanted is False or (wanted is None and self._models.state != "ready"):
            return None
        reranker = self._models.reranker()
        if reranker is None:
            if wanted:
                notes.append("Not reranked: this profile has no reranker.")
            return None
        return reranker if wanted or reranker.by_default else None

    def _reordered(
        self,
        reranker: Reranker,
        query: str,
        places: Sequence[ranking.Found],
        held: Mapping[int, Stored],
        clock: Clock,
        notes: list[str],
    ) -> tuple[list[ranking.Found], int]:
        """The first candidates in the reranker's order, and how many it scored; what it cannot read keeps its place."""
        first = list(places[:RERANKED])
        scores: list[float | None] = []
        while len(scores) < len(first) and clock.left() != 0.0:
            some = first[len(scores) : len(scores) + RERANKED_AT_ONCE]
            scores += reranker.score(query, [held[place.hit.key].segment.text for place in some])
        if len(scores) < len(first):
            notes.append(f"Reranked only the first {len(scores)} of {len(first)}: the deadline came.")
        read = [
            replace(place, hit=replace(place.hit, score=_looked_at_again(reranker, place.hit.score, score)))
            for place, score in zip(first, scores, strict=False)
            if score is not None
        ]
        best_first = iter(sorted(read, key=lambda place: -place.hit.score))
        for number, score in enumerate(scores):
            if score is not None:
                first[number] = next(best_first)
        return [*first, *places[RERANKED:]], len(read)

    def _hits(
        self, places: Sequence[ranking.Found], held: Mapping[int, Stored], query: str, limit: int
    ) -> tuple[Hit, ...]:
        modalities = {key: stored.segment.modality for key, stored in held.items()}
        shown = ranking.represent(places, modalities, limit)
        ids = {held[place.hit.key].segment.document for place in shown}
        documents = self._catalog.documents(ids)
        files = self._catalog.files_of(ids)
        more = Counter(held[place.hit.key].segment.document for place in places)
        more.subtract(held[place.hit.key].segment.document for place in shown)
        looked_for = terms(query)
        hits: list[Hit] = []
        for place in shown:
            segment = held[place.hit.key].segment
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
                    snippet=snippet(segment.text, looked_for),
                    lanes=place.lanes,
                    more_in_document=more[document.id],
                )
            )
        return tuple(hits)

    def _searched(self, scope: Scope) -> Searched:
        space = self._catalog.active_space()
        counts = self._catalog.counts(scope, space=space.id if space else None)
        return Searched(
            documents=counts.documents,
            segments=counts.segments,
            excluded=counts.excluded,
            pending_vectors=counts.pending if space else counts.documents,
            not_added=0,
            models=self._models.state,
            note=self._models.message,
        )


def _looked_at_again(reranker: Reranker, score: float, look: float) -> float:
    return ranking.second_look(score, look) if reranker.blends else look


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(text for text in texts if text)
