"""The text of an OpenDocument text in reading order (OpenDocument 1.3, 5 to 10): paragraphs, tables, what is anchored.

What is read is what a reader sees: what was deleted while changes were tracked lies apart, hidden text is left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table, flat_text
from mcp_mmretrieval.media.office.gathered import Gathered
from mcp_mmretrieval.media.office.open_document.odt_styles import DRAW, OFFICE, TABLE, TEXT, OdtStyle, OdtStyles
from mcp_mmretrieval.media.office.word.word_lists import number_written
from mcp_mmretrieval.media.office.xml_parts import Element, local_name

_XLINK = "{http://www.w3.org/1999/xlink}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_HEADING, _PARAGRAPH, _LIST, _TABLE = f"{TEXT}h", f"{TEXT}p", f"{TEXT}list", f"{TABLE}table"
_ROW, _CELL, _COVERED = f"{TABLE}table-row", f"{TABLE}table-cell", f"{TABLE}covered-table-cell"
_DELETIONS = f"{TEXT}tracked-changes"
_NO_TEXT = frozenset(
    [
        *(f"{TEXT}{name}" for name in ("note-citation", "ruby-text", "script", "alphabetical-index-source")),
        *(f"{OFFICE}{name}" for name in ("annotation-end", "event-listeners", "forms", "binary-data")),
        *(f"{DRAW}{name}" for name in ("enhanced-geometry", "image-map", "glue-point", "contour-polygon")),
    ]
)
_CODE = frozenset(["Preformatted_20_Text", "Preformatted Text", "Source_20_Code", "Source_Text"])
_TITLES = frozenset(["Title"])
_CAPTIONS = frozenset(["Caption", "caption", "Illustration", "Figure", "Drawing"])
_OUTLINE = "Outline"
"""The list style of headings, as programs call it."""
_MOST_COLUMNS = 63
_MOST_BLANKS = 1_000
_DEEPEST_LIST = 10


@dataclass(slots=True)
class OdtContext:
    """What all parts of a document share."""

    gathered: Gathered
    styles: OdtStyles
    folder: str = ""
    """Where the part lies whose text is read."""
    white_hides: bool = True
    title: str = ""
    """The first paragraph in the style of a title."""
    first_heading: str = ""
    notes: dict[str, int] = field(default_factory=dict)
    """How many notes of each class were cited."""
    opened: set[str] = field(default_factory=set)
    """The objects in it that have been read."""
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    """The numbers on the levels of each list, by its style."""


@dataclass(slots=True)
class _ListItem:
    style: str
    depth: int


class OdtStory:
    """Reads the text of one element: the body, a header."""

    def __init__(self, context: OdtContext) -> None:
        self._context = context
        self._after: list[DocumentBlock] = []
        """What follows the paragraph that is being read."""
        self._boxed = 0
        self._item: _ListItem | None = None
        self._hidden = False
        self._white = False

    def blocks(self, parent: Element) -> Iterator[DocumentBlock]:
        """Paragraphs and tables within an element."""
        for child in parent:
            tag = child.tag
            if tag in (_PARAGRAPH, _HEADING):
                yield from self._paragraph(child)
            elif tag == _LIST:
                yield from self._list(child)
            elif tag == _TABLE:
                said = (each.text for each in child if each.tag in (f"{TABLE}title", f"{TABLE}desc"))
                if words := "; ".join(text.strip() for text in said if text and text.strip()):
                    yield Paragraph(f"[{words}]")
                yield self._table(child)
            elif tag == _DELETIONS:
                self._context.gathered.deleted += _length(child)
            elif self._is_out_of_sight(child):
                self._context.gathered.hidden += _length(child)
            elif isinstance(tag, str) and tag.startswith(DRAW):
                yield from self._drawing_alone(child)
            elif tag not in _NO_TEXT:
                yield from self.blocks(child)

    def _is_out_of_sight(self, element: Element) -> bool:
        shown = element.get(f"{TEXT}display") or "true"
        return shown == "none" or (shown == "condition" and element.get(f"{TEXT}is-hidden") == "true")

    # -- paragraphs and lists ------------------------------------------------------------------------------------------

    def _paragraph(self, element: Element) -> Iterator[DocumentBlock]:
        context = self._context
        style = context.styles.style("paragraph", element.get(f"{TEXT}style-name"))
        kept, self._after = (self._after, self._hidden, self._white), []
        self._hidden = style.hidden or any(_is_true(each) for each in element.iter(f"{TEXT}hidden-paragraph"))
        self._white = style.white and not style.shaded
        item, self._item = self._item, None
        met, out = context.gathered.met, list[str]()
        self._inline(element, out)
        after, (self._after, self._hidden, self._white) = self._after, kept
        text = "".join(out)
        if text and not text.isspace():
            yield self._written(element, text, style, item)
            if style.names & _CAPTIONS:
                context.gathered.caption(" ".join(text.split()))
            elif context.gathered.met == met:
                context.gathered.no_caption()
        else:
            self._item = item
        yield from after

    def _written(self, element: Element, text: str, style: OdtStyle, item: _ListItem | None) -> Paragraph:
        context = self._context
        outline = element.get(f"{TEXT}outline-level", "1") if element.tag == _HEADING else ""
        level = int(outline[:2]) if outline.isdecimal() else style.level
        if outline and item is None and context.styles.is_numbered(_OUTLINE, level):
            item = _ListItem(_OUTLINE, level)
        label = self._label(item) if item else ""
        labelled = f"{label} {text.lstrip()}" if label else text
        is_title = bool(style.names & _TITLES)
        if level or is_title:
            title = " ".join(text.split())
            if is_title:
                context.title = context.title or title
            context.first_heading = context.first_heading or title
            return Paragraph(labelled, max(1, level))
        if style.names & _CODE:
            return Paragraph(text, kind="code")
        return Paragraph(labelled, kind="item" if label else "plain")

    def _list(self, element: Element, style: str = "", depth: int = 1) -> Iterator[DocumentBlock]:
        style = element.get(f"{TEXT}style-name") or style
        goes_on = element.get(f"{TEXT}continue-numbering") == "true" or element.get(f"{TEXT}continue-list")
        counts = self._context.counts.setdefault(style, {})
        if not goes_on:
            counts.pop(depth, None)
        depth = min(depth, _DEEPEST_LIST)
        for child in element:
            is_item = child.tag == f"{TEXT}list-item"
            if not is_item and child.tag != f"{TEXT}list-header":
                continue
            start = child.get(f"{TEXT}start-value", "")
            if is_item and start.isdecimal():
                counts[depth] = int(start[:9]) - 1
            first = is_item
            for block in child:
                if block.tag == _LIST:
                    self._item = None
                    yield from self._list(block, style, depth + 1)
                    continue
                self._item = _ListItem(style, depth) if first else None
                first = False
                yield from self.blocks([block])
            self._item = None

    def _label(self, item: _ListItem) -> str:
        styles, counts = self._context.styles, self._context.counts.setdefault(item.style, {})
        counts[item.depth] = counts.get(item.depth, styles.start(item.style, item.depth) - 1) + 1
        for deeper in [each for each in counts if each > item.depth]:
            del counts[deeper]
        return styles.label(item.style, item.depth, counts)

    # -- tables --------------------------------------------------------------------------------------------------------

    def _table(self, element: Element) -> Table:
        kept, self._item = self._item, None
        self._boxed += 1
        table = Table()
        heads = 0
        for row, is_head in _rows(element):
            table.rows.append([each for cell in row for each in self._cells(cell)])
            heads += is_head
        self._boxed -= 1
        self._item = kept
        table.header_rows = heads if 0 < heads < len(table.rows) else int(len(table.rows) > 1)
        return table

    def _cells(self, cell: Element) -> Iterator[list[DocumentBlock]]:
        if cell.tag not in (_CELL, _COVERED):
            return
        blocks = [] if cell.tag == _COVERED else list(self.blocks(cell))
        repeated = cell.get(f"{TABLE}number-columns-repeated", "1")
        times = min(int(repeated[:4]), _MOST_COLUMNS) if repeated.isdecimal() else 1
        for _ in range(times):
            yield blocks

    # -- within paragraphs ---------------------------------------------------------------------------------------------

    def _inline(self, element: Element, out: list[str]) -> None:
        self._put(element.text, out)
        for child in element:
            self._one(child, out)
            self._put(child.tail, out)

    def _one(self, child: Element, out: list[str]) -> None:
        tag = child.tag
        if tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c", "1")
            self._put(" " * min(int(count[:4]) if count.isdecimal() else 1, _MOST_BLANKS), out)
        elif tag in (f"{TEXT}tab", f"{TEXT}line-break"):
            out.append("\t" if tag.endswith("tab") else "\n")
        elif tag == f"{TEXT}span":
            self._span(child, out)
        elif tag == f"{TEXT}note":
            self._note(child, out)
        elif tag == f"{OFFICE}annotation":
            self._comment(child)
        elif isinstance(tag, str) and tag.startswith(DRAW) and tag not in _NO_TEXT:
            self._drawing(child, out)
        elif tag == f"{TEXT}hidden-text" and _is_true(child):
            self._context.gathered.hidden += _length(child)
        elif tag not in _NO_TEXT and isinstance(tag, str):
            self._inline(child, out)

    def _put(self, text: str | None, out: list[str]) -> None:
        if not text:
            return
        white = self._white and not self._boxed and self._context.white_hides
        if self._hidden or white:
            self._context.gathered.hidden += sum(not letter.isspace() for letter in text)
        else:
            out.append(" ".join(text.split("\n")))

    def _span(self, element: Element, out: list[str]) -> None:
        style = self._context.styles.style("text", element.get(f"{TEXT}style-name"))
        kept = (self._hidden, self._white)
        self._hidden |= style.hidden
        self._white = (self._white or style.white) and not style.shaded
        self._inline(element, out)
        self._hidden, self._white = kept

    def _note(self, element: Element, out: list[str]) -> None:
        kind = element.get(f"{TEXT}note-class", "footnote")
        number = self._context.notes[kind] = self._context.notes.get(kind, 0) + 1
        citation = element.find(f"{TEXT}note-citation")
        written = "" if citation is None else "".join(citation.itertext()).strip()
        mark = f"[{written or number_written(number, 'lowerRoman' if kind == 'endnote' else 'decimal')}]"
        self._put(mark, out)
        body = element.find(f"{TEXT}note-body")
        text = "" if body is None else flat_text(list(self._aside(body)))
        if text:
            self._after.append(Paragraph(f"{mark} {text}", kind="item"))

    def _comment(self, element: Element) -> None:
        author = next((each.text or "" for each in element if local_name(each) == "creator"), "")
        text = flat_text(list(self._aside(element)))
        if text:
            who = " ".join(author.split())
            self._after.append(Paragraph(f"Comment ({who}): {text}" if who else f"Comment: {text}", kind="item"))

    def _aside(self, element: Element) -> Iterator[DocumentBlock]:
        """Text with looks of its own."""
        kept, self._hidden, self._white = (self._hidden, self._white), False, False
        yield from self.blocks(element)
        self._hidden, self._white = kept

    # -- drawings ------------------------------------------------------------------------------------------------------

    def _drawing_alone(self, element: Element) -> Iterator[DocumentBlock]:
        """A drawing that stands on a page and in no paragraph."""
        kept, self._after = self._after, []
        out: list[str] = []
        self._drawing(element, out)
        after, self._after = self._after, kept
        if text := "".join(out).strip():
            yield Paragraph(text)
        yield from after

    def _drawing(self, element: Element, out: list[str]) -> None:
        """A frame, a shape or a group: its picture, its text, its object, what is said of it."""
        said = (each.text for each in element if each.tag in (f"{_SVG}title", f"{_SVG}desc"))
        words = "; ".join(dict.fromkeys(" ".join(text.split()) for text in said if text and text.strip()))
        if words:
            self._put(f" [{words}] ", out)
        tags = [child.tag for child in element]
        holds_object = f"{DRAW}object" in tags
        pictured = False
        self._boxed += 1
        for child in element:
            if child.tag == f"{DRAW}image":
                if not pictured and not holds_object:
                    self._picture(child, words, preview=f"{DRAW}object-ole" in tags)
                pictured = True
            elif child.tag in (f"{DRAW}object", f"{DRAW}object-ole", f"{DRAW}plugin", f"{DRAW}floating-frame"):
                self._object(child, out)
            elif child.tag in (f"{_SVG}title", f"{_SVG}desc") or child.tag in _NO_TEXT:
                continue
            elif isinstance(child.tag, str) and child.tag.startswith(DRAW) and child.tag != f"{DRAW}text-box":
                self._drawing(child, out)
            else:
                self._after += self._aside([child] if child.tag in (_PARAGRAPH, _LIST, _TABLE) else child)
        self._boxed -= 1

    def _picture(self, element: Element, words: str, *, preview: bool) -> None:
        embedded = element.find(f"{OFFICE}binary-data")
        if embedded is not None:
            self._context.gathered.picture((embedded.text or "").strip(), words, dispensable=preview)
        elif name := self._inside(element):
            self._context.gathered.picture(name, words, dispensable=preview)
        elif element.get(f"{_XLINK}href"):
            self._context.gathered.linked("picture")

    def _inside(self, element: Element) -> str:
        """The name of the part that an element points at; empty for what lies outside."""
        target = element.get(f"{_XLINK}href", "")
        name = posixpath.normpath(posixpath.join("/", self._context.folder, target)).lstrip("/")
        outside = not target or "://" in target or target.startswith(("../", "/", "file:", "data:"))
        return "" if outside else name

    def _object(self, element: Element, out: list[str]) -> None:
        """A chart, an equation, a sheet within the text; a file of another program."""
        gathered = self._context.gathered
        inline = next((each for each in element if isinstance(each.tag, str)), None)
        if inline is not None and inline.tag != f"{OFFICE}binary-data":
            self._inner_document(inline, out)
            return
        name = (inline.text or "").strip() if inline is not None else self._inside(element)
        if not name:
            gathered.linked("file")
        elif name in self._context.opened:
            return
        elif f"{name}/content.xml" in gathered:
            self._context.opened.add(name)
            root = gathered.xml(f"{name}/content.xml")
            if root is not None:
                kept, self._context.folder = self._context.folder, name
                self._inner_document(root, out)
                self._context.folder = kept
        else:
            gathered.file(name)

    def _inner_document(self, root: Element, out: list[str]) -> None:
        if local_name(root) == "math":
            source = next(root.iter("{*}annotation"), None)
            self._put(" ".join(root.itertext() if source is None else [source.text or ""]), out)
            return
        for body in root.iter(f"{OFFICE}body"):
            self._after += self._aside(body)


def _rows(table: Element, *, is_head: bool = False) -> Iterator[tuple[Element, bool]]:
    """The rows of a table, and of each whether it names columns."""
    for child in table:
        if child.tag == _ROW:
            yield child, is_head
        elif child.tag in (f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"):
            yield from _rows(child, is_head=is_head or child.tag.endswith("header-rows"))


def _is_true(element: Element) -> bool:
    return bool(element.get(f"{TEXT}is-hidden") == "true")


def _length(element: Element) -> int:
    """Letters within an element, blanks aside."""
    return sum(not letter.isspace() for text in element.itertext() for letter in text)
