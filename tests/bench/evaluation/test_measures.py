"""Measures beside what their definitions say."""

import math

import pytest

from mcp_mmretrieval.bench.evaluation import measures
from mcp_mmretrieval.bench.evaluation.measures import bootstrap_interval, measured, paired_difference, require_measures
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.errors import RetrievalError


def question(**grades: int) -> JudgedQuestion:
    return JudgedQuestion(id="q", query="?", grades=grades)


def test_measures_are_those_of_their_definitions() -> None:
    asked = [
        (question(a=2, b=1), ["x", "a", "b"]),
        (question(a=1), []),
        (question(a=1), [*"bcdefghijk", "a"]),
        (question(**{f"a{at}": 1 for at in range(20)}), [f"a{at}" for at in range(5)]),
    ]
    values = measured(asked)
    gained = 2 / math.log2(3) + 1 / math.log2(4)
    assert values["nDCG@10"][0] == pytest.approx(gained / (2 + 1 / math.log2(3)))
    assert values["hit@1"] == [0, 0, 0, 1]
    assert values["hit@10"] == [1, 0, 0, 1]
    assert values["recall@10"] == [1, 0, 0, 0.5]  # of twenty answers ten can be among the first ten
    assert values["MRR"] == [0.5, 0, 0, 1]
    assert [len(each) for each in values.values()] == [4] * 5


def test_an_interval_holds_the_mean_and_narrows_with_more_questions() -> None:
    few, many = bootstrap_interval([0.0, 1.0] * 5), bootstrap_interval([0.0, 1.0] * 200)
    assert few.low < few.mean == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 3
    assert bootstrap_interval([0.0, 1.0] * 5) == few
    same = bootstrap_interval([1.0])
    assert (same.low, same.mean, same.high) == (1, 1, 1)


def test_a_change_that_chance_explains_is_told_from_one_that_it_does_not() -> None:
    sure = paired_difference([0.2] * 20, [0.3] * 19 + [0.1])
    assert sure.p < 0.01
    assert (sure.better, sure.worse) == (19, 1)
    assert sure.change.low > 0
    unsure = paired_difference([0.2, 0.4, 0.6, 0.8], [0.3, 0.3, 0.7, 0.7])
    assert unsure.p > 0.5
    none = paired_difference([0.5, 0.5], [0.5, 0.5])
    assert (none.p, none.change.mean, none.better, none.worse) == (1.0, 0.0, 0, 0)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_measures()
    monkeypatch.setattr(measures, "find_spec", lambda name: None)
    with pytest.raises(RetrievalError, match=r"pip install 'mcp-mmretrieval\[eval\]'"):
        require_measures()
