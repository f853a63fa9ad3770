"""Rows of a measurement, of work that is no model."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from mcp_mmretrieval.bench import flops  # noqa: F401  imported here, lest its seconds count as a row's
from mcp_mmretrieval.bench.plan import BenchTask
from mcp_mmretrieval.bench.report import BenchRow, MachineInfo, measured_rows
from mcp_mmretrieval.errors import Unfit
from mcp_mmretrieval.types import Content

ON = MachineInfo(
    device="cpu", name="", memory_mb=0, cores=1, threads=1, dtype="float32", matmul_tflops=0.1, versions={}
)  # fmt: skip


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


def test_operations_are_told_as_a_share_of_what_the_device_can_do() -> None:
    left, right = torch.ones(300, 200), torch.ones(200, 100)
    (row,) = measured_rows(iter([made("picture", 1, lambda contents: left @ right)]), ON, 0.01)
    assert row.gflop == pytest.approx(2 * 300 * 200 * 100 / 1e9)
    assert row.matmul_tflops > 0
    assert row.of_matmul == pytest.approx(min(1.0, row.gflop / 1e3 * row.per_second / row.matmul_tflops))


def test_no_share_is_above_all_that_the_device_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else runs on the machine may have ended, or begun, since its own speed was measured."""
    monkeypatch.setattr("mcp_mmretrieval.bench.flops.matmul_flops_per_second", lambda *given: 1.0)
    square = torch.ones(200, 200)
    (row,) = measured_rows(iter([made("picture", 1, lambda contents: square @ square)]), ON, 0.01)
    assert row.of_matmul == 1.0


def test_a_row_that_does_not_end_is_left_behind_and_the_others_go_on_once_the_model_is_free() -> None:
    go_on = threading.Event()

    def wait(_: Sequence[Content]) -> None:
        assert go_on.wait(30)

    tasks = [made("film", 1, wait), made("text", 1, len), made("film", 2, len)]
    threading.Timer(3, go_on.set).start()  # between one bound and two, far from both on a busy machine
    found = list(measured_rows(iter(tasks), ON, 0.01, bound=2))
    assert [row.left_out for row in found] == ["did not end within 2 s", "", ""]
    go_on.clear()
    found = list(measured_rows(iter(tasks), ON, 0.01, bound=0.1))
    go_on.set()
    assert [row.left_out for row in found] == [
        "did not end within 0.1 s",
        *["the model is still at an earlier row"] * 2,
    ]


def test_what_a_model_cannot_take_is_told_in_its_row_and_the_others_go_on() -> None:
    def refuse(_: Sequence[Content]) -> None:
        raise Unfit([0], "Does not fit into 3 GB. Set MMRETRIEVAL_MODEL_PIXELS to less.")

    found: list[BenchRow] = list(measured_rows(iter([made("film", 1, refuse), made("text", 1, len)]), ON, 0.01))
    assert [row.left_out for row in found] == ["Does not fit into 3 GB. Set MMRETRIEVAL_MODEL_PIXELS to less.", ""]


def test_each_task_is_told_before_it_begins() -> None:
    told: list[str] = []
    next(
        measured_rows(
            iter([made("text", 1, len), made("film", 1, len)]), ON, 0.01, on_task=lambda task: told.append(task.what)
        )
    )
    assert told == ["text"]
