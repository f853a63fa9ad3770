import io
from dataclasses import replace

import pytest
from rich.console import Console

from mcp_mmretrieval.bench.report import BenchReport
from mcp_mmretrieval.cli import bench_table
from tests.support.reports import CARD, LEFT_OUT, PICTURES, REPORT


def told(report: BenchReport) -> str:
    out = io.StringIO()
    Console(width=80, file=out).print(bench_table.report_table(report))
    return out.getvalue()


def test_what_was_left_out_is_told_with_its_reason() -> None:
    assert "film, 8 frames: left out, too long" in told(REPORT)


def test_a_table_of_a_card_has_a_column_for_its_memory_and_one_of_a_processor_has_none() -> None:
    assert "2.00 GB" in told(REPORT)
    on_processor = replace(REPORT, rows=tuple(replace(row, gpu_mb=0) for row in PICTURES))
    assert "GPU" not in told(on_processor)
    assert "0.90 GB" in told(on_processor)


def test_a_thing_is_named_once_and_its_sizes_follow_with_their_share_of_the_cap() -> None:
    shown = told(replace(REPORT, rows=PICTURES))
    assert shown.count("picture") == 1
    for words in ("0.25 MP", "¼", "½", "full", "20.0 ms", "50.0"):
        assert words in shown


@pytest.mark.parametrize(
    ("amount", "unit", "written"),
    [(1, "words", "1 word"), (380, "words", "380 words"), (6, "seconds", "6 s"), (1.5e6, "pixels", "1.50 MP")],
)
def test_an_amount_is_written_with_its_unit(amount: float, unit: str, written: str) -> None:
    assert bench_table.format_amount(amount, unit) == written


@pytest.mark.parametrize(
    ("ms", "written"), [(0.5, "0.50 ms"), (12.34, "12.3 ms"), (250.0, "250 ms"), (1_500, "1.50 s")]
)
def test_a_time_has_three_figures_and_becomes_seconds(ms: float, written: str) -> None:
    assert bench_table.format_milliseconds(ms) == written


def test_the_speed_of_a_slow_machine_is_told_in_gigaflops() -> None:
    assert "700 TFLOP/s" in bench_table.machine_line(CARD)
    slow = replace(CARD, device="cpu", matmul_tflops=0.4)
    assert bench_table.machine_line(slow).endswith("8 threads, 80 GB; bfloat16: 400 GFLOP/s in products of matrices")


def test_rows_left_out_have_no_figures() -> None:
    assert "-" in told(replace(REPORT, rows=(LEFT_OUT,)))
