"""A run in figures: measures by set, group and way of asking; what `match` is worth; how long each stage takes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from mcp_mmretrieval.answers import Match
from mcp_mmretrieval.bench.evaluation.asking import LEFT_OUT
from mcp_mmretrieval.bench.evaluation.measures import (
    MEASURES,
    Difference,
    Interval,
    Measure,
    bootstrap_interval,
    measured,
    paired_difference,
)
from mcp_mmretrieval.bench.evaluation.questions import ALL_QUESTIONS
from mcp_mmretrieval.bench.evaluation.runs import ALL_LANES_RUN, EvaluationRun, Ranking, same_questions

MATCHES: tuple[Match, ...] = get_args(Match)
SLOW_SHARE = 0.95
"""Share of the searches that are no slower than what is told as the slow case."""


@dataclass(frozen=True, slots=True)
class MeasuredGroup:
    """The measures of some questions, asked in one way."""

    set: str
    group: str
    way: str
    questions: int
    values: Mapping[Measure, Interval]


@dataclass(frozen=True, slots=True)
class MatchShare:
    """Of the first hits that are told as strong, fair or weak, how many are right."""

    match: Match
    hits: int
    right: Interval | None
    """None where there are no such hits."""
    absent: float | None
    """The share of the questions without an answer whose first hit is told so; None where none was asked."""


@dataclass(frozen=True, slots=True)
class StageTime:
    """Milliseconds that a stage takes in searches with all lanes."""

    stage: str
    median: float
    slow: float
    """The 95th percentile."""


@dataclass(frozen=True, slots=True)
class ComparedGroup:
    """How one measure of a set's questions, asked in one way, differs between two runs."""

    set: str
    way: str
    measure: Measure
    questions: int
    difference: Difference


def measured_groups(run: EvaluationRun) -> Iterator[MeasuredGroup]:
    """Each set in each way, all its questions first where they have several groups."""
    for name in run.sets:
        for way in run.ways(name):
            asked = [one for one in run.asked if one.set == name and way in one.found and one.question.grades]
            if not asked:
                continue
            values = measured([(one.question, one.found[way].ranked) for one in asked])
            groups = {one.question.group for one in asked} - {""}
            for group in [ALL_QUESTIONS, *sorted(groups)]:
                mine = [at for at, one in enumerate(asked) if group in (ALL_QUESTIONS, one.question.group)]
                intervals = {measure: bootstrap_interval([values[measure][at] for at in mine]) for measure in MEASURES}
                yield MeasuredGroup(name, group, way, len(mine), intervals)


def told_groups(run: EvaluationRun) -> Iterator[MeasuredGroup]:
    """What a person is told of these: groups where there are several, with all lanes; no lane that finds nothing."""
    silent = {
        (name, way)
        for name in run.sets
        for way in run.ways(name)
        if not any(one.found[way].ranked for one in run.asked if one.set == name and way in one.found)
    }
    groups = {name: {one.question.group for one in run.asked if one.set == name} for name in run.sets}
    for one in measured_groups(run):
        whole = one.group == ALL_QUESTIONS
        finds = (one.set, one.way.removeprefix(LEFT_OUT)) not in silent
        if finds and (whole or (one.way == ALL_LANES_RUN and len(groups[one.set]) > 1)):
            yield one


def match_shares(run: EvaluationRun) -> list[MatchShare]:
    """The calibration curve of `match`: over the first hits of all sets, with all lanes."""
    answered = [one for one in run.asked if ALL_LANES_RUN in one.found and one.question.grades]
    absent = [one.found[ALL_LANES_RUN] for one in run.asked if ALL_LANES_RUN in one.found and not one.question.grades]
    absent += run.absent
    right: dict[Match, list[float]] = {match: [] for match in MATCHES}
    for one in answered:
        found = one.found[ALL_LANES_RUN]
        if found.match is not None:
            right[found.match].append(float(found.ranked[0] in one.question.grades))
    told = Counter(found.match for found in absent)
    return [
        MatchShare(
            match=match,
            hits=len(right[match]),
            right=bootstrap_interval(right[match]) if right[match] else None,
            absent=told[match] / len(absent) if absent else None,
        )
        for match in MATCHES
    ]


def stage_times(run: EvaluationRun) -> list[StageTime]:
    """How long each stage takes, in the order in which searches tell them."""
    found = [one.found[ALL_LANES_RUN] for one in run.asked if ALL_LANES_RUN in one.found]
    stages = dict.fromkeys(stage for one in found for stage in one.elapsed_ms)
    return [StageTime(stage, *_middle_and_slow(found, stage)) for stage in stages]


def _middle_and_slow(found: Sequence[Ranking], stage: str) -> tuple[float, float]:
    times = sorted(one.elapsed_ms[stage] for one in found if stage in one.elapsed_ms)
    slow = times[math.ceil(SLOW_SHARE * len(times)) - 1]
    return (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2, slow


def compared_runs(before: EvaluationRun, after: EvaluationRun) -> Iterator[ComparedGroup]:
    """Each measure of each set and way that both runs have, over the questions that both asked."""
    for name in before.sets:
        for way in before.ways(name):
            pairs = [pair for pair in same_questions(before, after, name, way) if pair[2].grades]
            if not pairs:
                continue
            first = measured([(question, mine.ranked) for mine, _, question in pairs])
            then = measured([(question, its.ranked) for _, its, question in pairs])
            for measure in MEASURES:
                difference = paired_difference(first[measure], then[measure])
                yield ComparedGroup(name, way, measure, len(pairs), difference)


def lanes_left_out(run: EvaluationRun) -> Iterator[ComparedGroup]:
    """What leaving out each lane changes of nDCG@10: the change from a search with all."""
    for name in run.sets:
        asked = [one for one in run.asked if one.set == name and ALL_LANES_RUN in one.found and one.question.grades]
        for way in run.ways(name):
            pairs = [one for one in asked if way in one.found]
            if pairs and way.startswith(LEFT_OUT):
                values = [
                    measured([(one.question, one.found[each].ranked) for one in pairs])["nDCG@10"]
                    for each in (ALL_LANES_RUN, way)
                ]
                yield ComparedGroup(name, way, "nDCG@10", len(pairs), paired_difference(*values))
