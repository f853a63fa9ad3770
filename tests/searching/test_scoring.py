"""Scoring as far as there is time: steps of known cost, and contents that are loaded meanwhile."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from mcp_mmretrieval.errors import BadArgument, UnreadableMedia
from mcp_mmretrieval.searching import scoring
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.scoring import Scores, ScoringCosts, ScoringItem, score_in_time, text_item
from mcp_mmretrieval.types import Content
from tests.support.models import PATIENCE


def test_pairs_of_known_cost_are_begun_only_if_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def score(contents: Sequence[Content]) -> Scores:
        nonlocal now
        now += 1.0 * len(contents)
        return [0.5] * len(contents)

    blank = np.zeros((8, 8, 3), np.uint8)
    pages = [ScoringItem("picture", lambda _: blank)] * 20
    costs = ScoringCosts()
    assert (
        len(score_in_time(score, pages, DeadlineClock(4.5), costs, "slow")) == 4
    )  # the first alone, the others as they fit
    assert costs.known == {("slow", "picture"): 1.0}
    assert score_in_time(score, pages, DeadlineClock(0.9), costs, "slow") == []
    assert len(score_in_time(score, [text_item("a")] * 3, DeadlineClock(4.5), costs, "slow")) == 3


def test_contents_are_loaded_while_others_are_scored_and_errors_are_the_askers() -> None:
    reached = threading.Event()

    def later(_: threading.Event) -> Content:
        reached.set()
        return np.zeros((8, 8, 3), np.uint8)

    def score(contents: Sequence[Content]) -> Scores:
        assert reached.wait(PATIENCE)
        return [0.5] * len(contents)

    def gone(_: threading.Event) -> Content:
        raise UnreadableMedia("corrupt", "no such page")

    def broken(_: threading.Event) -> Content:
        raise BadArgument("a bug")

    one = ScoringItem("picture", lambda _: np.zeros((8, 8, 3), np.uint8))
    wanted = [one, ScoringItem("film", later), ScoringItem("film", gone)]
    assert score_in_time(score, wanted, DeadlineClock(PATIENCE), ScoringCosts()) == [0.5, 0.5, None]
    with pytest.raises(BadArgument, match="a bug"):
        score_in_time(score, [ScoringItem("film", broken)], DeadlineClock(None), ScoringCosts())


def test_the_next_few_are_not_begun_when_the_last_few_took_longer_than_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def score(contents: Sequence[Content]) -> Scores:
        nonlocal now
        now += 0.3
        return [0.5] * len(contents)

    texts = [text_item("a")] * 100

    assert len(score_in_time(score, texts, DeadlineClock(1.05), ScoringCosts())) == 3 * scoring.UNMEASURED_STEP_TEXTS
    assert len(score_in_time(score, texts, DeadlineClock(None), ScoringCosts())) == 100
