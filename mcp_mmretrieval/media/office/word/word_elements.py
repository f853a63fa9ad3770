"""Elements of Word documents (ECMA-376-1, 17): their names, and what one of them says by itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_mmretrieval.media.office.blocks import Paragraph
from mcp_mmretrieval.media.office.word.word_styles import PLAIN_LOOK, TextLook, W, is_on, look_of, value_of
from mcp_mmretrieval.media.office.xml_parts import Element

RELATIONSHIPS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

PARAGRAPH, PARAGRAPH_PROPERTIES = f"{W}p", f"{W}pPr"
RUN, RUN_PROPERTIES, RUN_TEXT = f"{W}r", f"{W}rPr", f"{W}t"
WORD_TABLE, WORD_ROW, WORD_CELL = f"{W}tbl", f"{W}tr", f"{W}tc"
ALTERNATE = f"{COMPATIBILITY}AlternateContent"
DELETED = frozenset([f"{W}del", f"{W}moveFrom"])
HOLDS_THE_SAME = frozenset(
    f"{W}{name}"
    for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink", "fldSimple", "dir", "bdo")
)
"""Elements that hold others of the same sort."""
EQUATIONS = frozenset([f"{MATHS}oMath", f"{MATHS}oMathPara"])
DRAWN = frozenset([f"{W}drawing", f"{W}pict", f"{W}object"])
NOTE_REFERENCES = frozenset([f"{W}footnoteReference", f"{W}endnoteReference", f"{W}commentReference"])
ELEMENTS_FOR_LETTERS = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}softHyphen": "",
}
MOST_COLUMNS = 63
"""Columns of a table, at most, as Word has it."""
MADE_UP_NAME = re.compile(r"\S*\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg)|(?:[A-Za-z]:)?[\\/].*\.\w{2,4}", re.IGNORECASE)
"""What programs write of a picture of which nobody said anything."""
_CHECKED, _UNCHECKED = "\u2612", "\u2610"
"""Boxes of forms."""


def said_of_table(table: Element) -> Iterator[Paragraph]:
    """The alternative text of a table."""
    for properties in table.iterchildren(f"{W}tblPr"):
        said = (value_of(properties, name) for name in ("tblCaption", "tblDescription"))
        if words := "; ".join(filter(None, map(str.strip, said))):
            yield Paragraph(f"[{words}]")


def style_of(properties: Element | None) -> str:
    """The style that the properties of a paragraph name."""
    return "" if properties is None else value_of(properties, "pStyle")


def ground_of(properties: Element) -> TextLook:
    """The ground behind a paragraph."""
    shading = properties.find(f"{W}shd")
    return PLAIN_LOOK if shading is None else look_of([shading])


def ends_deleted(properties: Element) -> bool:
    """Whether the end of a paragraph was deleted, so that the next one goes on with it."""
    mark = properties.find(RUN_PROPERTIES)
    return mark is not None and any(mark.find(tag) is not None for tag in DELETED)


def elements_within(parent: Element, wanted: str) -> Iterator[Element]:
    """The rows of a table, or the cells of a row, also those in controls."""
    for child in parent:
        if child.tag == wanted:
            yield child
        elif child.tag in HOLDS_THE_SAME:
            yield from elements_within(child, wanted)


def switched_on(properties: Element, name: str) -> bool:
    """Whether a property is there, and not off."""
    found = properties.find(f"{W}{name}")
    return found is not None and is_on(found.get(f"{W}val"), absent=True)


def merged_on(properties: Element, name: str) -> bool:
    """Whether a cell belongs to the one before or above it."""
    merged = properties.find(f"{W}{name}")
    return merged is not None and merged.get(f"{W}val", "continue") == "continue"


def fields_end(root: Element) -> bool:
    """Whether each field that begins also ends: of one that does not, nobody can say what its code is."""
    opened = 0
    for mark in root.iter(f"{W}fldChar"):
        if next(mark.iterancestors(*DELETED), None) is None:
            opened += {"begin": 1, "end": -1}.get(mark.get(f"{W}fldCharType"), 0)
            if opened < 0:
                return False
    return opened == 0


def letters_within(element: Element) -> int:
    """Letters within an element, blanks aside."""
    texts = (each.text or "" for each in element.iter(RUN_TEXT, f"{W}delText"))
    return sum(not letter.isspace() for text in texts for letter in text)


def form_value(form: Element) -> str:
    """What a field of a form shows that has no text of its own: a box, the chosen one of a list."""
    for box in form.iterchildren(f"{W}checkBox"):
        state = box.find(f"{W}checked")
        state = box.find(f"{W}default") if state is None else state
        return _CHECKED if state is not None and is_on(state.get(f"{W}val"), absent=True) else _UNCHECKED
    for choice in form.iterchildren(f"{W}ddList"):
        entries = [each.get(f"{W}val", "") for each in choice.iterchildren(f"{W}listEntry")]
        chosen = value_of(choice, "result") or value_of(choice, "default") or "0"
        if chosen.isdecimal() and int(chosen[:6]) < len(entries):
            return str(entries[int(chosen[:6])])
    return ""


def said_of_drawing(element: Element, name: str) -> Iterator[str]:
    """The alternative text of a drawing, and the words of letters that are drawn. `name`: of the element."""
    said = [element.get("alt")]
    if name in ("docPr", "cNvPr"):
        said = [element.get("title"), element.get("descr")]
        said = [words for words in said if words and not MADE_UP_NAME.fullmatch(words)]
    elif name == "textpath":
        said = [element.get("string")]
    for words in said:
        if words and (words := " ".join(words.split())):
            yield words


def hidden_drawing(element: Element, name: str) -> bool:
    """Whether a drawing, or a shape of one, cannot be seen. `name`: of the element."""
    if name in ("inline", "anchor"):
        properties = next(element.iterchildren("{*}docPr"), None)
        return properties is not None and is_on(properties.get("hidden"))
    return "visibility:hidden" in element.get("style", "").replace(" ", "")
