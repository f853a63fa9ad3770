"""The text of a Word document in reading order (ECMA-376-1, 17): paragraphs, tables, and what is anchored in them.

What is read is what a reader sees: insertions without deletions, results of fields without their codes, no hidden text.
Text boxes, notes and comments follow the paragraph in which they are anchored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table, flat_text
from mcp_mmretrieval.media.office.diagrams import chart_blocks, diagram_blocks
from mcp_mmretrieval.media.office.gathered import Gathered
from mcp_mmretrieval.media.office.symbols import symbol_letter
from mcp_mmretrieval.media.office.word.equations import equation_text
from mcp_mmretrieval.media.office.word.word_lists import WordLists, number_written
from mcp_mmretrieval.media.office.word.word_styles import (
    PLAIN_LOOK,
    TextLook,
    W,
    WordStyle,
    WordStyles,
    is_on,
    look_of,
    numbering_of,
    outline_level,
    value_of,
)
from mcp_mmretrieval.media.office.xml_parts import Element, Relation, local_name

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

_PARAGRAPH, _PARAGRAPH_PROPERTIES = f"{W}p", f"{W}pPr"
_RUN, _RUN_PROPERTIES, _TEXT = f"{W}r", f"{W}rPr", f"{W}t"
_TABLE, _ROW, _CELL = f"{W}tbl", f"{W}tr", f"{W}tc"
_ALTERNATE = f"{_MC}AlternateContent"
_DELETED = frozenset([f"{W}del", f"{W}moveFrom"])
_THROUGH = frozenset(
    f"{W}{name}"
    for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink", "fldSimple", "dir", "bdo")
)
"""Elements that hold others of the same sort."""
_EQUATIONS = frozenset([f"{_M}oMath", f"{_M}oMathPara"])
_DRAWN = frozenset([f"{W}drawing", f"{W}pict", f"{W}object"])
_CITATIONS = frozenset([f"{W}footnoteReference", f"{W}endnoteReference", f"{W}commentReference"])
_LETTERS = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}softHyphen": "",
}
_MOST_COLUMNS = 63
"""Columns of a table, at most, as Word has it."""
_FILE_NAME = re.compile(r"\S*\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg)|(?:[A-Za-z]:)?[\\/].*\.\w{2,4}", re.IGNORECASE)
"""What programs write of a picture of which nobody said anything."""
_CHECKED, _UNCHECKED = "\u2612", "\u2610"
"""Boxes of forms."""


@dataclass(slots=True)
class Aside:
    """Notes or comments of a document: what stands in a part of its own and is cited in the text."""

    story: Story
    elements: Mapping[str, Element]
    told: set[str] = field(default_factory=set)
    """Those that have been read."""

    def blocks(self, identity: str) -> list[DocumentBlock]:
        """One of them; nothing where there is none, or it has been read."""
        element = self.elements.get(identity)
        if element is None or identity in self.told:
            return []
        self.told.add(identity)
        return list(self.story.whole(element))


@dataclass(slots=True)
class WordContext:
    """What all stories of a document share."""

    gathered: Gathered
    styles: WordStyles
    lists: WordLists
    footnotes: Aside | None = None
    endnotes: Aside | None = None
    comments: Aside | None = None
    white_hides: bool = True
    """Whether white letters on no other ground cannot be seen: nothing lies behind the text."""
    title: str = ""
    """The first paragraph in the style of a title."""
    first_heading: str = ""


class Story:
    """One part of a document with text of its own: the body, a header, the footnotes."""

    def __init__(self, context: WordContext, relations: Mapping[str, Relation]) -> None:
        self._context = context
        self._relations = relations
        self._fields: list[bool] = []
        """The open fields, and of each whether its result is being read."""
        self._fields_end = True
        self._after: list[DocumentBlock] = []
        """What follows the paragraph that is being read."""
        self._carried = ""
        """Text of a paragraph whose end was deleted."""
        self._look = PLAIN_LOOK
        self._boxed = 0
        """How many tables and boxes there are around the text: they may have a ground of their own."""
        self._alternatives: dict[str, None] = {}
        """What is said of the drawing that is being read."""
        self._pictures: list[tuple[str, bool]] = []
        """Its pictures, and whether each is the preview of an object."""

    def whole(self, root: Element) -> Iterator[DocumentBlock]:
        """All of a part, or of a note in it."""
        self._fields.clear()
        self._fields_end = _fields_end(root)
        return self.blocks(root)

    def blocks(self, parent: Element) -> Iterator[DocumentBlock]:
        """Paragraphs and tables within an element."""
        for child in parent:
            tag = child.tag
            if tag == _PARAGRAPH:
                yield from self._paragraph(child)
            elif tag == _TABLE:
                yield from _said_of_table(child)
                yield self._table(child)
            elif tag in _THROUGH:
                yield from self.blocks(child)
            elif tag == _ALTERNATE:
                branch = next(iter(child), None)
                if branch is not None:
                    yield from self.blocks(branch)
            elif tag == f"{W}altChunk":
                self._file(child.get(f"{_R}id", ""))

    # -- paragraphs ----------------------------------------------------------------------------------------------------

    def _paragraph(self, element: Element) -> Iterator[DocumentBlock]:
        context = self._context
        properties = element.find(_PARAGRAPH_PROPERTIES)
        style = context.styles.style(_style_of(properties) or context.styles.default)
        kept, self._after = (self._look, self._after), []
        self._look = style.look if properties is None else _ground_of(properties).over(style.look)
        out: list[str] = []
        met = context.gathered.met
        self._inline(element, out)
        after, (self._look, self._after) = self._after, kept
        text = self._carried + "".join(out)
        self._carried = ""
        if properties is not None and _ends_deleted(properties):
            self._carried = text
        elif text and not text.isspace():
            yield self._written(text, properties, style)
            if style.is_caption:
                context.gathered.caption(" ".join(text.split()))
            elif context.gathered.met == met:
                context.gathered.no_caption()
        else:
            self._label(properties, style)  # an empty item counts
        yield from after

    def _label(self, properties: Element | None, style: WordStyle) -> str:
        """What stands before the paragraph as the next item of its list."""
        numbering = numbering_of(properties, style.numbering)
        return self._context.lists.next_label(*numbering) if numbering else ""

    def _written(self, text: str, properties: Element | None, style: WordStyle) -> Paragraph:
        context = self._context
        outline = outline_level(properties)
        level = style.level if outline is None else outline or None
        label = self._label(properties, style)
        labelled = f"{label} {text.lstrip()}" if label else text
        if level is not None:
            title = " ".join(text.split())
            if level == 0:
                context.title = context.title or title
            context.first_heading = context.first_heading or title
            return Paragraph(labelled, max(level, 1))
        if style.is_code:
            return Paragraph(text, kind="code")
        return Paragraph(labelled, kind="item" if label else "plain")

    # -- tables --------------------------------------------------------------------------------------------------------

    def _table(self, element: Element) -> Table:
        table = Table()
        heads = 0
        self._boxed += 1
        for row in _within(element, _ROW):
            properties = row.find(f"{W}trPr")
            if properties is not None and self._row_is_gone(row, properties):
                continue
            if heads == len(table.rows) and properties is not None and _switched(properties, "tblHeader"):
                heads += 1
            table.rows.append([each for cell in _within(row, _CELL) for each in self._cells(cell)])
        self._boxed -= 1
        table.header_rows = heads if 0 < heads < len(table.rows) else int(len(table.rows) > 1)
        return table

    def _row_is_gone(self, row: Element, properties: Element) -> bool:
        if properties.find(f"{W}del") is not None:
            self._context.gathered.deleted += _length(row)
            return True
        if _switched(properties, "hidden"):
            self._context.gathered.hidden += _length(row)
            return True
        return False

    def _cells(self, cell: Element) -> Iterator[list[DocumentBlock]]:
        """A cell, and an empty one for each further column that it goes over."""
        properties = cell.find(f"{W}tcPr")
        span, goes_on = 1, False
        if properties is not None:
            written = value_of(properties, "gridSpan")
            span = min(int(written[:3]), _MOST_COLUMNS) if written.isdecimal() else 1
            goes_on = any(_goes_on(properties, name) for name in ("vMerge", "hMerge"))
            if properties.find(f"{W}cellDel") is not None:
                self._context.gathered.deleted += _length(cell)
                goes_on = True
        yield [] if goes_on else list(self.blocks(cell))
        for _ in range(span - 1):
            yield []

    # -- within paragraphs ---------------------------------------------------------------------------------------------

    def _inline(self, parent: Element, out: list[str]) -> None:
        for child in parent:
            tag = child.tag
            if tag == _RUN:
                self._run(child, out)
            elif tag in _THROUGH:
                self._inline(child, out)
            elif tag in _DELETED:
                self._context.gathered.deleted += _length(child)
            elif tag in _EQUATIONS:
                self._put(equation_text(child), out)
            elif tag == _ALTERNATE:
                self._alternate(child, out, self._inline)
            elif tag == f"{W}subDoc":
                self._context.gathered.linked("document")

    def _run(self, run: Element, out: list[str]) -> None:
        hidden = self._hides(self._look)
        for child in run:
            tag = child.tag
            if tag == _TEXT:
                text = child.text
                if not text:
                    continue
                if hidden:
                    self._context.gathered.hidden += sum(not letter.isspace() for letter in text)
                elif self._fields:
                    self._put(text, out)
                else:
                    out.append(text)
            elif tag == _RUN_PROPERTIES:
                hidden = self._hides(self._look_of(child))
            elif tag == f"{W}fldChar":
                self._field(child, out)
            elif not hidden:
                self._other(child, tag, out)

    def _other(self, child: Element, tag: str, out: list[str]) -> None:
        """What stands in a run beside text."""
        if tag in _LETTERS:
            self._put(_LETTERS[tag], out)
        elif tag in _DRAWN:
            self._draw(child, out)
        elif tag in _CITATIONS:
            self._cited(child, out)
        elif tag == f"{W}sym":
            self._put(symbol_letter(child.get(f"{W}font", ""), child.get(f"{W}char", "")), out)
        elif tag == f"{W}ruby":
            for base in child.iterchildren(f"{W}rubyBase"):
                self._inline(base, out)
        elif tag == _ALTERNATE:
            self._alternate(child, out, self._branch)
        elif tag in _EQUATIONS:
            self._put(equation_text(child), out)

    def _branch(self, branch: Element, out: list[str]) -> None:
        """One of the alternatives within a run."""
        for child in branch:
            if child.tag == _TEXT:
                self._put(child.text or "", out)
            elif child.tag == _RUN:
                self._run(child, out)
            else:
                self._other(child, child.tag, out)

    def _alternate(self, element: Element, out: list[str], read: Callable[[Element, list[str]], None]) -> None:
        """The first of several forms of the same thing in which something can be read."""
        before = self._read_so_far(out)
        for branch in element:
            read(branch, out)
            if self._read_so_far(out) != before:
                return

    def _read_so_far(self, out: list[str]) -> tuple[int, ...]:
        gathered = self._context.gathered
        own = (len(out), len(self._after), len(self._alternatives), len(self._pictures))
        return (gathered.met, gathered.hidden, gathered.deleted, *own)

    def _put(self, text: str, out: list[str]) -> None:
        if text and (all(self._fields) or not self._fields_end):
            out.append(text)

    def _look_of(self, properties: Element) -> TextLook:
        look = look_of(properties)
        style = value_of(properties, "rStyle")
        return look.over(self._context.styles.style(style).look).over(self._look) if style else look.over(self._look)

    def _hides(self, look: TextLook) -> bool:
        if look is PLAIN_LOOK:
            return False
        white = look.white and not look.shaded and not self._boxed and self._context.white_hides
        return bool(look.vanishes or look.tiny or white)

    def _field(self, mark: Element, out: list[str]) -> None:
        kind = mark.get(f"{W}fldCharType")
        if kind == "begin":
            for form in mark.iterchildren(f"{W}ffData"):
                self._put(_form_value(form), out)
            self._fields.append(False)
        elif kind == "separate" and self._fields:
            self._fields[-1] = True
        elif kind == "end" and self._fields:
            self._fields.pop()

    # -- what is anchored in paragraphs --------------------------------------------------------------------------------

    def _cited(self, reference: Element, out: list[str]) -> None:
        context, name = self._context, local_name(reference)
        if name == "footnoteReference":
            self._note(reference, context.footnotes, "decimal", out)
        elif name == "endnoteReference":
            self._note(reference, context.endnotes, "lowerRoman", out)
        elif context.comments is not None:
            self._after += comment_blocks(context.comments, reference.get(f"{W}id", ""))

    def _note(self, reference: Element, notes: Aside | None, style: str, out: list[str]) -> None:
        identity = reference.get(f"{W}id", "")
        if notes is None or identity not in notes.elements:
            return
        mark = ""
        if not is_on(reference.get(f"{W}customMarkFollows")):
            mark = f"[{number_written(len(notes.told) + 1, style)}]"
            self._put(mark, out)
        self._after += _led_by(mark, notes.blocks(identity))

    def _draw(self, element: Element, out: list[str]) -> None:
        """A picture, a shape, a chart, an object."""
        kept, self._alternatives, self._pictures = (self._alternatives, self._pictures), {}, []
        self._drawn(element, out)
        alternative = "; ".join(self._alternatives)
        if alternative:
            self._put(f" [{alternative}] ", out)
        for name, preview in self._pictures:
            self._context.gathered.picture(name, alternative, dispensable=preview)
        self._alternatives, self._pictures = kept

    def _drawn(self, element: Element, out: list[str]) -> None:
        for child in element:
            name = local_name(child)
            if name == "AlternateContent":
                self._alternate(child, out, self._drawn)
            elif self._is_hidden(child, name):
                self._context.gathered.hidden += _length(child)
            elif name == "txbxContent":
                self._boxed += 1
                self._after += self.blocks(child)
                self._boxed -= 1
            elif name in ("blip", "imagedata"):
                self._picture(child)
            elif name == "p" and not child.tag.startswith(W):
                self._after.append(Paragraph("".join(each.text or "" for each in child.iter("{*}t"))))
            elif name in ("chart", "relIds", "OLEObject"):
                self._part_of(child, name)
            else:
                self._said_of(child, name)
                self._drawn(child, out)

    def _said_of(self, element: Element, name: str) -> None:
        """Keep the alternative text of a drawing, and the words of letters that are drawn."""
        said = [element.get("alt")]
        if name in ("docPr", "cNvPr"):
            said = [element.get("title"), element.get("descr")]
            said = [words for words in said if words and not _FILE_NAME.fullmatch(words)]
        elif name == "textpath":
            said = [element.get("string")]
        for words in said:
            if words and (words := " ".join(words.split())):
                self._alternatives[words] = None

    def _is_hidden(self, element: Element, name: str) -> bool:
        if name in ("inline", "anchor"):
            properties = next(element.iterchildren("{*}docPr"), None)
            return properties is not None and is_on(properties.get("hidden"))
        return "visibility:hidden" in element.get("style", "").replace(" ", "")

    def _picture(self, element: Element) -> None:
        vector = next((each.get(f"{_R}embed") for each in element.iter("{*}svgBlip")), None)
        linked = element.get(f"{_R}link") or element.get(f"{_R}href")
        identity = vector or element.get(f"{_R}embed") or element.get(f"{_R}id") or linked
        title = " ".join(element.get("{urn:schemas-microsoft-com:office:office}title", "").split())
        if title and not _FILE_NAME.fullmatch(title):
            self._alternatives[title] = None
        relation = self._relations.get(identity or "")
        if relation is None:
            return
        if relation.external:
            self._context.gathered.linked("picture")
        else:
            preview = next(element.iterancestors(*_DRAWN)).tag == f"{W}object"
            self._pictures.append((relation.target, preview))

    def _part_of(self, element: Element, name: str) -> None:
        """Read a chart or a diagram, which has a part of its own; keep a file."""
        if name == "OLEObject":
            self._file(element.get(f"{_R}id", ""))
            return
        relation = self._relations.get(element.get(f"{_R}dm" if name == "relIds" else f"{_R}id", ""))
        if relation is None or relation.external:
            return
        root = self._context.gathered.xml(relation.target)
        if root is not None:
            self._after += diagram_blocks(root) if name == "relIds" else chart_blocks(root)

    def _file(self, identity: str) -> None:
        relation = self._relations.get(identity)
        if relation is None:
            return
        if relation.external:
            self._context.gathered.linked("file")
        else:
            self._context.gathered.file(relation.target)


def comment_blocks(comments: Aside, identity: str) -> list[DocumentBlock]:
    """A comment with its author; nothing where it has been read."""
    blocks = comments.blocks(identity)
    author = " ".join(comments.elements[identity].get(f"{W}author", "").split()) if blocks else ""
    return _led_by(f"Comment ({author}):" if author else "Comment:", blocks)


def _led_by(mark: str, blocks: list[DocumentBlock]) -> list[DocumentBlock]:
    """Text that stands aside, as lines, with its mark before it."""
    text = flat_text(blocks)
    return [Paragraph(f"{mark} {text}".lstrip(), kind="item")] if text.strip() else []


def _said_of_table(table: Element) -> Iterator[DocumentBlock]:
    """The alternative text of a table."""
    for properties in table.iterchildren(f"{W}tblPr"):
        said = (value_of(properties, name) for name in ("tblCaption", "tblDescription"))
        if words := "; ".join(filter(None, map(str.strip, said))):
            yield Paragraph(f"[{words}]")


def _style_of(properties: Element | None) -> str:
    return "" if properties is None else value_of(properties, "pStyle")


def _ground_of(properties: Element) -> TextLook:
    shading = properties.find(f"{W}shd")
    return PLAIN_LOOK if shading is None else look_of([shading])


def _ends_deleted(properties: Element) -> bool:
    mark = properties.find(_RUN_PROPERTIES)
    return mark is not None and any(mark.find(tag) is not None for tag in _DELETED)


def _within(parent: Element, wanted: str) -> Iterator[Element]:
    """The rows of a table, or the cells of a row, also those in controls."""
    for child in parent:
        if child.tag == wanted:
            yield child
        elif child.tag in _THROUGH:
            yield from _within(child, wanted)


def _switched(properties: Element, name: str) -> bool:
    found = properties.find(f"{W}{name}")
    return found is not None and is_on(found.get(f"{W}val"), absent=True)


def _goes_on(properties: Element, name: str) -> bool:
    merged = properties.find(f"{W}{name}")
    return merged is not None and merged.get(f"{W}val", "continue") == "continue"


def _fields_end(root: Element) -> bool:
    """Whether each field that begins also ends: of one that does not, nobody can say what its code is."""
    opened = 0
    for mark in root.iter(f"{W}fldChar"):
        if next(mark.iterancestors(*_DELETED), None) is None:
            opened += {"begin": 1, "end": -1}.get(mark.get(f"{W}fldCharType"), 0)
            if opened < 0:
                return False
    return opened == 0


def _length(element: Element) -> int:
    """Letters within an element, blanks aside."""
    texts = (each.text or "" for each in element.iter(_TEXT, f"{W}delText"))
    return sum(not letter.isspace() for text in texts for letter in text)


def _form_value(form: Element) -> str:
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
