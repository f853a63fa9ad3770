"""The words of DrawingML: text, what is said of pictures, tables, charts; alternatives once."""

import io

import pytest

from mcp_mmretrieval.media.office.drawingml import (
    add_graphic,
    alternative_text,
    paragraphs_of,
    related_id,
    settle_alternatives,
)
from mcp_mmretrieval.media.office.xml_parts import Package, Relation, parse_xml
from mcp_mmretrieval.media.structure import TextBuilder
from tests.media.test_zipped import packed


def test_paragraphs_keep_breaks_and_leave_out_numbers_of_slides() -> None:
    body = parse_xml(
        b"<b><p><r><t>one</t></r><br/><r><t>two</t></r></p><p><pPr><tabLst><tab/></tabLst></pPr><r><t>three</t></r></p>"
        b"<p><fld type='slidenum'><t>4</t></fld></p><p><fld type='datetime'><t>May 2026</t></fld></p></b>"
    )
    assert paragraphs_of(body) == ["one\ntwo", "three", "May 2026"]
    assert paragraphs_of(None) == []


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ('descr="A mast&#10;in fog"', "A mast in fog"),
        ('title="Mast" descr="in fog"', "Mast. in fog"),
        ('descr="image1.PNG"', ""),
        ('descr="A dog&#10;&#10;Description automatically generated"', "A dog"),
        ("", ""),
    ],
)
def test_what_is_said_of_a_picture(attributes: str, said: str) -> None:
    assert alternative_text(parse_xml(f"<p {attributes}/>".encode())) == said
    assert alternative_text(None) == ""


def test_of_alternatives_the_first_choice_stands_in_their_place_and_else_the_fallback() -> None:
    root = parse_xml(
        b"<r><a/><AlternateContent><Choice><b/><c/></Choice><Choice><x/></Choice><Fallback><y/></Fallback>"
        b"</AlternateContent>"
        b"<d/><AlternateContent><Fallback><e/></Fallback></AlternateContent><AlternateContent/></r>"
    )
    settle_alternatives(root)
    assert [each.tag for each in root] == ["a", "b", "c", "d", "e"]


def test_relations_are_named_by_attributes_of_a_namespace() -> None:
    element = parse_xml(b'<s xmlns:r="http://x" id="256" r:id="rId7"/>')
    assert related_id(element) == "rId7"
    assert related_id(parse_xml(b'<s id="256"/>')) == ""
    assert related_id(None) == ""


def test_a_table_has_names_where_it_is_marked_so() -> None:
    table = "<g><tbl><tblPr {}/>{}</tbl></g>"
    rows = "".join(f"<tr><tc><p><r><t>{name}</t></r></p></tc></tr>" for name in ("Fish", "cod"))
    for marked, end in (("firstRow='1'", 4), ("", 0)):
        builder = TextBuilder()
        add_graphic(builder, Package(io.BytesIO(packed({}))), parse_xml(table.format(marked, rows).encode()), {})
        built = builder.built()
        assert built.text == "Fish\ncod"
        assert [block.header_end for block in built.blocks] == [end]


def test_of_a_chart_beside_its_cells_only_the_titles_are_read() -> None:
    chart = (
        b"<c><title><tx><rich><p><r><t>Tides</t></r></p></rich></tx></title>"
        b"<ser><val><numCache><pt idx='0'><v>7</v></pt></numCache></val></ser></c>"
    )
    package = Package(io.BytesIO(packed({"c.xml": chart})))
    graphic = parse_xml(b'<g><chart xmlns:r="http://x" r:id="a"/></g>')
    for numbers, text in ((False, "Tides"), (True, "Tides\n\n | 7")):
        builder = TextBuilder()
        add_graphic(builder, package, graphic, {"a": Relation("chart", "c.xml")}, numbers=numbers)
        assert builder.built().text == text
