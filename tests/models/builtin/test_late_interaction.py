"""Late interaction: which of the given texts answers."""

import pytest

from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.drawings import clock

pytestmark = pytest.mark.builtin


@pytest.fixture(scope="module")
def reranker(models: ModelPool) -> Reranker:
    reranker = models.reranker()
    assert reranker is not None
    return reranker


def test_what_answers_scores_best_and_all_scores_lie_between_0_and_1(reranker: Reranker) -> None:
    texts = ["The timetable starts in June.", "The gearbox overheated: a bearing was worn.", "Revenue rose."]
    scores = reranker.score("Why did the gearbox get hot?", texts)
    assert max(range(3), key=lambda number: scores[number] or 0) == 1
    assert all(score is not None and 0 <= score <= 1 for score in scores)


def test_a_passage_deep_in_a_long_text_counts(reranker: Reranker) -> None:
    passage = "The gearbox overheated because a bearing was worn."
    long = "The weather was fine. " * 100 + passage + " Nothing else happened. " * 100
    alone, deep, without = reranker.score("worn gearbox bearing", [passage, long, "The weather was fine. " * 200])
    assert alone is not None and deep is not None and without is not None
    assert deep > (alone + without) / 2


def test_what_is_no_text_has_no_score(reranker: Reranker) -> None:
    scores = reranker.score("a clock", [clock(), "a clock on the wall", ""])
    assert scores[0] is None
    assert scores[1] is not None and scores[1] > 0.8
    assert scores[2] is None


@pytest.mark.parametrize("query", ["", "?!"])
def test_a_query_without_words_scores_nothing(reranker: Reranker, query: str) -> None:
    assert reranker.score(query, ["a text"]) == [None]


def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    assert reranker.score("a clock", []) == []


def test_a_search_does_not_use_it_unasked(reranker: Reranker) -> None:
    assert not reranker.by_default
