"""One list out of several: how lanes are fused, which hits are the same place, what is shown. Pure functions.

Lanes are added by evidence and not by rank. Reciprocal rank fusion (Cormack et al. 2009) forgets how sure a lane is: a
lane that knows nothing of the matter gets as many places as one that found the very words. Here every lane's score is
brought to one scale first (a convex combination, which beats rank fusion where scores can be compared: Bruch et al.
2023), by constants and not by the query's own best hit, so that a score means the same for every query, lane and
library. The constants were fitted in one library of pages, charts, pictures and recordings, and judged on documents
that they were not fitted to: `docs/quality.md` has them with their spread.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, repeat
from types import MappingProxyType
from typing import NamedTuple

from mcp_mmretrieval.types import VECTOR_KINDS, Lane, Modality, Place

# -- fusion -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LaneScale:
    """A straight line from the scores of a lane to evidence: the unit is the cosine of the built-in text model."""

    offset: float = 0.0
    slope: float = 1.0
    floor: float = -1.0
    """Scores below say nothing."""
    ranked: bool = False
    """Whether a hit counts for no less than its rank says, however low it scores."""

    def evidence(self, score: float, rank: float = 0.0) -> float:
        """Never below zero. `rank` is from 0."""
        least = rank_evidence(rank) if self.ranked else 0.0
        return max(least, self.offset + self.slope * score) if score >= self.floor else least

    def times(self, share: float) -> LaneScale:
        """The scale of a lane whose evidence counts for this share."""
        return replace(self, offset=share * self.offset, slope=share * self.slope)


BUILTIN_SCALES: Mapping[Lane, LaneScale] = MappingProxyType(
    {"words": LaneScale(slope=0.7), "text": LaneScale(-0.1, 0.85), "picture": LaneScale(0.35, 1.2, 0.05)}
)
"""Words count by the share of bm25 that they reach, a text by its cosine, less what unrelated texts have. A picture's
Bhattacharyya coefficient starts where the best of a thousand unrelated texts ends; below 0.05 it is chance."""

PICTURE_WORDS = 5
"""Words of a query up to which pictures count in full: a long question is about no single object."""
NEAR_CLASSES = (0.2, 0.2)
"""What pictures count for of a query that lies half on the classes that the classifier knows and half on none of them;
and how much more for each e-fold of that ratio."""


def builtin_scales(words: int, classes: float) -> Mapping[Lane, LaneScale]:
    """`BUILTIN_SCALES` for a query of so many words, of which this share (in [0, 1]) asks for classes of pictures."""
    ratio = math.log(max(classes, 1e-9) / max(1.0 - classes, 1e-9))
    even, more = NEAR_CLASSES
    share = min(1.0, max(0.0, even + more * ratio)) * min(1.0, PICTURE_WORDS / max(words, 1))
    return {**BUILTIN_SCALES, "picture": BUILTIN_SCALES["picture"].times(share)}


UNMEASURED_SCALES: Mapping[Lane, LaneScale] = MappingProxyType({"words": LaneScale()})
"""Of other models, whose likenesses lie on scales of their own: their lanes count by rank."""

_LIKENESS = LaneScale(-1.0, 2.0, ranked=True)
LIKE_SCALES: Mapping[Lane, LaneScale] = MappingProxyType(
    {"words": LaneScale(), **dict.fromkeys(VECTOR_KINDS, _LIKENESS)}
)
"""Of other models, for what is like an example: the same once more has a cosine of 1 in any space, and comes first. How
unlike others are differs from space to space and from kind to kind, so that below the first ranks decide."""

CONTEXT_WEIGHT = 0.45
"""What a word counts for that the document holds, wherever in it: a question names the company, its page does not."""

TELLING_ORDER: tuple[Lane, ...] = ("words", "sound", "picture", "text")
"""Which of two lanes of equal evidence tells of a hit: the one that knows more closely where it is."""


class FusedHit(NamedTuple):
    """A segment that some lane found."""

    key: int
    score: float
    """In [0, 1), comparable between queries and kinds of media: 1 - 2 ** -evidence, where evidence is the share of the
    query's words that the place and its document hold (rare words weigh more), plus its likeness in meaning, plus what
    it counts for because the query points at it. On the development sets two hits in a hundred were right below 0.3,
    one in fifteen at 0.35, one in seven at 0.5, two in three above 0.6."""
    by_lane: Mapping[Lane, Mapping[int, float]]
    """The evidence of each lane by key, for this one and others."""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes that found it, the telling one first; words for what was only pointed at."""
        found = [lane for lane, values in self.by_lane.items() if self.key in values]
        found.sort(key=lambda lane: self.by_lane[lane][self.key], reverse=True)  # of equal ones the first stays first
        return tuple(found) or ("words",)

    @property
    def evidence(self) -> float:
        """What stands behind the score."""
        return _weighed(self.score)


