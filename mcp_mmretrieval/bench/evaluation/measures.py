"""Measures of ranked lists, as trec_eval computes them (by ir-measures), and how sure they are (by scipy).

Both come with the extra `eval` and are imported when something is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.errors import RetrievalError

DEPTH = 10
"""Hits that are asked for and judged."""
RESAMPLES = 1_000
"""Of a bootstrap interval."""
RANDOM_SEED = 0

Measure = Literal["nDCG@10", "hit@1", "recall@10", "hit@10", "MRR"]
"""nDCG@10 weighs answers by grade and rank (Järvelin & Kekäläinen 2002); hit@n: whether one of the first n answers;
recall@10: the share of the answers among the first ten, of ten at most; MRR: 1 by the rank of the first answer."""
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where it lies with 95 % certainty."""

    mean: float
    low: float
    high: float


def require_measures() -> None:
    """Raises RetrievalError where the extra is not installed."""
    if find_spec("ir_measures") is None:
        raise RetrievalError(
            "eval needs ir-measures, which is not installed. Run: pip install 'mcp-mmretrieval[eval]'."
        )


def measured(asked: Sequence[tuple[JudgedQuestion, Sequence[str]]]) -> dict[Measure, list[float]]:
    """One value a question of each measure, in order, for questions and what was found, best first.

    Each question has something that answers it.
    """
    import ir_measures
    from ir_measures import RR, R, Success, nDCG

    measures = {nDCG @ DEPTH: "nDCG@10", Success @ 1: "hit@1", R @ DEPTH: "recall@10"}
    measures |= {Success @ DEPTH: "hit@10", RR @ DEPTH: "MRR"}
    qrels = {str(at): dict(question.grades) for at, (question, _) in enumerate(asked)}
    run = {
        str(at): {name: float(-rank) for rank, name in enumerate(ranked[:DEPTH])}
        for at, (_, ranked) in enumerate(asked)
    }
    values: dict[str, list[float]] = {name: [0.0] * len(asked) for name in MEASURES}
    for one in ir_measures.iter_calc(list(measures), qrels, run):
        values[measures[one.measure]][int(one.query_id)] = one.value
    recall = values["recall@10"]
    for at, (question, _) in enumerate(asked):
        recall[at] *= len(question.grades) / min(DEPTH, len(question.grades))
    return {name: values[name] for name in MEASURES}


def bootstrap_interval(values: Sequence[float]) -> Interval:
    """The mean, and its interval of 95 % by the percentile bootstrap (Efron 1979)."""
    import numpy as np
    from scipy.stats import bootstrap  # type: ignore[import-untyped]

    mean = sum(values) / len(values)
    if len(set(values)) == 1:
        return Interval(mean, mean, mean)
    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=RANDOM_SEED)
    return Interval(mean, float(found.confidence_interval.low), float(found.confidence_interval.high))


@dataclass(frozen=True, slots=True)
class Difference:
    """How two lists of values differ, question by question."""

    before: float
    after: float
    change: Interval
    p: float
    """Chance of a change so large where the two are alike: the randomisation test (Fisher 1935)."""
    better: int
    worse: int


def paired_difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """The change of each question's value, and how sure it is."""
    import numpy as np
    from scipy.stats import permutation_test

    changes = [then - first for first, then in zip(before, after, strict=True)]
    p = 1.0
    if len(changes) > 1 and any(changes):  # of one question alone nothing can be told
        test = permutation_test((changes,), np.mean, permutation_type="samples", n_resamples=9_999, rng=RANDOM_SEED)
        p = float(test.pvalue)
    return Difference(
        before=sum(before) / len(before),
        after=sum(after) / len(after),
        change=bootstrap_interval(changes),
        p=p,
        better=sum(change > 0 for change in changes),
        worse=sum(change < 0 for change in changes),
    )
