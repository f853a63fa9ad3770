"""Charts and SmartArt say their words and numbers."""

import pytest

from mcp_mmretrieval.media.office import diagrams
from mcp_mmretrieval.media.office.blocks import DocumentBlock, Table, flat_text
from mcp_mmretrieval.media.office.diagrams import chart_blocks, diagram_blocks
from mcp_mmretrieval.media.office.xml_parts import parse_xml


def chart(content: str) -> list[DocumentBlock]:
    return list(chart_blocks(parse_xml(f'<c:chart xmlns:c="c" xmlns:a="a" xmlns:cx="cx">{content}</c:chart>'.encode())))


def points(*values: str) -> str:
    return "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values))


def series(name: str, values: str, categories: str = "", kinds: tuple[str, str] = ("cat", "val")) -> str:
    first, second = kinds
    axes = f"<c:{first}>{categories}</c:{first}><c:{second}>{values}</c:{second}>"
    return f"<c:ser><c:tx>{points(name)}</c:tx>{axes}</c:ser>"


def words(block: DocumentBlock) -> str:
    return flat_text([block])


def test_a_chart_is_its_titles_and_a_table_of_its_series() -> None:
    axis = "<c:valAx><c:title><a:p><a:r><a:t>Tons</a:t></a:r></a:p></c:title></c:valAx>"
    found = chart(axis + series("cod", points("31", "47"), points("May", "June")) + series("eel", points("5")))
    assert [words(block) for block in found] == ["Tons", "cod, eel; May, 31, 5; June, 47"]
    assert isinstance(found[1], Table)
    assert found[1].header_rows == 1


def test_a_scatter_plot_has_two_numbers_a_point() -> None:
    kinds = ("xVal", "yVal")
    (table,) = chart(
        series("a", points("1", "2"), points("10", "20"), kinds) + series("b", points("3"), points("30"), kinds)
    )
    assert words(table) == "a, 10, 1, 20, 2; b, 30, 3"


def test_charts_of_the_newer_kind_are_read_too() -> None:
    data = '<cx:strDim><cx:pt idx="0">north</cx:pt></cx:strDim><cx:numDim><cx:pt>7</cx:pt></cx:numDim>'
    assert [words(block) for block in chart(f"<cx:chartData>{data}</cx:chartData>")] == ["north", "7"]


def test_a_chart_without_end_is_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagrams, "MAX_CHART_POINTS", 3)
    table, note = chart(series("cod", points(*map(str, range(10))), points(*"abcdefghij")))
    assert words(table) == "cod; a, 0; b, 1; c, 2"
    assert words(note) == "(Only the first 3 points of the chart were read.)"


def test_a_diagram_is_the_words_of_its_points() -> None:
    data = parse_xml(
        b'<d:dataModel xmlns:d="d" xmlns:a="a"><d:pt><d:t><a:p><a:r><a:t>Plan</a:t></a:r><a:br/>'
        b"<a:r><a:t>first</a:t></a:r></a:p><a:p><a:r><a:t>then</a:t></a:r></a:p></d:t></d:pt><d:pt/></d:dataModel>"
    )
    assert [words(block) for block in diagram_blocks(data)] == ["Plan first then"]
