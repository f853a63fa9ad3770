"""What is measured, and in which order, with models that can be worked out by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from mcp_mmretrieval.bench.plan import SHARES_BY_EFFORT, BenchTask, InputCaps, MeasuredModels, bench_tasks
from mcp_mmretrieval.bench.report import MachineInfo, measured_rows
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
    def calls_at_once(self) -> int:
        return 1

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
