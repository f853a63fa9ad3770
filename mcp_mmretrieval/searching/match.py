"""How far a hit is to be trusted: `strong`, `fair` or `weak`. Calibrated by `benchmarks/unanswerable.py`.

Some hit always comes first. Whether it answers shows against the library's background: what other places here score
for the same query. So a hit is judged by its evidence, by how far that stands above the next hits and its likeness
above that of other documents, and by the share of the query's words that it holds: one logistic model (Platt 1999).

The model was measured with the built-in models. The likeness of others, and of examples, comes to the same scale by
the background alone: standard deviations above the mean, less what the best of as many unrelated places has by chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mcp_mmretrieval.answers import Match
from mcp_mmretrieval.searching.avoid import LEAST_TOLD
from mcp_mmretrieval.searching.fusion import CONTEXT_WEIGHT, FoundPlace
from mcp_mmretrieval.searching.run import SearchRun
from mcp_mmretrieval.store import Catalog, TermShares
from mcp_mmretrieval.types import VECTOR_KINDS, Lane, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

WEIGHTS = (2.82, 1.87, 2.91, -3.36, 6.04)
"""Of `MatchEvidence.features`."""
INTERCEPT = -4.80
STRONG_FROM, FAIR_FROM = -0.79, -3.08
"""Sums from which on a hit is strong, and fair."""

NEXT_HITS = 9
"""Places behind the first that evidence is compared with."""
NO_HIT_EVIDENCE = 0.4
"""What stands for each of them that a small library does not have: what an unrelated place has."""
BACKGROUND_HITS = 50
"""Nearest places of other documents that are a lane's background."""
SMALL_LIBRARY_PLACES = 50
"""Places below which the rarity of words, and so bm25, says nothing yet."""
HELD_WORDS = 0.7
"""What all words of the query count for there; the median of right hits elsewhere."""
UNRELATED_LIKENESS = 0.25
"""The background of a text where there are no other documents; cosine of the built-in model."""
LEAST_BACKGROUND = 8
"""Places of other documents from which on they show what is usual in a lane of another model."""

_BY_CHANCE: dict[VectorKind, tuple[float, float]] = {"text": (0.3, 0.1), "picture": (0.5, 0.2), "sound": (0.5, 0.2)}
"""Evidence of the nearest unrelated place, and of each standard deviation above it."""
_SAME, _LIKE = 0.8, 0.5
"""Cosines of an example with what is the same, and what is like it, where there is nothing to compare with."""
_LEAST_DEVIATION = 0.03
"""Of cosines: a few scores may be alike by chance."""

_LEVELS: tuple[Match, ...] = ("weak", "fair", "strong")
MIN_CODE_CHARACTERS = 4
"""Characters of a code at least, of which one is a digit: a part number, a date, an account."""
MAX_CODE_PLACES = 3
"""Places that may hold a code: one that stands in more is a word like others."""
_ALL = 0.999
"""Share of a query's words that is all of them."""
MAX_CODE_TERMS = 4
"""Pieces of a code: `XK-4711-B` has three."""


@dataclass(frozen=True, slots=True)
class MatchEvidence:
    """What speaks for a hit, on the scale of the built-in models."""

    evidence: float
    """What fusion added up: see `fusion.FusedHit.score`."""
    gap: float
    """By how much that exceeds the mean of the next hits."""
    words: float
    """Share of the query's words that the place holds, rare ones weighing more, times ln of a third of their number
    and one: that a place holds both words of a query says little, that it holds all of ten says all."""
    likeness: float
    """Of its text with the query; 0 where the text lane did not find it."""
    standing: float
    """By how much that exceeds the nearest places of other documents."""
    looked_up: Match = "weak"
    """At least that well it matches: strong for a code that stands there, fair where each word does."""
    at_most: Match = "strong"
    """Fair for a code that does not stand there, however near another one comes; and for what is like what is to be
    avoided."""

    @property
    def features(self) -> tuple[float, ...]:
        """What is weighed."""
        return (self.evidence, self.gap, self.words, self.likeness, self.standing)


def judge(evidence: MatchEvidence) -> Match:
    """How far a hit is to be trusted."""
    total = match_logit(evidence)
    by_model: Match = "strong" if total >= STRONG_FROM else "fair" if total >= FAIR_FROM else "weak"
    return min(max(by_model, evidence.looked_up, key=_LEVELS.index), evidence.at_most, key=_LEVELS.index)


def match_logit(evidence: MatchEvidence) -> float:
    """The sum that the thresholds are compared with."""
    return INTERCEPT + sum(weight * feature for weight, feature in zip(WEIGHTS, evidence.features, strict=True))


