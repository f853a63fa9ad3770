"""A measurement as a picture: what an item costs at each of its sizes, on one logarithmic scale of time.

matplotlib draws it (the extra `plot`) and is imported when a picture is asked for. A bare Figure needs no display: the
file's suffix picks the backend, SVG or Agg.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.bench.report import BenchReport, BenchRow
from mcp_mmretrieval.cli.bench_table import (
    SECTION_HEADINGS,
    UNTRAINED_NOTE,
    format_amount,
    format_milliseconds,
    format_rate,
    machine_line,
    models_line,
)
from mcp_mmretrieval.errors import BadArgument, RetrievalError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_SUFFIXES = (".svg", ".png")

_INK, _GREY, _PALE, _CORAL = "#1f2933", "#6b7785", "#e6ebf0", "#e4572e"
_SECTION_COLOURS = {"adding": "#1c998c", "asking": "#12365c", "reranking": _CORAL}
_WIDTH_IN, _LINE_IN, _HEAD_IN, _FOOT_IN = 9.6, 0.46, 1.05, 0.8
_LABEL_ROOM_PX = 74
"""Two sizes of a thing that lie closer than this are not both labelled."""


def check_plot_file(name: str) -> None:
    """Raises BadArgument where the suffix is not one of `PLOT_SUFFIXES`, RetrievalError where matplotlib is missing."""
    if Path(name).suffix.lower() not in PLOT_SUFFIXES:
        raise BadArgument(f"--plot {name}: the name must end in {' or '.join(PLOT_SUFFIXES)}.")
    if find_spec("matplotlib") is None:
        raise RetrievalError(f"--plot {name}: matplotlib is not installed. Run: pip install 'mcp-mmretrieval[plot]'.")


def write_plot(report: BenchReport, path: Path) -> None:
    """Draw the report into a file, whose suffix is one of `PLOT_SUFFIXES`."""
    import matplotlib
    from matplotlib.figure import Figure

    measured = [row for row in report.rows if row.items]
    lines = list(_lines(measured))
    height = _HEAD_IN + _FOOT_IN + _LINE_IN * len(lines)
    # Words stay words in an SVG, and a `$` in a folder's name starts no formula.
    style = matplotlib.rc_context({"svg.fonttype": "none", "text.parse_math": False, "text.color": _INK})
    with style, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in a script that the font lacks is drawn as boxes
        figure = Figure(figsize=(_WIDTH_IN, height), dpi=100)
        figure.text(0.025, 1 - 0.3 / height, f"What an item costs: profile {report.profile}", size=16, va="center")
        figure.text(0.025, 1 - 0.58 / height, models_line(report), color=_GREY, va="center")
        figure.text(0.025, 1 - 0.78 / height, machine_line(report.machine), color=_GREY, va="center")
        if report.random_weights:
            figure.text(0.975, 1 - 0.3 / height, UNTRAINED_NOTE, color=_CORAL, ha="right", va="center")
        if measured:
            area = (0.2, _FOOT_IN / height, 0.64, 1 - (_HEAD_IN + _FOOT_IN) / height)
            _draw(figure.add_axes(area), lines)
        figure.text(0.025, 0.2 / height, _legend(measured), color=_GREY, size=9, va="center")
        figure.savefig(path)


def _lines(measured: Sequence[BenchRow]) -> Iterator[tuple[str, str, list[BenchRow]]]:
    """From the top: each section's heading, without rows, then its things with the rows of their sizes."""
    for part, rows in groupby(measured, key=lambda row: row.part):
        yield SECTION_HEADINGS[part], part, []
        for what, sizes in groupby(rows, key=lambda row: row.what):
            yield what, part, list(sizes)


def _draw(axes: Axes, lines: Sequence[tuple[str, str, list[BenchRow]]]) -> None:
    rows = [row for _, _, sizes in lines for row in sizes]
    axes.set_xscale("log")
    first, last = max(min(row.ms for row in rows), 1e-3), max(row.p95_ms for row in rows)
    axes.set_xlim(10 ** math.floor(math.log10(first) - 0.05), 10 ** math.ceil(math.log10(max(last, first)) + 0.05))
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.grid(axis="x", color=_PALE)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.minorticks_off()
    axes.tick_params(length=0, labelcolor=_GREY)
    axes.xaxis.set_major_formatter(lambda ms, _: f"{ms / 1_000:,.0f} s" if ms >= 1_000 else f"{ms:g} ms")
    labels = axes.set_yticks(range(len(lines)), [name for name, _, _ in lines]) and axes.get_yticklabels()
    for y, (label, (_, part, sizes)) in enumerate(zip(labels, lines, strict=True)):
        label.set(color=_INK if sizes else _SECTION_COLOURS[part], fontweight="normal" if sizes else "bold")
        if sizes:
            _draw_thing(axes, y, sizes, _SECTION_COLOURS[part])


def _draw_thing(axes: Axes, y: int, rows: Sequence[BenchRow], colour: str) -> None:
    """A dot for each size. The largest size within the cap is the large dot; its figures stand at the right."""
    main = max(rows, key=lambda row: (row.share <= 1, row.share))
    axes.plot([row.ms for row in rows], [y] * len(rows), "-o", color=colour, markersize=6)
    axes.plot([main.ms, main.p95_ms], [y, y], "-", color=colour, linewidth=1, marker="|", markevery=[1])
    axes.plot([main.ms], [y], "o", color=colour, markersize=11)
    taken: list[float] = []
    for row in sorted(rows, key=lambda row: row is not main):
        x = float(axes.transData.transform((row.ms, y))[0])
        if all(abs(x - other) >= _LABEL_ROOM_PX for other in taken):
            taken.append(x)
            amount = format_amount(row.amount, row.unit)
            axes.annotate(
                amount, (row.ms, y), (0, -13), textcoords="offset points", size=8, color=_GREY, ha="center", va="center"
            )
    figures = f"{format_milliseconds(main.ms)}, {format_rate(main.per_second)}/s"
    right = max(main.p95_ms, *(row.ms for row in rows))
    axes.annotate(figures, (right, y), (11, 0), textcoords="offset points", va="center", annotation_clip=False)


def _legend(measured: Sequence[BenchRow]) -> str:
    """What the dots mean, and the peak of memory."""
    if not measured:
        return "Nothing was measured."
    gpu_mb = max(row.gpu_mb for row in measured)
    memory = f"{max(row.memory_mb for row in measured) / 1e3:.1f} GB" + (
        f", GPU {gpu_mb / 1e3:.1f} GB" if gpu_mb else ""
    )
    return f"Dots: medians. Large dot and figures: at the cap. Thin line: up to 95 %. Peak memory: {memory}."
