"""The program's own judgement: what it calls growth, and that a short run has samples, answers and no trouble."""

from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.front.endpoint import Endpoint
from tests.attack import soak
from tests.attack.soak import Sample, growth_mb
from tests.support.engines import Front


def sampled(*megabytes: float, every: float = 100.0) -> list[Sample]:
    nothing = {
        "pss_mb": 1.0,
        "processes": 1,
        "descriptors": 1,
        "threads": 1,
        "catalog_kb": 1.0,
        "log_kb": 1.0,
        "calls": 1,
    }
    return [
        Sample(seconds=number * every, own_mb=used, **nothing)  # type: ignore[arg-type]
        for number, used in enumerate(megabytes)
    ]


def test_growth_is_that_of_the_median_of_each_ten_minutes_after_the_first() -> None:
    first, flat = [10.0, 50.0, 90.0, 100.0, 100.0, 100.0], [100.0, 180.0, 101.0, 102.0, 100.5, 100.0]
    assert growth_mb(sampled(*first, *flat, every=100.0)) is None
    assert growth_mb(sampled(*first, *flat, *flat, 0.0)) == pytest.approx(0.0)
    grown = [used + 3.0 for used in flat]
    assert growth_mb(sampled(*first, *flat, *flat, *grown, 0.0)) == pytest.approx(1.5)


def test_one_window_that_stands_out_is_no_growth() -> None:
    first, flat = [100.0] * 6, [100.0] * 6
    high = [130.0] * 6
    assert growth_mb(sampled(*first, *flat, *high, *flat, *flat, *flat, 0.0)) == pytest.approx(0.0)


def test_a_short_run_answers_rightly_and_writes_its_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SAMPLE_S", 1.0)
    monkeypatch.setattr(soak, "CLIENTS", 2)
    assert soak.soak(0.05, tmp_path / "soak.csv", soak.BY_HAND, 0.0) == ""
    head, *rows = (tmp_path / "soak.csv").read_text().splitlines()
    assert head.startswith("seconds,own_mb,pss_mb,")
    assert len(rows) >= 3
    assert int(rows[-1].rpartition(",")[2]) > 10


def test_an_answer_that_lacks_what_was_added_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calling = Front.call

    def emptied(front: Front, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = calling(front, tool, **arguments)
        return {**answer, "hits": []} if tool == "search_media" else answer

    monkeypatch.setattr(soak, "SAMPLE_S", 1.0)
    monkeypatch.setattr(soak, "CLIENTS", 1)
    monkeypatch.setattr(Front, "call", emptied)
    wrong = soak.soak(1.0, tmp_path / "soak.csv", soak.BY_HAND, 0.0)
    assert wrong.startswith("client 0, search: WrongAnswer")


def test_an_engine_that_is_another_one_ends_it(tmp_path: Path) -> None:
    endpoint = Endpoint(str(tmp_path), str(tmp_path))
    endpoint.write_state({"pid": 2})
    assert soak.trouble([], endpoint, 2) == ""
    assert soak.trouble([], endpoint, 1) == "the engine 1 ended: {'pid': 2}"
