"""Styles of OpenDocument say what is a heading, a list, hidden."""

from mcp_mmretrieval.media.office.open_document.odt_styles import NO_ODT_STYLE, OdtStyles
from mcp_mmretrieval.media.office.xml_parts import parse_xml
from tests.support.odt_files import root


def styles(content: str) -> OdtStyles:
    return OdtStyles([None, parse_xml(root("office:styles", content))])


def style(name: str, more: str = "", properties: str = "") -> str:
    return f'<style:style style:name="{name}" style:family="paragraph" {more}>{properties}</style:style>'


def test_a_style_has_what_its_parents_have() -> None:
    found = styles(
        style(
            "a",
            'style:default-outline-level="2" style:list-style-name="L"',
            '<style:text-properties text:display="none" fo:color="#FFFFFF"/>',
        )
        + style("b", 'style:parent-style-name="a"', '<style:paragraph-properties fo:background-color="#000000"/>')
        + style("c", 'style:parent-style-name="b"', '<style:text-properties text:display="true"/>')
        + style("loop", 'style:parent-style-name="loop"')
    )
    a, b, c = (found.style("paragraph", name) for name in "abc")
    assert [each.level for each in (a, b, c)] == [2, 2, 2]
    assert [each.hidden for each in (a, b, c)] == [True, True, False]
    assert [each.shaded for each in (a, b, c)] == [False, True, True]
    assert c.white
    assert c.list_style == "L"
    assert c.names == {"a", "b", "c"}
    assert found.style("paragraph", "loop").level == 0
    assert found.style("paragraph", None) == found.style("paragraph", "") == NO_ODT_STYLE


def test_letters_as_thin_as_a_hair_are_hidden() -> None:
    found = styles(
        style("a", properties='<style:text-properties fo:font-size="1pt"/>')
        + style("b", properties='<style:text-properties fo:font-size="90%"/>')
        + style("c", properties='<style:text-properties fo:font-size="9.5pt"/>')
    )
    assert [found.style("paragraph", name).hidden for name in "abc"] == [True, False, False]


def test_labels_of_lists() -> None:
    levels = (
        '<text:list-level-style-number text:level="1" style:num-format="I" style:num-suffix="." text:start-value="4"/>'
        '<text:list-level-style-number text:level="2" style:num-format="1" style:num-prefix="(" style:num-suffix=")" '
        'text:display-levels="2"/><text:list-level-style-number text:level="3" style:num-format=""/>'
        '<text:list-level-style-image text:level="4"/>'
    )
    found = styles(f'<text:list-style style:name="L">{levels}</text:list-style>')
    assert found.start("L", 1) == 4
    assert found.start("none", 1) == 1
    labels = [found.label("L", depth, {1: 4, 2: 7}) for depth in (1, 2, 3, 4)]
    assert labels == ["IV.", "(IV.7)", "", "\u2022"]
    assert found.label("none", 1, {}) == "\u2022"
