"""Charts and diagrams of Office files as text: titles, names and numbers of charts, the words of SmartArt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table
from mcp_mmretrieval.media.office.xml_parts import Element, local_name

MAX_CHART_POINTS = 5_000
"""Points of a chart that are read: the later ones of a longer series are left out, which is said."""
_MAX_SERIES = 255
"""Series of a chart: no program makes more."""


def chart_blocks(chart: Element) -> Iterator[DocumentBlock]:
    """A chart (ECMA-376-1, 21.2; also that of `chartex`): its titles, and a table of its categories and series."""
    for title in _elements(chart, "title"):
        if text := drawn_text(title):
            yield Paragraph(text)
    series = list(_elements(chart, "ser")) or list(_elements(chart, "series"))
    columns = [
        (_series_name(each), _points(each, "cat", "xVal"), _points(each, "val", "yVal"))
        for each in series[:_MAX_SERIES]
    ]
    if columns:
        yield _chart_table(columns)
    if any(len(values) == MAX_CHART_POINTS for _, _, values in columns):
        yield Paragraph(f"(Only the first {MAX_CHART_POINTS:,} points of the chart were read.)", kind="item")
    for data in _elements(chart, "chartData"):
        for dimension in data.iter():
            if local_name(dimension) in ("strDim", "numDim"):
                points = islice((each.text or "" for each in _elements(dimension, "pt")), MAX_CHART_POINTS)
                if text := ", ".join(filter(None, points)):
                    yield Paragraph(text, kind="item")


def diagram_blocks(data: Element) -> Iterator[DocumentBlock]:
    """SmartArt (ECMA-376-1, 21.4): the words of each of its points."""
    for point in _elements(data, "pt"):
        if text := drawn_text(point):
            yield Paragraph(text, kind="item")


def drawn_text(element: Element) -> str:
    """The words of DrawingML within an element, on one line."""
    paragraphs = (
        "".join(" " if local_name(each) == "br" else each.text or "" for each in _elements(one, "t", "br"))
        for one in _elements(element, "p")
    )
    return " ".join(filter(None, (" ".join(text.split()) for text in paragraphs))) or " ".join(
        " ".join((each.text or "").split()) for each in _elements(element, "v")
    )


def _chart_table(columns: list[tuple[str, dict[int, str], dict[int, str]]]) -> Table:
    categories = columns[0][1]
    alike = all(each in (categories, {}) for _, each, _ in columns)
    if not alike:  # each series of a scatter plot has an axis of its own
        rows = [
            [name, *(f"{at.get(point, '')}, {value}" for point, value in values.items())]
            for name, at, values in columns
        ]
        return _table(rows, 0)
    points = sorted({point for _, _, values in columns for point in values} | set(categories))[:MAX_CHART_POINTS]
    rows = [["", *(name for name, _, _ in columns)]]
    rows += [[categories.get(point, ""), *(values.get(point, "") for _, _, values in columns)] for point in points]
    return _table(rows, 1)


def _table(rows: Iterable[Iterable[str]], header_rows: int) -> Table:
    return Table([[[Paragraph(cell)] for cell in row] for row in rows], header_rows)


def _series_name(series: Element) -> str:
    return next((text for each in series if local_name(each) == "tx" and (text := drawn_text(each))), "")


def _points(series: Element, *names: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for each in series:
        if local_name(each) not in names:
            continue
        for point in _elements(each, "pt"):
            at = point.get("idx", "")
            if at.isdecimal() and len(found) < MAX_CHART_POINTS:
                value = " ".join(filter(None, ("".join(inner.itertext()).strip() for inner in point)))
                place = int(at[:9])
                found[place] = f"{value} {found[place]}" if place in found else value
    return found


def _elements(parent: Element, *names: str) -> Iterator[Element]:
    return (each for each in parent.iter(*(f"{{*}}{name}" for name in names)))
