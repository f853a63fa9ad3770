"""A run in figures, worked out by hand."""

import pytest

from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.bench.evaluation.runs import AskedQuestion, Ranking
from mcp_mmretrieval.bench.evaluation.summary import (
    compared_runs,
    lanes_left_out,
    match_shares,
    measured_groups,
    stage_times,
    told_groups,
)
from tests.bench.evaluation.made_runs import AFTER, BEFORE, found, run


def test_each_way_and_group_has_its_means() -> None:
    groups = {(one.way, one.group): one for one in measured_groups(BEFORE)}
    assert list(groups) == [(way, group) for way in ("all", "words") for group in ("all", "easy", "hard")]
    assert [one.questions for one in groups.values()] == [3, 1, 2] * 2
    assert groups["all", "all"].values["hit@1"].mean == pytest.approx(2 / 3)
    assert groups["all", "hard"].values["MRR"].mean == pytest.approx((1 / 2 + 1) / 2)
    assert groups["words", "hard"].values["nDCG@10"].mean == 0


def test_match_is_judged_by_first_hits_and_by_what_is_not_there() -> None:
    strong, fair, weak = match_shares(BEFORE)
    assert [(one.match, one.hits, one.right.mean if one.right else None) for one in (strong, fair, weak)] == [
        ("strong", 1, 1.0),
        ("fair", 1, 1.0),
        ("weak", 1, 0.0),
    ]
    assert [one.absent for one in (strong, fair, weak)] == [0.0, pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert [one.absent for one in match_shares(AFTER)] == [None] * 3


def test_stages_have_their_median_and_their_slow_case() -> None:
    assert [(one.stage, one.median, one.slow) for one in stage_times(BEFORE)] == [("words", 1, 1), ("total", 10, 30)]


def test_two_runs_are_compared_over_what_both_asked() -> None:
    compared = {(one.way, one.measure): one for one in compared_runs(BEFORE, AFTER)}
    better = compared["all", "hit@1"]
    assert (better.questions, better.difference.before, better.difference.after) == (2, 0.5, 1.0)
    assert (better.difference.better, better.difference.worse) == (1, 0)
    assert compared["words", "nDCG@10"].difference.change.mean == 0


def test_a_lane_is_worth_what_leaving_it_out_costs() -> None:
    asked = AskedQuestion(
        set="made",
        question=JudgedQuestion(id="q", query="?", grades={"right": 1}),
        found={"all": found("right"), "words": found("right"), "without words": found("other")},
    )
    (one,) = lanes_left_out(run([asked]))
    assert (one.way, one.difference.change.mean, one.difference.worse) == ("without words", -1.0, 1)


def test_a_person_is_told_of_groups_once_and_of_no_lane_that_finds_nothing() -> None:
    nothing = Ranking(ranked=())
    questions = [
        AskedQuestion(
            set="made",
            question=JudgedQuestion(id=group, query="?", group=group, grades={"right": 1}),
            found={"all": found("right"), "words": found("right"), "sound": nothing, "without sound": found("right")},
        )
        for group in ("easy", "hard")
    ]
    assert [(one.way, one.group) for one in told_groups(run(questions))] == [
        ("all", "all"),
        ("all", "easy"),
        ("all", "hard"),
        ("words", "all"),
    ]
    assert len(list(measured_groups(run(questions)))) == 12
    assert [one.group for one in told_groups(run(questions[:1]))] == ["all", "all"]
