"""Spreadsheets of every age: rows under the names of their columns, and what else stands on a sheet, found once."""

import datetime
import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.spreadsheets import sheets
from mcp_mmretrieval.media.passages import MAX_PASSAGE_CHARACTERS
from mcp_mmretrieval.types import Place, Segment, SplitStep
from tests.media.test_zipped import packed
from tests.support.media_files import abouts, notes, parts, source
from tests.support.office_files import biff_label, biff_number, inserted, ole, repacked, replaced, xls

LIMITS = Limits()


def book(fill: Callable[[Any], object], **options: object) -> bytes:
    """A workbook that a function fills."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, options) as made:
        fill(made)
    return file.getvalue()


def sheet(*rows: list[object], name: str = "Q3") -> bytes:
    def fill(made: Any) -> None:
        added = made.add_worksheet(name)
        for number, row in enumerate(rows):
            added.write_row(number, 0, row)

    return book(fill)


def split(data: bytes, limits: Limits = LIMITS) -> list[SplitStep]:
    return list(media.split(source(data, "book.xlsx"), limits))


def segments(data: bytes) -> list[Segment]:
    return [part.segment for part in parts(split(data))]


def ods(content: str, more: dict[str, bytes] | None = None) -> bytes:
    """A spreadsheet of OpenDocument whose body is this."""
    names = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
    )
    xml = (
        f'<office:document-content{names}><office:automatic-styles><style:style style:name="h" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
        f"<office:body><office:spreadsheet>{content}</office:spreadsheet></office:body></office:document-content>"
    )
    mimetype = b"application/vnd.oasis.opendocument.spreadsheet"
    return packed({"mimetype": mimetype, "META-INF/manifest.xml": b"<m/>", "content.xml": xml.encode()} | (more or {}))


def ods_cell(text: str, **attributes: str) -> str:
    values = {"value_type": "string"} | attributes
    given = " ".join(f'office:{name.replace("_", "-")}="{value}"' for name, value in values.items())
    return f"<table:table-cell {given}><text:p>{text}</text:p></table:table-cell>"


# -- rows --------------------------------------------------------------------------------------------------------------


def test_rows_have_the_numbers_that_the_sheet_shows() -> None:
    def fill(made: Any) -> None:
        added = made.add_worksheet("Q3 2026")
        added.write_row("C4", ["Item", "Count"])
        added.write_row("C5", ["rope", 4310.0])
        added.write_row("C9", ["sail", 2])

    (found,) = segments(book(fill))
    assert found.place.fragment == "sheet=Q3%202026&row=4,9"
    assert (found.text, found.heading) == ("Item | Count\nrope | 4310\nsail | 2", "Q3 2026")


def test_values_are_written_as_a_person_sees_them() -> None:
    def fill(made: Any) -> None:
        added = made.add_worksheet("Values")

        def form(code: str) -> Any:
            return made.add_format({"num_format": code})

        added.write_datetime(0, 0, datetime.datetime(2026, 3, 1), form("yyyy-mm-dd"))
        added.write_datetime(1, 0, datetime.datetime(2026, 3, 1, 14, 30), form("d.m.yy hh:mm"))
        added.write_number(2, 0, 0.256, form("0.0%"))
        added.write_number(3, 0, -1234.5, form('#,##0.00\\ "€"'))
        added.write_number(4, 0, 99, form("[$$-409]#,##0.00"))
        added.write_number(5, 0, 0.1 + 0.2)
        added.write_boolean(6, 0, True)
        added.write_formula(7, 0, "=SUM(A1:A3)", None, 8620)
        added.write_string(8, 0, "two\nlines")

    (found,) = segments(book(fill))
    assert found.text.split("\n") == [
        *("2026-03-01", "2026-03-01 14:30", "25.6%", "-1234.50 €", "$99.00", "0.3", "TRUE", "8620", "two lines")
    ]


def test_empty_cells_keep_the_columns_and_merged_ones_say_their_value_once() -> None:
    def fill(made: Any) -> None:
        added = made.add_worksheet("S")
        added.write_row(0, 0, ["a", "b", "c"])
        added.write_row(1, 0, ["x", None, "z"])
        added.write_row(2, 0, ["y"])
        added.merge_range("A4:C4", "Whole width")

    (found,) = segments(book(fill))
    assert found.text == "a | b | c\nx |  | z\ny\nWhole width"


def test_each_passage_stands_under_the_names_of_the_columns_and_none_is_too_long() -> None:
    rows: list[list[object]] = [[f"item {number}", number, "some words on it"] for number in range(200)]
    found = segments(sheet(["Item", "Count", "Remark"], *rows))
    assert len(found) > 3
    assert all(len(each.text) <= MAX_PASSAGE_CHARACTERS for each in found)
    assert all(each.text.startswith("Item | Count | Remark\nitem ") for each in found)
    shown = [line for each in found for line in each.text.split("\n")[1:]]
    assert shown == [f"item {number} | {number} | some words on it" for number in range(200)]
    tops = [(each.place.top, each.place.bottom) for each in found]
    assert tops[0][0] == 1
    assert tops[-1][1] == 201
    assert all(before[1] + 1 == after[0] for before, after in pairwise(tops))  # type: ignore[operator]


def test_another_table_on_the_sheet_has_its_own_names() -> None:
    first: list[list[object]] = [[f"item {number}", number, "long words " * 5] for number in range(40)]
    second: list[list[object]] = [[f"crew {number}", number, "more words " * 5] for number in range(40)]
    found = segments(sheet(["Item", "Count", "Remark"], *first, [], ["Crew", "Wage", "Note"], *second))
    assert {each.text.split("\n")[0] for each in found} == {"Item | Count | Remark", "Crew | Wage | Note"}
    assert all(("item " in each.text) != ("crew " in each.text) for each in found)


def test_a_row_that_is_longer_than_a_passage_is_cut_and_each_piece_opened_again() -> None:
    long = " ".join(f"word{number}" for number in range(400))
    data = sheet(["Name", "Minutes"], ["Ann", long], ["Bo", "short"])
    found = segments(data)
    cut = [each for each in found if each.place.first is not None]
    assert len(cut) > 2
    assert all(each.place.top == each.place.bottom == 2 for each in cut)
    assert cut[0].place.fragment.startswith("sheet=Q3&row=2,2&char=0,")
    assert " ".join(each.text.removeprefix("Name | Minutes\n") for each in cut) == f"Ann | {long}"
    for each in found:
        assert Place.parse(each.place.fragment) == each.place
        assert media.load(source(data), each, LIMITS) == each.text


def test_names_too_long_to_be_repeated_are_cut_between_two() -> None:
    names: list[object] = [f"a rather long name of column {number}" for number in range(40)]
    found = segments(sheet(names, *([f"x{row}", *range(39)] for row in range(60))))
    headers = {each.text.split("\n")[0] for each in found[3:]}
    (header,) = headers
    assert len(header) < 400
    assert header.split(" | ") == names[: header.count(" | ") + 1]


# -- sheets ------------------------------------------------------------------------------------------------------------


def test_hidden_sheets_are_read_and_said() -> None:
    def fill(made: Any) -> None:
        made.add_worksheet("Open").write(0, 0, "seen")
        hidden = made.add_worksheet("Aside")
        hidden.write(0, 0, "hidden word")
        hidden.hide()
        very = made.add_worksheet("Vault")
        very.write(0, 0, "vaulted word")
        very.very_hidden()
        made.add_worksheet("Empty")

    steps = split(book(fill))
    assert [part.segment.text for part in parts(steps)] == ["seen", "hidden word", "vaulted word"]
    assert notes(steps) == ["Hidden sheets, which were read as well: Aside, Vault."]


def test_a_sheet_of_too_many_rows_is_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)
    steps = split(sheet(["a"], ["b"], ["c"], ["d"], ["e"]))
    assert parts(steps)[-1].segment.text == "a\nb\nc"
    assert notes(steps) == ["Of sheet Q3 only the first 3 of 5 rows were read, for its size."]


def test_a_workbook_of_too_many_characters_is_cut_and_said() -> None:
    rows: list[list[object]] = [["a word " * 20] for _ in range(50)]
    steps = split(sheet(*rows), Limits(characters=1000))
    assert notes(steps) == ["Of sheet Q3 only the first 8 of 50 rows were read, for its size."]


def test_cells_strewn_too_far_are_not_read_and_the_other_sheets_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_CELLS", 1_000_000)

    def fill(made: Any) -> None:
        far = made.add_worksheet("Far")
        far.write("A1", "near")
        far.write("XFD1048576", "far")
        made.add_worksheet("Near").write(0, 0, "kept")

    steps = split(book(fill))
    assert [part.segment.text for part in parts(steps)] == ["kept"]
    assert notes(steps) == ["Not all of sheet Far was read: its values are strewn over 17,179,869,184 cells."]


def test_a_damaged_sheet_costs_a_note_and_the_others_go_on() -> None:
    def fill(made: Any) -> None:
        made.add_worksheet("Bad").write(0, 0, "lost")
        made.add_worksheet("Good").write(0, 0, "kept")

    steps = split(repacked(book(fill), {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}))
    assert [part.segment.text for part in parts(steps)] == ["kept"]
    assert len(notes(steps)) == 1
    assert notes(steps)[0].startswith("Not all of sheet Bad was read: ")


# -- formats -----------------------------------------------------------------------------------------------------------


def test_old_workbooks_are_read() -> None:
    rows = biff_label(2, 1, "Item") + biff_label(2, 2, "Count") + biff_label(3, 1, "rope") + biff_number(3, 2, 4310)
    (found,) = segments(xls({"Q3": rows}))
    assert (found.place.fragment, found.text) == ("sheet=Q3&row=3,4", "Item | Count\nrope | 4310")


def test_sheets_of_open_document_are_read() -> None:
    date = ods_cell("1.3.26", value_type="date", date_value="2026-03-01")
    share = ods_cell("25,6 %", value_type="percentage", value="0.256")
    rows = f"<table:table-row>{ods_cell('Day')}{ods_cell('Share')}</table:table-row><table:table-row>{date}{share}"
    table = f'<table:table table:name="Q3">{rows}</table:table-row></table:table>'
    aside = f'<table:table table:name="Aside" table:style-name="h"><table:table-row>{ods_cell("hidden word")}'
    meta = b'<m xmlns:dc="dc"><dc:title>Shares</dc:title></m>'
    steps = split(ods(f"{table}{aside}</table:table-row></table:table>", {"meta.xml": meta}))
    assert [part.segment.text for part in parts(steps)] == ["Day | Share\n2026-03-01 | 25.6%", "hidden word"]
    assert notes(steps) == ["Hidden sheets, which were read as well: Aside."]
    assert [about.title for about in abouts(steps) if about.title] == ["Shares"]


def test_the_strict_class_is_read_alike() -> None:
    plain = sheet(["Item", "Count"], ["rope", 4310])

    def strict(data: bytes) -> bytes:
        return data.replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ).replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/"
        )

    names = ("_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml")
    changed = repacked(plain, dict.fromkeys((*names, "xl/sharedStrings.xml", "xl/styles.xml"), strict))
    assert segments(changed) == segments(plain)


def test_what_wants_a_password_is_told() -> None:
    locked = ods("", {"META-INF/manifest.xml": b'<m><manifest:encryption-data xmlns:manifest="m"/></m>'})
    with pytest.raises(UnreadableMedia, match="password") as failure:
        split(locked)
    assert failure.value.code == "encrypted"
    with pytest.raises(UnreadableMedia, match="password") as failure:
        split(xls({"Q3": b""}, b"\x2f\x00\x06\x00" + bytes(6)))
    assert failure.value.code == "encrypted"


@pytest.mark.timeout(20)
def test_a_damaged_workbook_is_told() -> None:
    for data in (
        ole({"Workbook": b"no records"}),
        repacked(sheet(["a"]), {"xl/workbook.xml": b"<workbook"}),
        ods("</office:spreadsheet>"),
        repacked(ods(""), {"content.xml": b'<office:document-content xmlns:office="o"><office:body>'}),
    ):
        with pytest.raises(UnreadableMedia) as failure:
            split(data)
        assert failure.value.code == "corrupt"


def test_a_bomb_of_shared_strings_is_refused() -> None:
    data = repacked(sheet(["a"]), {"xl/sharedStrings.xml": b"<sst>" + bytes(60_000_000)})
    with pytest.raises(UnreadableMedia) as failure:
        split(data)
    assert failure.value.code == "too_large"


def test_title_keywords_and_date_are_those_of_the_file() -> None:
    def fill(made: Any) -> None:
        made.add_worksheet("S").write(0, 0, "x")
        made.set_properties({"title": "Accounts", "author": "Ann", "created": datetime.datetime(2026, 2, 3)})
        made.define_name("Budget", "=S!$A$1")

    data = repacked(
        book(fill), {"xl/workbook.xml": replaced('name="Budget"', 'name="Budget" comment="What we may spend"')}
    )
    about = next(about for about in abouts(split(data)) if about.title)
    assert (about.title, about.keywords) == ("Accounts", "Ann\nBudget: What we may spend")
    assert about.dated == datetime.datetime(2026, 2, 3, tzinfo=datetime.UTC).timestamp()


def test_macros_are_said() -> None:
    data = repacked(
        sheet(["a"]),
        {
            "xl/vbaProject.bin": b"code",
            "xl/_rels/workbook.xml.rels": inserted(
                "</Relationships>", '<Relationship Id="vb" Type="x/vbaProject" Target="vbaProject.bin"/>'
            ),
        },
    )
    assert notes(split(data)) == ["It has macros. They were not run."]
