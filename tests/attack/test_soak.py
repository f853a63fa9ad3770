"""The program's own judgement: what it calls growth, and that a short run has samples, answers and no trouble."""

from pathlib import Path

import pytest

from tests.attack import soak
from tests.attack.soak import Sample, growth_mb


def sampled(*megabytes: float, every: float = 100.0) -> list[Sample]:
    nothing = {"processes": 1, "descriptors": 1, "threads": 1, "catalog_kb": 1.0, "log_kb": 1.0, "calls": 1}
    return [
        Sample(seconds=number * every, pss_mb=used, **nothing)  # type: ignore[arg-type]
        for number, used in enumerate(megabytes)
    ]


def test_growth_is_that_of_the_least_of_each_ten_minutes_after_the_first() -> None:
    first, flat = [10.0, 50.0, 90.0, 100.0, 100.0, 100.0], [100.0, 180.0, 101.0, 102.0, 100.5, 100.0]
    assert growth_mb(sampled(*first, *flat, every=100.0)) is None
    assert growth_mb(sampled(*first, *flat, *flat, 0.0)) == pytest.approx(0.0)
    grown = [used + 3.0 for used in flat]
    assert growth_mb(sampled(*first, *flat, *flat, *grown, 0.0)) == pytest.approx(1.5)


def test_a_short_run_answers_rightly_and_writes_its_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SAMPLE_S", 1.0)
    monkeypatch.setattr(soak, "CLIENTS", 2)
    assert soak.soak(0.05, tmp_path / "soak.csv", soak.BY_HAND, 0.0) == ""
    head, *rows = (tmp_path / "soak.csv").read_text().splitlines()
    assert head.startswith("seconds,pss_mb,")
    assert len(rows) >= 3
    assert int(rows[-1].rpartition(",")[2]) > 10
