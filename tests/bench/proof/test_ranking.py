"""Figures of a ranking, and what chance would have made of it."""

import math
import random
import statistics

import pytest

from mcp_mmretrieval.bench.proof.ranking import pair_figure, rank_of


def test_a_right_answer_comes_after_those_that_tie_with_it() -> None:
    assert rank_of(1, [0.5, 0.9, 0.1]) == 1
    assert rank_of(0, [0.5, 0.9, 0.1]) == 2
    assert rank_of(0, [0.0, 0.0, 0.0]) == 3, "a model that tells nothing apart finds nothing"


def test_the_figure_is_the_mean_gain_of_one_right_answer_each() -> None:
    assert pair_figure("text → page", [1, 1], 20).ndcg == 1
    assert pair_figure("text → page", [3], 20).ndcg == pytest.approx(1 / math.log2(4))
    assert pair_figure("text → page", [11], 20).ndcg == 0


def test_chance_is_what_random_orders_have() -> None:
    rolled = random.Random(1)
    drawn = [pair_figure("any", [rolled.randint(1, 13) for _ in range(8)], 13) for _ in range(4_000)]
    assert statistics.mean(one.ndcg for one in drawn) == pytest.approx(drawn[0].chance, abs=0.01)
    assert statistics.mean(one.found for one in drawn) == pytest.approx(0.01, abs=0.008)


def test_what_is_found_first_is_no_guessing_and_what_is_found_last_may_be() -> None:
    for questions in (3, 10):
        assert pair_figure("any", [1] * questions, 8).found
        assert not pair_figure("any", [4] * questions, 8).found
