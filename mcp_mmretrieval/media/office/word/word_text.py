"""The text of a Word document in reading order (ECMA-376-1, 17): paragraphs, tables, and what is anchored in them.

What is read is what a reader sees: insertions without deletions, results of fields without their codes, no hidden text.
Text boxes, notes and comments follow the paragraph in which they are anchored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table
from mcp_mmretrieval.media.office.diagrams import chart_blocks, diagram_blocks
from mcp_mmretrieval.media.office.gathered import Gathered
from mcp_mmretrieval.media.office.symbols import symbol_letter
from mcp_mmretrieval.media.office.word.equations import equation_text
from mcp_mmretrieval.media.office.word.word_asides import Aside, comment_blocks, led_by
from mcp_mmretrieval.media.office.word.word_elements import (
    ALTERNATE,
    DELETED,
    DRAWN,
    ELEMENTS_FOR_LETTERS,
    EQUATIONS,
    HOLDS_THE_SAME,
    MADE_UP_NAME,
    MOST_COLUMNS,
    NOTE_REFERENCES,
    PARAGRAPH,
    PARAGRAPH_PROPERTIES,
    RELATIONSHIPS,
    RUN,
    RUN_PROPERTIES,
    RUN_TEXT,
    WORD_CELL,
    WORD_ROW,
    WORD_TABLE,
    elements_within,
    ends_deleted,
    fields_end,
    form_value,
    ground_of,
    hidden_drawing,
    letters_within,
    merged_on,
    said_of_drawing,
    said_of_table,
    style_of,
    switched_on,
)
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
        self._fields_end = fields_end(root)
        return self.blocks(root)

    def blocks(self, parent: Element) -> Iterator[DocumentBlock]:
        """Paragraphs and tables within an element."""
        for child in parent:
            tag = child.tag
            if tag == PARAGRAPH:
                yield from self._paragraph(child)
            elif tag == WORD_TABLE:
                yield from said_of_table(child)
                yield self._table(child)
            elif tag in HOLDS_THE_SAME:
                yield from self.blocks(child)
            elif tag == ALTERNATE:
                branch = next(iter(child), None)
                if branch is not None:
                    yield from self.blocks(branch)
            elif tag == f"{W}altChunk":
                self._file(child.get(f"{RELATIONSHIPS}id", ""))

    # -- paragraphs ----------------------------------------------------------------------------------------------------

    def _paragraph(self, element: Element) -> Iterator[DocumentBlock]:
        context = self._context
        properties = element.find(PARAGRAPH_PROPERTIES)
        style = context.styles.style(style_of(properties) or context.styles.default)
        kept, self._after = (self._look, self._after), []
        self._look = style.look if properties is None else ground_of(properties).over(style.look)
        out: list[str] = []
        met = context.gathered.met
        self._inline(element, out)
        after, (self._look, self._after) = self._after, kept
        text = self._carried + "".join(out)
        self._carried = ""
        if properties is not None and ends_deleted(properties):
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
        for row in elements_within(element, WORD_ROW):
            properties = row.find(f"{W}trPr")
            if properties is not None and self._row_is_gone(row, properties):
                continue
            if heads == len(table.rows) and properties is not None and switched_on(properties, "tblHeader"):
                heads += 1
            table.rows.append([each for cell in elements_within(row, WORD_CELL) for each in self._cells(cell)])
        self._boxed -= 1
        table.header_rows = heads if 0 < heads < len(table.rows) else int(len(table.rows) > 1)
        return table

    def _row_is_gone(self, row: Element, properties: Element) -> bool:
        if properties.find(f"{W}del") is not None:
            self._context.gathered.deleted += letters_within(row)
            return True
        if switched_on(properties, "hidden"):
            self._context.gathered.hidden += letters_within(row)
            return True
        return False

    def _cells(self, cell: Element) -> Iterator[list[DocumentBlock]]:
        """A cell, and an empty one for each further column that it goes over."""
        properties = cell.find(f"{W}tcPr")
        span, goes_on = 1, False
        if properties is not None:
            written = value_of(properties, "gridSpan")
            span = min(int(written[:3]), MOST_COLUMNS) if written.isdecimal() else 1
            goes_on = any(merged_on(properties, name) for name in ("vMerge", "hMerge"))
            if properties.find(f"{W}cellDel") is not None:
                self._context.gathered.deleted += letters_within(cell)
                goes_on = True
        yield [] if goes_on else list(self.blocks(cell))
        for _ in range(span - 1):
            yield []

    # -- within paragraphs ---------------------------------------------------------------------------------------------

    def _inline(self, parent: Element, out: list[str]) -> None:
        for child in parent:
            tag = child.tag
            if tag == RUN:
                self._run(child, out)
            elif tag in HOLDS_THE_SAME:
                self._inline(child, out)
            elif tag in DELETED:
                self._context.gathered.deleted += letters_within(child)
            elif tag in EQUATIONS:
                self._put(equation_text(child), out)
            elif tag == ALTERNATE:
                self._alternate(child, out, self._inline)
            elif tag == f"{W}subDoc":
                self._context.gathered.linked("document")

    def _run(self, run: Element, out: list[str]) -> None:
        hidden = self._hides(self._look)
        for child in run:
            tag = child.tag
            if tag == RUN_TEXT:
                text = child.text
                if not text:
                    continue
                if hidden:
                    self._context.gathered.hidden += sum(not letter.isspace() for letter in text)
                elif self._fields:
                    self._put(text, out)
                else:
                    out.append(text)
            elif tag == RUN_PROPERTIES:
                hidden = self._hides(self._look_of(child))
            elif tag == f"{W}fldChar":
                self._field(child, out)
            elif not hidden:
                self._other(child, tag, out)

    def _other(self, child: Element, tag: str, out: list[str]) -> None:
        """What stands in a run beside text."""
        if tag in ELEMENTS_FOR_LETTERS:
            self._put(ELEMENTS_FOR_LETTERS[tag], out)
        elif tag in DRAWN:
            self._draw(child, out)
        elif tag in NOTE_REFERENCES:
            self._cited(child, out)
        elif tag == f"{W}sym":
            self._put(symbol_letter(child.get(f"{W}font", ""), child.get(f"{W}char", "")), out)
        elif tag == f"{W}ruby":
            for base in child.iterchildren(f"{W}rubyBase"):
                self._inline(base, out)
        elif tag == ALTERNATE:
            self._alternate(child, out, self._branch)
        elif tag in EQUATIONS:
            self._put(equation_text(child), out)

    def _branch(self, branch: Element, out: list[str]) -> None:
        """One of the alternatives within a run."""
        for child in branch:
            if child.tag == RUN_TEXT:
                self._put(child.text or "", out)
            elif child.tag == RUN:
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
                self._put(form_value(form), out)
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
        self._after += led_by(mark, notes.blocks(identity))

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
            elif hidden_drawing(child, name):
                self._context.gathered.hidden += letters_within(child)
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
                self._alternatives |= dict.fromkeys(said_of_drawing(child, name))
                self._drawn(child, out)

    def _picture(self, element: Element) -> None:
        vector = next((each.get(f"{RELATIONSHIPS}embed") for each in element.iter("{*}svgBlip")), None)
        linked = element.get(f"{RELATIONSHIPS}link") or element.get(f"{RELATIONSHIPS}href")
        identity = vector or element.get(f"{RELATIONSHIPS}embed") or element.get(f"{RELATIONSHIPS}id") or linked
        title = " ".join(element.get("{urn:schemas-microsoft-com:office:office}title", "").split())
        if title and not MADE_UP_NAME.fullmatch(title):
            self._alternatives[title] = None
        relation = self._relations.get(identity or "")
        if relation is None:
            return
        if relation.external:
            self._context.gathered.linked("picture")
        else:
            preview = next(element.iterancestors(*DRAWN)).tag == f"{W}object"
            self._pictures.append((relation.target, preview))

    def _part_of(self, element: Element, name: str) -> None:
        """Read a chart or a diagram, which has a part of its own; keep a file."""
        if name == "OLEObject":
            self._file(element.get(f"{RELATIONSHIPS}id", ""))
            return
        relation = self._relations.get(
            element.get(f"{RELATIONSHIPS}dm" if name == "relIds" else f"{RELATIONSHIPS}id", "")
        )
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
