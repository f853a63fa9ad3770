"""What a search is to stay away from: words, examples, hits of an earlier answer. Those hits never come back.

What resembles it is put lower, by how much each thing that was found stands out towards what is avoided: a penalty on
candidates near to it. That beats moving the query away from it, and several things are avoided each by itself (Wang,
Fang & Zhai: A Study of Methods for Negative Relevance Feedback, SIGIR 2008).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.searching.bounds import RankedLane
from mcp_mmretrieval.searching.fusion import FusedHit, less_evidence
from mcp_mmretrieval.searching.like import LikeQuery, LikeResolver, data_url_bytes, like_vectors, name_in_errors
from mcp_mmretrieval.store import Catalog, Scope
from mcp_mmretrieval.store.fulltext import QueryTerms, query_terms
from mcp_mmretrieval.targets import TargetResolver
from mcp_mmretrieval.types import SHORT_ID_DIGITS, Lane, VectorKind, Vectors

if TYPE_CHECKING:
    from mcp_mmretrieval.searching.run import SearchRun

LIKE_TAKEN = 0.4
"""Share of a hit's evidence that goes where it is like what is avoided as hardly anything is: the right page of a
report is like the wrong ones, too."""
WORDS_TAKEN = 0.8
"""Share that goes where it holds all avoided words, which is certain."""
UNUSUAL = (1.0, 3.0)
"""Standard deviations above the mean of what was compared, between which that share grows."""
NEARER = (1.0, 3.0)
"""By how many of them a hit stands out more towards what is avoided than towards what is asked, likewise."""
LEAST_COMPARED = 8
"""Places from which on they show what is usual; among fewer that is `_FEW`."""
_FEW = (0.5, 0.15)
"""Mean and standard deviation of cosines, where too few are compared to tell."""
_LEAST_DEVIATION = 0.03
"""Of cosines: a few scores may be alike by chance."""
HELD_FROM = 0.5
"""Share of the avoided words, rare ones weighing more, that a place may hold and keep all of its evidence."""
LEAST_TOLD = 0.1
"""Share of its evidence that a hit has lost to count as put lower."""

_CITED = re.compile(rf"^[0-9a-f]{{{SHORT_ID_DIGITS},64}}(?:#|$)|#(?:page|t|char|row|[a-z]+)=")
"""What no words look like: an id, a place."""
_PERHAPS_A_FILE = re.compile(r"/|\.\w{1,5}$|#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoided:
    """One thing to stay away from: words, or an example."""

    name: str
    """As notes name it."""
    words: str = ""
    terms: QueryTerms = field(default_factory=QueryTerms)
    """Of the words those that the query does not ask for."""
    example: LikeQuery | None = None
    keys: frozenset[int] = frozenset()
    """Of its segments, where it is held."""
    note: str = ""

    def vectors(self, embedder: Embedder, stop: Event) -> Mapping[VectorKind, Vectors]:
        """What is compared with, by kind, shape (n, dims[kind])."""
        if self.example is None:
            return embedder.embed_query(self.words)
        return like_vectors(self.example.shown(embedder, stop), embedder)


class AvoidResolver:
    """Finds what is to be avoided, within the roots of one connection."""

    def __init__(self, targets: TargetResolver, like: LikeResolver) -> None:
        self._targets = targets
        self._like = like

    def find(self, given: str, asked: QueryTerms) -> Avoided:
        """What an argument names. `asked`: the words of the query, which are wanted also where `given` repeats them.

        Only what is written as a file, an id or a place is an example; all else is words. Raises BadArgument,
        NotAllowed and NotInLibrary for an id, a place or data that leads to nothing.
        """
        note = ""
        if data_url_bytes(given) is not None:
            return Avoided(name=name_in_errors(given), example=self._like.find(given))
        if _CITED.search(given) or _PERHAPS_A_FILE.search(given):
            try:
                return Avoided(name=name_in_errors(given), example=self._like.find(given), keys=self._keys(given))
            except (NotAllowed, NotInLibrary):
                if _CITED.search(given):
                    raise
                note = f"avoid: {name_in_errors(given)} was taken as words, since no file here is called so."
        wanted = set(asked.words) | {form for term in asked.terms for form in term.forms}
        terms = query_terms(given)
        other = replace(terms, terms=tuple(term for term in terms.terms if wanted.isdisjoint((term.word, *term.forms))))
        return Avoided(name=f"“{name_in_errors(given)}”", words=given, terms=other, note=note)

    def _keys(self, given: str) -> frozenset[int]:
        try:
            return frozenset(stored.key for stored in self._targets.find(given).segments)
        except NotInLibrary:
            return frozenset()


Nearest = Callable[[VectorKind, Vectors], RankedLane]
"""What is nearest to any of some rows, shape (n, dims[kind]), of one kind."""


def avoided_lanes(
    avoided: Iterable[Avoided], embedder: Embedder, kinds: Iterable[VectorKind], nearest: Nearest, stop: Event
) -> tuple[list[Mapping[VectorKind, RankedLane]], list[str]]:
    """What is near to each thing that is avoided, by kind; and notes on those of which that cannot be told."""
    found: list[Mapping[VectorKind, RankedLane]] = []
    notes: list[str] = []
    wanted = set(kinds)
    for one in avoided:
        try:
            vectors = one.vectors(embedder, stop)
        except (BadArgument, UnreadableMedia) as error:
            if not one.keys:
                raise
            notes.append(f"avoid: {one.name} itself was left out, but not what resembles it: {error}")
            continue
        found.append({kind: nearest(kind, rows) for kind, rows in vectors.items() if kind in wanted})
    return found, notes


def lowered(
    fused: Sequence[FusedHit],
    near: Iterable[Mapping[VectorKind, RankedLane]],
    asked: Mapping[Lane, RankedLane],
    held: Iterable[Mapping[int, float]],
) -> dict[int, float]:
    """The share of its evidence that each hit loses, in (0, 1), by key; the worst of what is avoided counts.

    `near`: what is near to each avoided thing. `asked`: what is near to what is asked: a hit that stands out there as
    much keeps most. `held`: for avoided words the share of them that segments hold.
    """
    wanted = {kind: _standing_out(ranked) for kind, ranked in asked.items() if kind != "words"}
    shares = [
        {
            key: LIKE_TAKEN * _ramp(out, UNUSUAL) * _ramp(out - wanted.get(kind, {}).get(key, 0.0), NEARER)
            for key, out in _standing_out(ranked).items()
        }
        for lanes in near
        for kind, ranked in lanes.items()
    ]
    shares += [{key: WORDS_TAKEN * _ramp(share, (HELD_FROM, 1.0)) for key, share in one.items()} for one in held]
    keys = {hit.key for hit in fused}
    losing: dict[int, float] = {}
    for one in shares:
        for key, share in one.items():
            if share > 0.0 and key in keys:
                losing[key] = max(share, losing.get(key, 0.0))
    return losing


def put_lower(fused: Iterable[FusedHit], losing: Mapping[int, float]) -> list[FusedHit]:
    """The hits without the evidence that they lose, best first."""
    moved = [less_evidence(hit, losing.get(hit.key, 0.0)) for hit in fused]
    moved.sort(key=lambda hit: (-hit.score, hit.key))
    return moved


def held_shares(
    catalog: Catalog, avoided: Iterable[Avoided], keys: Iterable[int], scope: Scope
) -> list[Mapping[int, float]]:
    """For each of the avoided words, the share of them that segments hold, by key."""
    there = list(keys)
    return [
        {key: share.place for key, share in catalog.term_shares(one.terms, there, scope).items()}
        for one in avoided
        if one.terms
    ]


def _standing_out(ranked: RankedLane) -> dict[int, float]:
    """By how many standard deviations each lies above the mean of what was compared."""
    scores = [score for _, score in ranked]
    mean, deviation = _FEW
    if len(scores) >= LEAST_COMPARED:
        mean = sum(scores) / len(scores)
        deviation = max(_LEAST_DEVIATION, math.sqrt(sum((score - mean) ** 2 for score in scores) / len(scores)))
    return {key: (score - mean) / deviation for key, score in ranked}


def _ramp(value: float, between: tuple[float, float]) -> float:
    """From 0 to 1 between two values."""
    start, end = between
    return min(1.0, max(0.0, (value - start) / (end - start)))


def avoid_note(run: SearchRun, shown: Iterable[int]) -> str:
    """What was left out and what was put lower, how many of both, and what of that could not be told.

    `shown`: the keys of the hits of the answer.
    """
    names = ", ".join(one.name for one in run.avoided)
    low = {key for key, share in run.lowered.items() if share >= LEAST_TOLD}
    told = [f"{_places(run.left_out)} left out"] if run.bounds.without else []
    still = len(low & set(shown))
    hits = f" ({still} of them among these hits)" if still else ""
    told.append(f"{_places(len(low))} put lower for being like it{hits}")
    if run.findings.near_avoided is None:
        told.append("only by its words, as there was no time or no model to tell what resembles it")
    return f"Avoided {names}: {'; '.join(told)}."


def _places(count: int) -> str:
    return f"{count} {'place' if count == 1 else 'places'}"
