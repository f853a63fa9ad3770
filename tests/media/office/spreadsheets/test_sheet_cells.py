"""What the bytes of a sheet in XLSX say beside its values."""

import pytest

from mcp_mmretrieval.media.office.spreadsheets.cell_values import NumberFormat
from mcp_mmretrieval.media.office.spreadsheets.sheet_cells import (
    CellPlace,
    cell_formats,
    cell_name,
    cells_spanned,
    formats_of,
    margin_texts,
)
from mcp_mmretrieval.media.office.xml_parts import parse_xml

PERCENT = NumberFormat(0, percent=True)


def test_the_styles_with_a_unit_are_found() -> None:
    styles = parse_xml(
        b'<s><numFmts><numFmt numFmtId="164" formatCode="0.0%"/></numFmts>'
        b'<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        b'<cellXfs><xf numFmtId="0"/><xf numFmtId="9"/><xf numFmtId="164"/><xf/></cellXfs></s>'
    )
    assert formats_of(styles) == {1: PERCENT, 2: NumberFormat(1, percent=True)}


@pytest.mark.parametrize(
    "cell",
    [b'<c r="AB12" s="1">', b'<x:c s="1" t="n" r="AB12">', b'<c\n r="AB12" s="1" t="str">', b'<c r="AB12" s="1"/>'],
)
def test_the_cells_with_such_a_style_are_found_however_they_are_written(cell: bytes) -> None:
    sheet = b'<row r="12"><c r="A12" s="0"><v>1</v></c>' + cell + b"<v>0.5</v></c></row>"
    assert cell_formats(sheet, {1: PERCENT}) == {CellPlace(11, 27): PERCENT}
    assert cell_formats(sheet, {}) == {}


def test_how_far_cells_are_strewn() -> None:
    assert cells_spanned(b'<row r="3"><c r="XFD3"/></row>') == 0
    assert cells_spanned(b'<row spans="1:1" r="1"><c r="A1"/></row><row r="5000"><c s="1" r="C5000"/></row>') == 15_000


def test_margins_are_read_after_the_cells_each_once() -> None:
    sheet = (
        b"<sheetData><row/></sheetData><headerFooter><oddHeader>&amp;LAccounts &amp;&amp; dues&amp;R&amp;D"
        b"</oddHeader><evenHeader>&amp;LAccounts &amp;&amp; dues&amp;R&amp;D"
        b"</evenHeader><oddFooter>&amp;P</oddFooter></headerFooter>"
    )
    assert list(margin_texts(sheet)) == ["Accounts & dues"]


def test_cells_are_called_as_a_sheet_calls_them() -> None:
    assert [cell_name(CellPlace(6, column)) for column in (0, 1, 25, 26, 701, 702)] == [
        *("A7", "B7", "Z7", "AA7", "ZZ7", "AAA7")
    ]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("broken", [b"<c ", b'<c r="', b"<row ", b"<oddHeader>", b'<x:c r="A1" s="1'])
def test_broken_sheets_are_looked_through_in_time(broken: bytes) -> None:
    sheet = broken * 100_000
    cell_formats(sheet, {1: PERCENT})
    cells_spanned(sheet)
    list(margin_texts(sheet))