def fuse(
    lanes: Mapping[Lane, Sequence[tuple[int, float]]],
    *,
    scales: Mapping[Lane, LaneScale] = BUILTIN_SCALES,
    depth: int | None = None,
    context: Mapping[int, float] | None = None,
    pointed: Mapping[int, float] | None = None,
) -> list[FusedHit]:
    """One list of segments out of lanes of (key, score), each best first.

    Evidence is words + meaning: the share that words give (`Catalog.words`), plus the strongest lane of vectors on its
    scale. A lane without a scale counts by rank. A lane of `depth` hits was cut off there: what words found beyond it
    is taken to be as near in meaning as the last hit of the text lane. `context` is, for a key whose document holds
    words of the query, the document's bm25 as a share of its best score. `pointed` is what places count for besides,
    because the query points at them; what no lane found was found by words then.
    """
    pointed = pointed or {}
    evidence = {lane: _evidence(lanes[lane], scales.get(lane)) for lane in TELLING_ORDER if lane in lanes}
    by_words, by_text = evidence.get("words", {}), evidence.get("text", {})
    rest = min(by_text.values()) if by_text and depth is not None and len(lanes["text"]) >= depth else 0.0
    meanings: dict[int, float] = dict.fromkeys(by_words.keys() - by_text.keys(), rest)
    for lane, values in evidence.items():
        if lane != "words":
            for key, value in values.items():
                meanings[key] = max(value, meanings.get(key, 0.0))
    found = []
    for key in {*pointed, *by_words, *meanings}:
        words = by_words.get(key, 0.0)
        if context and (key in by_words or key in by_text):
            words += CONTEXT_WEIGHT * context.get(key, 0.0)
        total = words + meanings.get(key, 0.0) + pointed.get(key, 0.0)
        if total > 0.0:
            found.append((-total, key))
    found.sort()  # no key stands there twice
    return [FusedHit(key, _score(-total), evidence) for total, key in found]


def less_evidence(hit: FusedHit, share: float) -> FusedHit:
    """The hit without a share (in [0, 1]) of its evidence; itself for a share of 0."""
    return hit._replace(score=_score((1.0 - share) * hit.evidence)) if share else hit


def _score(evidence: float) -> float:
    return 1.0 - math.exp2(-evidence)


def _weighed(score: float) -> float:
    """The evidence behind a score."""
    return -math.log2(max(1.0 - score, 1e-12))


def _evidence(hits: Sequence[tuple[int, float]], scale: LaneScale | None) -> dict[int, float]:
    """The evidence of one lane by key; of several hits on one key the first, which is the best."""
    evidence: dict[int, float] = {}
    ranks = _shared_ranks(hits) if scale is None or scale.ranked else repeat(0.0, len(hits))
    for (key, score), rank in zip(hits, ranks, strict=True):
        value = scale.evidence(score, rank) if scale else rank_evidence(rank)
        evidence.setdefault(key, value)
    return evidence


def rank_evidence(rank: float) -> float:
    """Evidence without a scale: reciprocal ranks (from 0), between chance and a plain likeness."""
    return max(0.0, 60 / (60 + rank) - 0.4)


