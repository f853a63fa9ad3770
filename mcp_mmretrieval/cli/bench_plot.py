"""A measurement as a picture: what each thing costs, and what its cap saves, on one scale of time.

Drawn by hand on a paper that is either pixels (`demo_media.canvas`, with Pillow's own typeface) or SVG.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

from mcp_mmretrieval.bench.report import BenchReport, BenchRow
from mcp_mmretrieval.cli import bench_table
from mcp_mmretrieval.cli.bench_table import SECTION_HEADINGS, UNTRAINED_NOTE
from mcp_mmretrieval.demo_media.canvas import CORAL, GREY, INK, NAVY, PALE, PAPER, TEAL, Canvas

KINDS = (".svg", ".png")
"""Endings of a name that say how it is drawn."""

_COLOURS = {"adding": TEAL, "asking": NAVY, "reranking": CORAL}
_WIDTH, _LEFT, _RIGHT = 960, 200, 150
_TOP, _LINE, _HEADING = 118, 46, 34
_NEAR = 74
"""Pixels between two dots at least for both to be labelled."""
_BIG = 7
"""Radius of the dot at the cap."""
_ANCHORS = {"l": "start", "m": "middle", "r": "end"}


class Paper(Protocol):
    """What is drawn on; both kinds take the same strokes."""

    def words(self, x: float, y: float, text: str, *, size: int = 18, colour: str = INK, anchor: str = "lm") -> None:
        """A line of text around its middle; `anchor`: `lm`, `mm` or `rm`."""

    def box(self, left: float, top: float, right: float, bottom: float, colour: str, *, corner: float = 0) -> None:
        """A filled rectangle."""

    def line(self, points: Sequence[tuple[float, float]], colour: str, *, width: float = 1) -> None:
        """Straight lines from point to point."""

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A filled circle."""


