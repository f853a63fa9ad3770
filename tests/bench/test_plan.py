"""What is measured, and in which order, with models that can be worked out by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mcp_mmretrieval.bench import footprint
from mcp_mmretrieval.bench.plan import SHARES_BY_EFFORT, BenchTask, InputCaps, MeasuredModels, bench_tasks
from mcp_mmretrieval.bench.report import BenchRow, MachineInfo, measured_rows
from mcp_mmretrieval.errors import Unfit
from mcp_mmretrieval.types import Content, Film, Sound, Vectors
from tests.support.models import ColourEmbedder, LengthReranker

CAPS = InputCaps(pixels=40_000, frame_pixels=10_000, rerank_pixels=20_000, sound_s=4.0, depth=5)
ON = MachineInfo(
    device="cpu", name="", memory_mb=0, cores=1, threads=1, dtype="float32", matmul_tflops=0.1, versions={}
)  # fmt: skip


class Everything(ColourEmbedder):
    """Takes sound and films, too, and remembers how large what it was given was."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Content] = []

    @property
    def hears(self) -> float:
        return 30.0

    @property
    def films(self) -> int:
        return 8

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        self.given += contents
        return np.ones((len(contents), 1), np.float32)


def planned(embedder: ColourEmbedder, thorough: str = "usual") -> list[BenchTask]:
    subjects = MeasuredModels(embedder, LengthReranker(), lambda pixels, frames: subjects)
    return list(bench_tasks(subjects, CAPS, SHARES_BY_EFFORT[thorough]))


def test_each_thing_is_measured_at_shares_of_its_cap_the_smaller_first() -> None:
    found: dict[tuple[str, str], list[float]] = {}
    for task in planned(Everything()):
        found.setdefault((task.part, task.what), []).append(task.amount)
    assert found["adding", "picture"] == [10_000, 20_000, 40_000]
    assert found["adding", "film"] == [2, 4, 8]
    assert found["adding", "sound"] == [1, 2, 4]
    quarter, half, window = found["adding", "text"]
    assert quarter < half < window
    assert set(found) >= {("asking", "words"), ("asking", "picture"), ("asking", "sound"), ("reranking", "text")}


def test_quick_measures_at_the_cap_alone() -> None:
    assert {task.share for task in planned(Everything(), "quick")} == {1.0}


def test_what_a_model_gets_is_as_large_as_the_row_says() -> None:
    embedder = Everything()
    for task in planned(embedder):
        if task.part != "adding":
            continue
        embedder.given.clear()
        task.run(task.make(3))
        assert len(embedder.given) == 3
        for content in embedder.given:
            if isinstance(content, str):
                assert len(content.split()) == task.amount
            elif isinstance(content, Sound):
                assert len(content.samples) / content.rate == task.amount
            elif isinstance(content, Film):
                assert len(content.pictures) == task.amount
            else:
                assert content.shape[0] * content.shape[1] == pytest.approx(task.amount, rel=0.02)


def test_a_model_that_takes_films_frame_by_frame_is_measured_by_the_frame() -> None:
    whats = [task.what for task in planned(ColourEmbedder()) if task.part == "adding"]
    assert "film frame" in whats
    assert not {"film", "sound"} & set(whats)


def test_rows_have_figures_that_fit_each_other() -> None:
    for row in measured_rows(iter(planned(Everything())), ON, 0.01):
        assert row.items >= row.batch >= 1
        assert 0 < row.ms <= row.p95_ms
        assert row.per_second > 0
        assert row.memory_mb > 0
        assert not row.left_out


def made(what: str, amount: float, run: Any) -> BenchTask:
    return BenchTask(part="adding", what=what, amount=amount, unit="pixels", make=lambda count: ["a"] * count, run=run)


def test_a_size_that_would_take_too_long_is_left_out_and_so_are_larger_ones() -> None:
    def never(_: Sequence[Content]) -> None:
        raise AssertionError

    asked: list[BenchTask] = [made("picture", 1, len), made("picture", 1e15, never), made("picture", 2e15, never)]
    found = list(measured_rows(iter([*asked, made("film", 1, len)]), ON, 0.01, patience=1.0))
    assert [bool(row.left_out) for row in found] == [False, True, True, False]
    assert "would take about" in found[1].left_out
    assert [row.items > 0 for row in found] == [True, False, False, True]


def test_what_a_model_cannot_take_is_told_in_its_row_and_the_others_go_on() -> None:
    def refuse(_: Sequence[Content]) -> None:
        raise Unfit([0], "Does not fit into 3 GB. Set MMRETRIEVAL_MODEL_PIXELS to less.")

    found: list[BenchRow] = list(measured_rows(iter([made("film", 1, refuse), made("text", 1, len)]), ON, 0.01))
    assert [row.left_out for row in found] == ["Does not fit into 3 GB. Set MMRETRIEVAL_MODEL_PIXELS to less.", ""]


def test_each_task_is_told_before_it_begins() -> None:
    told: list[str] = []
    next(
        measured_rows(
            iter([made("text", 1, len), made("film", 1, len)]), ON, 0.01, told=lambda task: told.append(task.what)
        )
    )
    assert told == ["text"]


def test_the_peak_of_memory_is_that_since_it_was_reset() -> None:
    footprint.reset_peak_memory()
    before = footprint.peak_memory_bytes()
    held = np.ones(200_000_000, np.uint8)
    assert footprint.peak_memory_bytes() >= before + 0.8 * held.nbytes
