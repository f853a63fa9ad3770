"""What OpenDocument's XML says in words, whatever file it stands in."""

import io

import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.open_document.odf import (
    MAX_REPEATED,
    add_odf_object,
    attribute,
    check_readable,
    is_odf_of,
    macro_notes,
    odf_comment,
    odf_paragraphs,
    odf_rows,
    odf_text,
)
from mcp_mmretrieval.media.office.xml_parts import Element, Package, parse_xml
from mcp_mmretrieval.media.structure import TextBuilder
from tests.media.test_zipped import packed


def xml(inner: str) -> Element:
    return parse_xml(f'<r xmlns:t="text" xmlns:dc="dc">{inner}</r>'.encode())[0]


def package(**files: bytes) -> Package:
    return Package(io.BytesIO(packed({name.replace("__", "/"): data for name, data in files.items()})))


def test_a_file_is_what_its_mimetype_says() -> None:
    for kind in ("spreadsheet", "spreadsheet-template"):
        data = packed({"mimetype": f"application/vnd.oasis.opendocument.{kind}".encode()})
        assert is_odf_of(io.BytesIO(data), "spreadsheet")
        assert not is_odf_of(io.BytesIO(data), "presentation")
    for other in (b"", b"PK\3\4 no more", packed({"a": b"b"})):
        assert not is_odf_of(io.BytesIO(other), "spreadsheet")


def test_blanks_and_breaks_are_written_out_and_asides_left_out() -> None:
    text = (
        '<p>one<s t:c="3"/>two<tab/>three<line-break/>four<note>aside</note><span> five</span><s t:c="9999999"/>.</p>'
    )
    assert odf_text(xml(text)) == f"one   two three\nfour five{' ' * MAX_REPEATED}."


def test_paragraphs_in_drawings_count_and_those_of_comments_do_not() -> None:
    cell = "<c><annotation><p>said</p></annotation><p>a<frame><p>inside</p></frame></p><h>b</h></c>"
    assert odf_paragraphs(xml(cell)) == ["a", "inside", "b"]


def test_a_comment_says_who_says_it() -> None:
    said = "<annotation><dc:creator>Ann</dc:creator><p>Too</p><p>dear</p></annotation>"
    assert odf_comment(xml(said)) == "Ann: Too dear"
    assert odf_comment(xml("<annotation><p>Too dear</p></annotation>")) == "Too dear"


def test_equal_rows_and_cells_are_as_many_as_they_are_within_bounds() -> None:
    table = (
        "<t><table-row t:number-rows-repeated='2'><table-cell t:number-columns-repeated='2'><p>x</p></table-cell>"
        "<covered-table-cell><p>y</p></covered-table-cell></table-row>"
        "<table-row t:number-rows-repeated='1000000'><table-cell t:number-columns-repeated='16384'/></table-row></t>"
    )
    rows = list(odf_rows(xml(table)))
    assert rows[:2] == [["x", "x", ""]] * 2
    assert rows[2:] == [[""] * MAX_REPEATED]


def test_an_object_is_a_chart_or_its_tables_or_its_texts() -> None:
    cells = "<table><table-row><table-cell><p>cod</p></table-cell></table-row></table>"
    named = 'xmlns:c="urn:oasis:names:tc:opendocument:xmlns:chart:1.0"'
    chart = f"<r {named}><c:chart><title><p>T</p></title>{cells}</c:chart></r>"
    found = []
    for content in (chart, f"<r>{cells}</r>", "<r><p>plain</p></r>"):
        builder = TextBuilder()
        add_odf_object(builder, package(Object__content=b"", **{"Object__content.xml": content.encode()}), "Object")
        found.append(builder.built().text)
    assert found == ["Chart: T\n\ncod", "cod", "plain"]


def test_passwords_and_macros_are_told() -> None:
    check_readable(package(**{"META-INF__manifest.xml": b"<m/>"}), "a.odp")
    with pytest.raises(UnreadableMedia, match=r"a\.odp: it wants a password"):
        check_readable(package(**{"META-INF__manifest.xml": b"<m><encryption-data/></m>"}), "a.odp")
    assert list(macro_notes(package(**{"Basic__Standard__Module1.xml": b""})))
    assert not list(macro_notes(package(**{"Basic__script-lb.xml": b""})))


def test_attributes_are_named_without_their_namespace() -> None:
    element = parse_xml(b'<a xmlns:p="p" xmlns:q="q" p:style-name="one" q:name="two"/>')
    assert (attribute(element, "name"), attribute(element, "style-name"), attribute(element, "x")) == ("two", "one", "")
