"""Styles of Word say what is a heading, a list, hidden."""

import pytest

from mcp_mmretrieval.media.office.word.word_styles import (
    NO_STYLE,
    PLAIN_LOOK,
    TextLook,
    WordStyles,
    look_of,
    numbering_of,
    outline_level,
)
from mcp_mmretrieval.media.office.xml_parts import parse_xml
from tests.support.word_files import root


def styles(*rows: str) -> WordStyles:
    return WordStyles(parse_xml(root("w:styles", "".join(rows))))


def style(identity: str, name: str, more: str = "") -> str:
    return f'<w:style w:type="paragraph" w:styleId="{identity}"><w:name w:val="{name}"/>{more}</w:style>'


@pytest.mark.parametrize(
    ("name", "level"),
    [("heading 3", 3), ("Heading 3", 3), ("Titre 2", 2), ("見出し 1", 1), ("Title", 0), ("Titel", 0), ("Normal", None)],
)
def test_a_heading_is_known_by_its_name(name: str, level: int | None) -> None:
    assert styles(style("x", name)).style("x").level == level


def test_a_style_has_what_those_below_it_have() -> None:
    listed = '<w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="4"/></w:numPr></w:pPr>'
    found = styles(
        style("a", "heading 2", "<w:rPr><w:vanish/></w:rPr>"),
        style("b", "B", f'<w:basedOn w:val="a"/>{listed}'),
        style("c", "C", '<w:basedOn w:val="b"/><w:rPr><w:vanish w:val="0"/></w:rPr>'),
        style("d", "D", '<w:basedOn w:val="c"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr>'),
    )
    assert [found.style(name).level for name in "abcd"] == [2, 2, 2, None]
    assert [found.style(name).look.vanishes for name in "abcd"] == [True, True, False, False]
    assert found.style("c").numbering == ("4", 1)
    assert found.style("unknown") == NO_STYLE


def test_styles_in_a_circle_end() -> None:
    found = styles(style("a", "A", '<w:basedOn w:val="b"/>'), style("b", "heading 1", '<w:basedOn w:val="a"/>'))
    assert found.style("a").level == 1


def test_paragraphs_that_name_no_style_have_the_usual_one() -> None:
    usual = '<w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>'
    assert styles(style("x", "X"), usual).default == "Standard"
    assert WordStyles(None).default == ""


def properties(content: str) -> object:
    return parse_xml(root("w:pPr", content))


def test_properties_of_paragraphs() -> None:
    assert outline_level(properties('<w:outlineLvl w:val="0"/>')) == 1
    assert outline_level(properties('<w:outlineLvl w:val="9"/>')) == 0
    assert outline_level(properties("")) is None
    assert numbering_of(properties('<w:numPr><w:numId w:val="0"/></w:numPr>'), ("1", 0)) is None
    assert numbering_of(properties('<w:numPr><w:ilvl w:val="2"/></w:numPr>'), ("1", 0)) == ("1", 2)
    assert numbering_of(properties(""), ("1", 0)) == ("1", 0)


def test_properties_of_letters() -> None:
    assert look_of(properties("<w:b/>")) is PLAIN_LOOK
    assert look_of(properties('<w:color w:val="ffffff"/><w:highlight w:val="red"/>')) == TextLook(
        None, True, True, None
    )
    assert look_of(properties('<w:shd w:val="clear" w:fill="FFFFFF"/><w:sz w:val="2"/>')) == TextLook(
        None, None, False, True
    )
    assert TextLook(vanishes=False).over(TextLook(vanishes=True, tiny=True)) == TextLook(False, None, None, True)