def _shared_ranks(hits: Sequence[tuple[int, float]]) -> list[float]:
    """Ranks from 0; equal scores share the middle of theirs, for which of them comes first says nothing."""
    ranks: list[float] = []
    for _, group in groupby(hits, key=lambda hit: round(hit[1], 5)):
        count = len(list(group))
        ranks += [len(ranks) + (count - 1) / 2] * count
    return ranks


NEUTRAL_LATE_SCORE = 0.45
"""What late interaction gives a candidate that is neither like nor unlike the query: the median of first candidates."""
LATE_WEIGHT = 0.5
"""Weight of late interaction beside the other evidence; flat from 0.25 to 1. Ordering by it alone loses on pages."""


def blend_late_interaction(score: float, look: float) -> float:
    """The score of a hit after a second look by late interaction (`look`, in [0, 1]): one more lane of evidence.

    It gains 0.01 where documents give no `context`, nearly nothing where they do. A trained reranker needs no blending.
    """
    return _score(max(0.0, _weighed(score) + LATE_WEIGHT * (look - NEUTRAL_LATE_SCORE)))


# -- the list ---------------------------------------------------------------------------------------------------------

OTHER_MODALITY_SHARE = 0.6
"""Of the best hit's evidence: from there on the best hit of another kind of media deserves to be seen."""
OTHER_MODALITY_EVIDENCE = 0.5
"""Evidence that it needs besides: above chance."""


class FoundPlace(NamedTuple):
    """A place: its best hit, and the other hits there."""

    hit: FusedHit
    others: tuple[FusedHit, ...] = ()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All lanes that found the place, the telling one first."""
        return tuple(dict.fromkeys(lane for hit in (self.hit, *self.others) for lane in hit.lanes))


def merge_places(hits: Iterable[FusedHit], places: Mapping[int, tuple[str, Place]]) -> list[FoundPlace]:
    """Hits whose places overlap in one document become one, under the best of them; different pages stay.

    `places` says where each key is: the document and the place. Keys that are not in it are left out.
    """
    kept: list[tuple[Place, FusedHit, list[FusedHit]]] = []
    by_document: dict[str, list[tuple[Place, FusedHit, list[FusedHit]]]] = {}
    for hit in hits:
        if hit.key not in places:
            continue
        document, place = places[hit.key]
        beside = by_document.setdefault(document, [])
        for other, _, others in beside:
            if other.overlaps(place):
                others.append(hit)
                break
        else:
            beside.append((place, hit, []))
            kept.append(beside[-1])
    return [FoundPlace(hit, tuple(others)) for _, hit, others in kept]


def diversify(found: Sequence[FoundPlace], modalities: Mapping[int, Modality], limit: int) -> list[FoundPlace]:
    """The first `limit` places, so that no kind of media buries another.

    The best hit of a kind that is missing there comes in when it is near the best of all (`OTHER_MODALITY_SHARE`): a
    hundred photos of goats leave room for the one recording that names a mountain goat. It takes the place of the last
    one of a kind that has several.
    """
    first, rest = list(found[:limit]), found[limit:]
    if not first or limit < 2:
        return first
    enough = _score(max(OTHER_MODALITY_EVIDENCE, OTHER_MODALITY_SHARE * _weighed(first[0].hit.score)))
    seen = {modalities.get(one.hit.key) for one in first}
    missing: list[FoundPlace] = []
    for one in rest:
        modality = modalities.get(one.hit.key)
        if one.hit.score < enough:
            break
        if modality not in seen:
            seen.add(modality)
            missing.append(one)
    return _making_room(first, missing[: limit // 2], modalities)


def _making_room(
    first: Sequence[FoundPlace], missing: Sequence[FoundPlace], modalities: Mapping[int, Modality]
) -> list[FoundPlace]:
    """The first places and behind them the missing ones, for which the last ones of kinds that have several go."""
    several = Counter(modalities.get(one.hit.key) for one in first)
    kept: list[FoundPlace] = []
    going = 0
    for one in reversed(first):
        modality = modalities.get(one.hit.key)
        if going < len(missing) and several[modality] > 1:
            several[modality] -= 1
            going += 1
        else:
            kept.append(one)
    return [*reversed(kept), *missing[:going]]
