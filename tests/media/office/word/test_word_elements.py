"""What one element of a Word document says by itself."""

import pytest
from lxml import etree  # type: ignore[import-untyped]

from mcp_mmretrieval.media.office.word import word_elements
from mcp_mmretrieval.media.office.word.word_styles import W
from mcp_mmretrieval.media.office.xml_parts import Element


def element(written: str) -> Element:
    made: Element = etree.fromstring(f'<w:x xmlns:w="{W[1:-1]}">{written}</w:x>')
    return made


@pytest.mark.parametrize(
    ("written", "end"),
    [
        ('<w:fldChar w:fldCharType="begin"/><w:fldChar w:fldCharType="end"/>', True),
        ('<w:fldChar w:fldCharType="begin"/>', False),
        ('<w:fldChar w:fldCharType="end"/><w:fldChar w:fldCharType="begin"/>', False),
        ('<w:fldChar w:fldCharType="begin"/><w:del><w:fldChar w:fldCharType="end"/></w:del>', False),
    ],
)
def test_fields_end_where_each_that_begins_does(written: str, end: bool) -> None:
    assert word_elements.fields_end(element(written)) is end


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<w:checkBox><w:default/></w:checkBox>", "\u2612"),
        ('<w:checkBox><w:default/><w:checked w:val="0"/></w:checkBox>', "\u2610"),
        ('<w:ddList><w:result w:val="1"/><w:listEntry w:val="oak"/><w:listEntry w:val="elm"/></w:ddList>', "elm"),
        ('<w:ddList><w:result w:val="7"/><w:listEntry w:val="oak"/></w:ddList>', ""),
        ("", ""),
    ],
)
def test_fields_of_forms_show_their_value(written: str, shown: str) -> None:
    assert word_elements.form_value(element(written)) == shown


def test_rows_are_found_also_within_controls_and_letters_are_counted_without_blanks() -> None:
    table = element("<w:tr/><w:sdt><w:sdtContent><w:tr><w:t>a b</w:t></w:tr></w:sdtContent></w:sdt><w:p><w:tr/></w:p>")
    assert len(list(word_elements.elements_within(table, f"{W}tr"))) == 2
    assert word_elements.letters_within(table) == 2


def test_what_programs_write_of_a_picture_is_not_said() -> None:
    drawn = etree.Element("docPr", {"title": "photo1.JPG", "descr": "An  oak"})
    assert list(word_elements.said_of_drawing(drawn, "docPr")) == ["An oak"]
    assert list(word_elements.said_of_drawing(etree.Element("shape", {"alt": "a ship"}), "shape")) == ["a ship"]


@pytest.mark.parametrize(("style", "hidden"), [("visibility: hidden", True), ("width:1pt", False), ("", False)])
def test_a_shape_says_that_it_is_hidden(style: str, hidden: bool) -> None:
    assert word_elements.hidden_drawing(etree.Element("shape", {"style": style}), "shape") is hidden