class Svg:
    """A paper that becomes an SVG."""

    def __init__(self, width: int, height: int) -> None:
        self._size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        self._marks: list[str] = []
        self.box(0, 0, width, height, PAPER)

    def words(self, x: float, y: float, text: str, *, size: int = 18, colour: str = INK, anchor: str = "lm") -> None:
        """A line of text around its middle."""
        place = f'x="{x:.1f}" y="{y + size * 0.35:.1f}" font-size="{size}" text-anchor="{_ANCHORS[anchor[0]]}"'
        self._marks.append(f'<text {place} fill="{colour}">{html.escape(text)}</text>')

    def box(self, left: float, top: float, right: float, bottom: float, colour: str, *, corner: float = 0) -> None:
        """A filled rectangle."""
        size = f'width="{right - left:.1f}" height="{bottom - top:.1f}" rx="{corner:g}"'
        self._marks.append(f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="{colour}"/>')

    def line(self, points: Sequence[tuple[float, float]], colour: str, *, width: float = 1) -> None:
        """Straight lines from point to point."""
        along = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._marks.append(f'<polyline points="{along}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>')

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A filled circle."""
        self._marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>')

    def text(self) -> str:
        """The whole of it."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {self._size} font-family="Helvetica, Arial, sans-serif">'
        return "\n".join([head, *self._marks, "</svg>", ""])


def write(report: BenchReport, path: Path) -> None:
    """Draw the report into a file; its ending, one of `KINDS`, says how."""
    height = _height(report)
    if path.suffix.lower() == ".svg":
        svg = Svg(_WIDTH, height)
        draw(report, svg, height)
        path.write_text(svg.text(), encoding="utf-8")
        return
    canvas = Canvas(_WIDTH, height)
    draw(report, canvas, height)
    canvas.picture().save(path)


def draw(report: BenchReport, paper: Paper, height: int) -> None:
    """A line for each thing that was measured, with a dot for each of its sizes."""
    measured = [row for row in report.rows if row.items]
    paper.words(24, 30, f"What an item costs: profile {report.profile}", size=22)
    paper.words(24, 58, bench_table.models_line(report), size=14, colour=GREY)
    paper.words(24, 78, bench_table.machine_line(report.machine), size=14, colour=GREY)
    if report.random_weights:
        paper.words(_WIDTH - 24, 30, UNTRAINED_NOTE, size=14, colour=CORAL, anchor="rm")
    if not measured:
        paper.words(24, _TOP, "Nothing was measured.", colour=GREY)
        return
    scale = Scale([ms for row in measured for ms in (row.ms, row.p95_ms)])
    _grid(paper, scale, height)
    y: float = _TOP
    for part, rows in groupby(measured, key=lambda row: row.part):
        paper.words(24, y, SECTION_HEADINGS[part], size=16, colour=_COLOURS[part])
        y += _HEADING
        for what, sizes in groupby(rows, key=lambda row: row.what):
            _thing(paper, scale, y, what, list(sizes), _COLOURS[part])
            y += _LINE
    told = (
        "Dots: medians; figures: of the large one, at its cap; thin line: up to 95 %; each step is ten times the last. "
        + _memory(measured)
    )
    paper.words(24, height - 22, told, size=13, colour=GREY)


class Scale:
    """Milliseconds to pixels from the left, by their logarithm."""

    def __init__(self, values: Sequence[float]) -> None:
        self.first = math.floor(math.log10(max(min(values), 1e-3)) - 0.05)
        self.last = max(self.first + 1, math.ceil(math.log10(max(*values, 1e-3)) + 0.05))

    def x(self, ms: float) -> float:
        """Where it lies."""
        share = (math.log10(max(ms, 1e-3)) - self.first) / (self.last - self.first)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def steps(self) -> Iterator[float]:
        """Powers of ten."""
        yield from (10.0**power for power in range(self.first, self.last + 1))


def _grid(paper: Paper, scale: Scale, height: int) -> None:
    for step in scale.steps():
        x = scale.x(step)
        paper.line([(x, _TOP - 8), (x, height - 58)], PALE, width=1)
        label = f"{step / 1_000:,.0f} s" if step >= 1_000 else f"{step:g} ms"
        paper.words(x, height - 46, label, size=13, colour=GREY, anchor="mm")


def _thing(paper: Paper, scale: Scale, y: float, what: str, rows: Sequence[BenchRow], colour: str) -> None:
    """Its sizes along a line; the largest within the cap is the large dot, and says how many it does a second."""
    paper.words(_LEFT - 16, y, what, size=15, anchor="rm")
    xs = [scale.x(row.ms) for row in rows]
    paper.line([(min(xs), y), (max(xs), y)], colour, width=2)
    main = max(range(len(rows)), key=lambda index: (rows[index].share <= 1, rows[index].share))
    slow = scale.x(rows[main].p95_ms)
    if slow > xs[main] + _BIG + 3:
        paper.line([(xs[main], y), (slow, y)], colour, width=1)
        paper.line([(slow, y - 4), (slow, y + 4)], colour, width=1)
    for index, x in enumerate(xs):
        paper.dot(x, y, _BIG if index == main else 4, colour)
    for row, x in _labelled(rows, xs, main):
        paper.words(x, y + 16, bench_table.format_amount(row.amount, row.unit), size=11, colour=GREY, anchor="mm")
    told = f"{bench_table.format_milliseconds(rows[main].ms)}, {bench_table.format_rate(rows[main].per_second)}/s"
    paper.words(max(slow, *xs) + 16, y - 1, told, size=13)


def _memory(rows: Sequence[BenchRow]) -> str:
    card = max(row.gpu_mb for row in rows)
    told = f"Memory at most: {max(row.memory_mb for row in rows) / 1e3:.1f} GB"
    return f"{told}, and {card / 1e3:.1f} GB of the card." if card else f"{told}."


def _labelled(rows: Sequence[BenchRow], xs: Sequence[float], main: int) -> Iterator[tuple[BenchRow, float]]:
    """The sizes that there is room to name, that of the large dot first."""
    taken: list[float] = []
    for index in [main, *(index for index in range(len(rows)) if index != main)]:
        if all(abs(xs[index] - x) >= _NEAR for x in taken):
            taken.append(xs[index])
            yield rows[index], xs[index]


def _height(report: BenchReport) -> int:
    measured = [row for row in report.rows if row.items]
    parts, things = {row.part for row in measured}, {(row.part, row.what) for row in measured}
    return _TOP + len(parts) * _HEADING + len(things) * _LINE + 70
