"""A measurement as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.bench.report import BenchReport, BenchRow, MachineInfo
from mcp_mmretrieval.cli import show

SECTION_HEADINGS = {"adding": "Adding", "asking": "A query by", "reranking": "Reranking a pair"}
UNTRAINED_NOTE = "random weights: speed and memory only"
"""Stands wherever figures of an untrained model do: they say nothing of what it finds."""
_FRACTIONS = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1.0: "full", 2.0: "2x"}


def report_table(report: BenchReport) -> RenderableType:
    """The whole of it: what was measured on what, a row each, and what follows."""
    return Group(*_head(report), _rows(report), *show.render_notes(_left_out(report)), *show.render_notes(report.notes))


def format_amount(amount: float, unit: str) -> str:
    """So much of a unit."""
    if unit == "pixels":
        return f"{amount / 1e6:.2f} MP"
    if unit == "seconds":
        return f"{amount:g} s"
    return f"{amount:g} {unit if amount != 1 else unit[:-1]}"


def format_milliseconds(ms: float) -> str:
    """Three figures, from a second on in seconds."""
    return f"{_figures(ms)} ms" if ms < 1_000 else f"{_figures(ms / 1_000)} s"


def format_rate(per_second: float) -> str:
    """Three figures."""
    return _figures(per_second)


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def models_line(report: BenchReport) -> str:
    """Which models were measured."""
    embedder = report.embedder.get("model") or report.profile
    return f"{embedder}; reranker: {report.reranker}" if report.reranker else str(embedder)


def machine_line(on: MachineInfo) -> str:
    """What they ran on, and how fast that is by itself."""
    tflops = on.matmul_tflops
    speed = f"{tflops:,.0f} TFLOP/s" if tflops >= 10 else f"{tflops * 1_000:,.0f} GFLOP/s"
    used = f"{on.threads} threads, " if on.device == "cpu" else ""
    return f"{on.name}, {used}{on.memory_mb / 1e3:,.0f} GB; {on.dtype}: {speed} in products of matrices"


def _head(report: BenchReport) -> Iterator[RenderableType]:
    facts = show.Facts()
    facts.add_row("profile", Text(report.profile))
    facts.add_row("models", Text(models_line(report)))
    facts.add_row("machine", Text(machine_line(report.machine)))
    facts.add_row("loading", f"{report.loading_s:.1f} s")
    yield facts
    if report.random_weights:
        yield Text(UNTRAINED_NOTE, style="bold yellow")


def _rows(report: BenchReport) -> Table:
    """One column is left out where nothing stands in it: the card's memory, or the share of what it can do."""
    gpu = any(row.gpu_mb for row in report.rows)
    known = any(row.of_matmul for row in report.rows)
    names = ["", "size", "cap", "items/s", "an item", "95 %", *["of peak"] * known, "memory", *["GPU"] * gpu]
    made = Table(box=None, padding=(0, 1 if gpu else 2, 0, 0), header_style="dim")
    for name in names:
        made.add_column(name, justify="left" if name in ("", "size") else "right", no_wrap=True)
    for part, some in groupby(report.rows, key=lambda row: row.part):
        made.add_row(Text(SECTION_HEADINGS[part], style="bold"))
        before = ""
        for row in some:
            made.add_row(*_cells(row, repeated=row.what == before, gpu=gpu, known=known))
            before = row.what
    return made


def _left_out(report: BenchReport) -> Iterator[str]:
    for row in report.rows:
        if row.left_out:
            amount = format_amount(row.amount, row.unit)
            yield f"{SECTION_HEADINGS[row.part]} {row.what}, {amount}: left out, {row.left_out}."


def _cells(row: BenchRow, *, repeated: bool, gpu: bool, known: bool) -> Iterator[Text]:
    yield Text("  " if repeated else f"  {row.what}")
    yield Text(format_amount(row.amount, row.unit))
    yield Text(_FRACTIONS.get(row.share, f"{row.share:g}") if row.cap else "", style="dim")
    if row.left_out:
        yield Text("-", style="yellow")
        return
    yield Text(format_rate(row.per_second))
    yield Text(format_milliseconds(row.ms), style="bold")
    yield Text(format_milliseconds(row.p95_ms) if row.items > row.batch else "", style="dim")
    if known:
        yield Text(f"{row.of_matmul:.0%}" if row.of_matmul else "")
    yield Text(f"{row.memory_mb / 1e3:.2f} GB")
    if gpu:
        yield Text(f"{row.gpu_mb / 1e3:.2f} GB")
