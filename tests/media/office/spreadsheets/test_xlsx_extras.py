"""What stands beside the cells of an XLSX: comments, text boxes, charts, pictures, margins; each found once."""

import io
from collections.abc import Callable
from typing import Any

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.office.spreadsheets.xlsx_extras import XlsxExtras
from mcp_mmretrieval.media.office.xml_parts import Package
from mcp_mmretrieval.types import Segment, SplitStep
from tests.media.office.spreadsheets.test_sheets import book, sheet
from tests.media.test_zipped import packed
from tests.support.media_files import notes, parts, picture, source
from tests.support.office_files import inserted, related, repacked

END_OF_RELATIONS = "</Relationships>"


def split(data: bytes) -> list[SplitStep]:
    return list(media.split(source(data, "book.xlsx"), Limits()))


def beside(fill: Callable[[Any, Any], object]) -> list[Segment]:
    """What is found of a sheet beside its cells."""

    def filled(made: Any) -> None:
        added = made.add_worksheet("Q3")
        added.write("A1", "cell")
        fill(made, added)

    return [part.segment for part in parts(split(book(filled)))][1:]


def test_comments_name_their_cell_and_author() -> None:
    (found,) = beside(lambda _, added: added.write_comment("B7", "Too much\nrope", {"author": "Ann"}))
    assert (found.place.part, found.text, found.heading) == ("sheet=Q3", "Comment on B7 (Ann): Too much rope", "Q3")


def test_threads_are_read_and_their_copy_for_older_programs_is_not() -> None:
    def fill(made: Any) -> None:
        added = made.add_worksheet("Q3")
        added.write_comment("B7", "[Threaded comment] Your version of Excel... Comment: Who pays", {"author": "tc={1}"})
        added.write_comment("C1", "Plain", {"author": "Cy"})

    thread = (
        '<t:ThreadedComments xmlns:t="t"><t:threadedComment ref="B7" personId="{A}"><t:text>Who pays</t:text>'
        '</t:threadedComment><t:threadedComment ref="B7" personId="{B}"><t:text>The owner</t:text></t:threadedComment>'
        "</t:ThreadedComments>"
    )
    people = '<p xmlns="p"><person id="{A}" displayName="Ann"/><person id="{B}" displayName="Bo"/></p>'
    data = repacked(
        book(fill),
        {
            "xl/threadedComments/t1.xml": thread.encode(),
            "xl/persons/person.xml": people.encode(),
            "xl/_rels/workbook.xml.rels": inserted(END_OF_RELATIONS, related("p", "person", "persons/person.xml")),
            "xl/worksheets/_rels/sheet1.xml.rels": inserted(
                END_OF_RELATIONS, related("t", "threadedComment", "../threadedComments/t1.xml")
            ),
        },
    )
    (found,) = parts(split(data))
    assert found.segment.text.split("\n\n") == [
        "Comment on B7 (Ann): Who pays",
        "Comment on B7 (Bo): The owner",
        "Comment on C1 (Cy): Plain",
    ]


def test_text_boxes_and_charts_titles_are_read_and_numbers_are_in_cells() -> None:
    def fill(made: Any, added: Any) -> None:
        added.write_column("D1", [11, 12])
        added.insert_textbox("F1", "Mind the tide", {"description": "A yellow note"})
        chart = made.add_chart({"type": "line"})
        chart.add_series({"values": "=Q3!$D$1:$D$2"})
        chart.set_title({"name": "Water level"})
        chart.set_x_axis({"name": "Hours"})
        added.insert_chart("F9", chart)

    (found,) = beside(fill)
    for words in ("Mind the tide", "Drawing: A yellow note", "Water level", "Hours"):
        assert found.text.count(words) == 1, words
    assert "11" not in found.text


def test_a_sheet_that_is_a_chart_is_read() -> None:
    def fill(made: Any) -> None:
        made.add_worksheet("Q3").write("A1", 1)
        chart = made.add_chart({"type": "pie"})
        chart.add_series({"values": "=Q3!$A$1"})
        chart.set_title({"name": "Shares of the catch"})
        made.add_chartsheet("Pie").set_chart(chart)

    found = [part.segment for part in parts(split(book(fill)))][-1]
    assert (found.place.part, found.text) == ("sheet=Pie", "Shares of the catch")


def test_pictures_are_places_on_their_sheet() -> None:
    def fill(_: Any, added: Any) -> None:
        added.insert_image("F1", "a.png", {"image_data": io.BytesIO(picture()), "description": "A chart of the bay"})
        added.set_background(io.BytesIO(picture(colour="blue")))

    found = beside(fill)
    assert [(each.modality, each.place.fragment, each.heading) for each in found[1:]] == [
        ("image", "sheet=Q3&picture=1", "Q3 > A chart of the bay"),
        ("image", "sheet=Q3&picture=2", "Q3"),
    ]


def test_what_stands_in_the_margins_is_read_without_its_codes() -> None:
    (found,) = beside(lambda _, added: added.set_footer('&L&"Arial,Bold"&12Fleet accounts&CPage &P of &N&R&D'))
    assert found.text == "Fleet accounts Page of"


def test_links_say_their_text_and_embedded_files_are_read() -> None:
    data = repacked(
        book(lambda made: made.add_worksheet("Q3").write_url("A1", "https://example.org/x", string="The tide table")),
        {
            "xl/embeddings/box.zip": packed({"note.txt": b"The embedded word."}),
            "xl/worksheets/_rels/sheet1.xml.rels": inserted(
                END_OF_RELATIONS, related("o", "package", "../embeddings/box.zip")
            ),
        },
    )
    found = [part.segment for part in parts(split(data))]
    assert [(each.place.fragment, each.text) for each in found] == [
        ("sheet=Q3&row=1,1", "The tide table"),
        ("sheet=Q3&part=1&member=note.txt&char=0,18", "The embedded word."),
    ]
    assert not notes(split(data))


def test_links_to_other_workbooks_are_said() -> None:
    link = related("x", "externalLink", "externalLinks/e.xml")
    data = repacked(sheet(["a"]), {"xl/_rels/workbook.xml.rels": inserted(END_OF_RELATIONS, link)})
    assert notes(split(data)) == ["It refers to other workbooks, which were not opened."]


def test_damaged_drawings_and_formats_cost_notes_and_no_cell() -> None:
    def fill(made: Any) -> None:
        added = made.add_worksheet("Q3")
        added.write("A1", "cell")
        added.insert_textbox("F1", "lost")
        added.set_footer("margin")

    steps = split(repacked(book(fill), {"xl/drawings/drawing1.xml": b"<broken"}))
    assert [part.segment.text for part in parts(steps)] == ["cell", "margin"]
    assert notes(steps) == ["Damaged, and not read (1): drawings (sheet Q3)."]


def test_what_an_xlsb_has_beside_its_cells_is_said() -> None:
    data = packed(
        {
            "[Content_Types].xml": b'<Types><Override PartName="/xl/workbook.bin" ContentType="ms-excel"/></Types>',
            "_rels/.rels": f"<R>{related('r', 'officeDocument', 'xl/workbook.bin')}</R>".encode(),
            "xl/workbook.bin": b"",
            "xl/comments1.bin": b"",
        }
    )
    told = [about.note for about in XlsxExtras(Package(io.BytesIO(data))).notes()]
    assert told == ["Comments, drawings and pictures of its sheets were not read: save it as XLSX to have them read."]
