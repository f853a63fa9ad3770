"""Numbers and bullets of lists."""

import pytest

from mcp_mmretrieval.media.office.word.word_lists import WordLists, number_written
from mcp_mmretrieval.media.office.xml_parts import parse_xml
from tests.support.word_files import root


def lists(content: str) -> WordLists:
    return WordLists(parse_xml(root("w:numbering", content)))


def level(depth: int, style: str, shown: str, start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{style}"/>'
        f'<w:lvlText w:val="{shown}"/></w:lvl>'
    )


def abstract(identity: int, *levels: str) -> str:
    return f'<w:abstractNum w:abstractNumId="{identity}">{"".join(levels)}</w:abstractNum>'


def num(identity: int, of: int, more: str = "") -> str:
    return f'<w:num w:numId="{identity}"><w:abstractNumId w:val="{of}"/>{more}</w:num>'


@pytest.mark.parametrize(
    ("number", "style", "written"),
    [
        (7, "decimal", "7"),
        (7, "decimalZero", "07"),
        (28, "lowerLetter", "bb"),
        (3, "upperLetter", "C"),
        (1994, "upperRoman", "MCMXCIV"),
        (4, "lowerRoman", "iv"),
        (0, "lowerRoman", "0"),
        (5_000, "upperRoman", "5000"),
        (3, "ordinalText", "3"),
    ],
)
def test_a_number_is_written_as_the_list_has_it(number: int, style: str, written: str) -> None:
    assert number_written(number, style) == written


def test_levels_count_within_those_above() -> None:
    found = lists(abstract(1, level(0, "decimal", "%1."), level(1, "upperRoman", "%1.%2")) + num(5, 1))
    labels = [found.next_label("5", depth) for depth in (0, 1, 1, 0, 1)]
    assert labels == ["1.", "1.I", "1.II", "2.", "2.I"]


def test_lists_of_one_kind_go_on_unless_they_restart() -> None:
    restart = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="8"/></w:lvlOverride>'
    found = lists(abstract(1, level(0, "decimal", "%1)")) + num(5, 1) + num(6, 1) + num(7, 1, restart))
    assert [found.next_label(number, 0) for number in ("5", "6", "7", "7")] == ["1)", "2)", "8)", "9)"]


def test_bullets_and_lists_without_marks() -> None:
    found = lists(
        abstract(1, level(0, "bullet", "\uf0b7"), level(1, "none", ""), level(2, "bullet", " "))
        + num(5, 1)
        + num(6, 1, f'<w:lvlOverride w:ilvl="0">{level(0, "lowerLetter", "%1")}</w:lvlOverride>')
    )
    assert [found.next_label("5", depth) for depth in range(3)] == ["\u2022", "", ""]
    assert found.next_label("6", 0) == "b"
    assert found.next_label("99", 0) == ""


def test_a_list_that_names_a_style_is_numbered_as_that_one() -> None:
    styled = abstract(1, '<w:styleLink w:val="Legal"/>', level(0, "decimal", "\u00a7 %1"))
    found = lists(styled + abstract(2, '<w:numStyleLink w:val="Legal"/>') + num(5, 2))
    assert found.next_label("5", 0) == "\u00a7 1"


def test_a_document_without_lists_has_no_labels() -> None:
    assert WordLists(None).next_label("1", 0) == ""