class MatchCollector:
    """Collects what speaks for the hits of one search."""

    def __init__(self, run: SearchRun, catalog: Catalog) -> None:
        self._run = run
        self._catalog = catalog
        self._scores = {lane: dict(found) for lane, found in run.ranked.items()}
        counts = catalog.counts(run.scope, space=run.answering.space)  # as the answer tells them: counted once
        self._small = counts.segments < SMALL_LIBRARY_PLACES
        self._measured = run.answering.measured and not run.query.like
        self._shares: Mapping[int, TermShares] = {}
        self._unusual: dict[int, dict[VectorKind, float]] = {}

    def collect(self, shown: Sequence[FoundPlace]) -> dict[int, MatchEvidence]:
        """What speaks for each of the places, by key."""
        run = self._run
        first = run.places[: NEXT_HITS + 1]
        keys = list(dict.fromkeys(place.hit.key for place in (*shown, *first)))
        self._shares = self._catalog.term_shares(run.query.terms, keys, run.scope) if run.query.has_words else {}
        if not self._measured:
            self._unusual = {key: self._found_unusual(key) for key in keys}
        evidence = {key: self._evidence(key) for key in keys}
        next_ones = sorted((evidence[place.hit.key] for place in first), reverse=True)[1:]
        usual = (sum(next_ones) + (NEXT_HITS - len(next_ones)) * NO_HIT_EVIDENCE) / NEXT_HITS
        return {place.hit.key: self._of(place.hit.key, evidence[place.hit.key], usual) for place in shown}

    def _of(self, key: int, evidence: float, usual: float) -> MatchEvidence:
        terms = self._run.query.terms
        count = len(terms.terms) + len(terms.each_pair)
        share = self._shares[key].place if key in self._shares else 0.0
        likeness, background = self._text_likeness(key)
        code = count <= MAX_CODE_TERMS and _holds_code(self._run.query.text)
        return MatchEvidence(
            evidence,
            evidence - usual,
            share * max(0.0, math.log((1 + count) / 3)),
            likeness,
            likeness - background if likeness else 0.0,
            self._looked_up(share, code),
            "fair" if (code and share < _ALL) or self._run.lowered.get(key, 0.0) >= LEAST_TOLD else "strong",
        )

    def _evidence(self, key: int) -> float:
        """As fusion gives it for the built-in models; for others the words and what is unusual in their lanes."""
        words = self._scores.get("words", {}).get(key, 0.0)
        held = self._shares.get(key, TermShares(0.0, 0.0))
        known = max(words, HELD_WORDS * held.place) if self._small else words
        if self._measured:
            return self._run.fused[key].evidence + known - words
        near = (_in_units(kind, unusual) for kind, unusual in self._unusual[key].items())
        return known + CONTEXT_WEIGHT * held.document + max(near, default=0.0)

    def _text_likeness(self, key: int) -> tuple[float, float]:
        """Likeness of a hit's text, and the background that it stands before."""
        if not self._measured:
            unusual = self._unusual[key].get("text")
            return (_in_units("text", unusual) if unusual is not None else 0.0), UNRELATED_LIKENESS
        others = self._others("text", key, BACKGROUND_HITS)
        background = sum(others) / len(others) if others else UNRELATED_LIKENESS
        return self._scores.get("text", {}).get(key, 0.0), background

    def _others(self, lane: Lane, key: int, most: int | None = None) -> list[float]:
        """What other documents' places score in a lane, best first; of `most` of them."""
        held = self._run.held
        own = held[key].document
        ranked = self._run.ranked.get(lane, ())
        return list(islice((score for at, score in ranked if at in held and held[at].document != own), most))

    def _looked_up(self, share: float, code: bool) -> Match:
        if share < _ALL:
            return "weak"
        rare = code and self._catalog.fewest_places(self._run.query.terms) <= MAX_CODE_PLACES
        return "strong" if rare else "fair"

    # -- models that were not measured, and examples ---------------------------------------------------------------

    def _found_unusual(self, key: int) -> dict[VectorKind, float]:
        """By lane, how many standard deviations a hit lies above the nearest unrelated place."""
        found = {}
        for kind in VECTOR_KINDS:
            score = self._scores.get(kind, {}).get(key)
            if score is None:
                continue
            others = self._others(kind, key)
            if len(others) >= LEAST_BACKGROUND:
                found[kind] = _unusual(score, others, len(others))
            elif self._run.query.like:
                found[kind] = 6.0 if score >= _SAME else 1.5 if score >= _LIKE else -2.0
            elif unrelated := self._unrelated(kind, key):
                found[kind] = _unusual(score, unrelated, len(others) + 1)
        return found

    def _unrelated(self, kind: VectorKind, key: int) -> list[float]:
        """What queries score here that have nothing to do with it, as far as they were embedded."""
        findings = self._run.findings
        asked = findings.unrelated.get(kind)
        if asked is None:
            return []
        held = self._catalog.vectors_of(findings.space, kind, [key])
        if key not in held:  # removed since the lanes were read
            return []
        _, vectors = held[key]
        return [float(score) for score in _best(vectors, asked)]


def _holds_code(query: str) -> bool:
    return any(len(word) >= MIN_CODE_CHARACTERS and any(map(str.isdecimal, word)) for word in query.split())


def _best(vectors: Vectors, asked: Vectors) -> Vectors:
    """The nearest of a hit's vectors to each of some queries, shape (len(asked),)."""
    return (vectors @ asked.T).max(axis=0)  # type: ignore[no-any-return]


def _unusual(score: float, others: Sequence[float], places: int) -> float:
    """Standard deviations above the mean of `others`, less what the best of so many places has by chance."""
    mean = sum(others) / len(others)
    deviation = math.sqrt(sum((other - mean) ** 2 for other in others) / len(others))
    return (score - mean) / max(deviation, _LEAST_DEVIATION) - math.sqrt(2 * math.log(max(1, places)))


def _in_units(kind: VectorKind, unusual: float) -> float:
    """What an unusual likeness is worth as evidence; never below zero."""
    start, unit = _BY_CHANCE[kind]
    return max(0.0, start + unit * min(unusual, 6.0))
