"""How well a ranking answers, beside what a random one would reach: few things are easily found by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NDCG_DEPTH = 10
_ONE_IN_A_HUNDRED = 2.326
"""Standard deviations above its mean that a normal variable exceeds once in a hundred times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFigure:
    """What was found of one kind by questions of one kind."""

    pair: str
    """Such as `text → page`."""
    questions: int
    candidates: int
    ndcg: float
    """nDCG@10, the mean over the questions; each has one right answer."""
    chance: float
    """What random orders have in the mean."""
    needed: float
    """What one in a hundred random orders of all questions exceeds. What finds no more may be guessing."""

    @property
    def found(self) -> bool:
        """Whether this was no guessing."""
        return self.ndcg > self.needed


def pair_figure(pair: str, ranks: Sequence[int], candidates: int) -> PairFigure:
    """The figure of the questions whose right answers came at these ranks, from 1 on."""
    by_rank = [_gain(rank) for rank in range(1, candidates + 1)]
    chance = sum(by_rank) / candidates
    spread = math.sqrt(sum((gain - chance) ** 2 for gain in by_rank) / candidates / len(ranks))
    return PairFigure(
        pair=pair,
        questions=len(ranks),
        candidates=candidates,
        ndcg=sum(map(_gain, ranks)) / len(ranks),
        chance=chance,
        needed=min(0.99, chance + _ONE_IN_A_HUNDRED * spread),
    )


def rank_of(right: int, scores: Sequence[float]) -> int:
    """At which rank, from 1 on, the candidate of this number comes; where scores tie, after the others."""
    return sum(score >= scores[right] for score in scores)


def _gain(rank: int) -> float:
    """The nDCG of a ranking with its one right answer at this rank."""
    return 1 / math.log2(rank + 1) if rank <= NDCG_DEPTH else 0.0
