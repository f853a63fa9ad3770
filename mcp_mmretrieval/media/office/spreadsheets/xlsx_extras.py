"""What the XML of an XLSX says beside the values of its cells (ECMA-376, part 1, 18): comments, drawings, charts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.drawingml import (
    add_graphic,
    alternative_text,
    paragraphs_of,
    related_id,
    settle_alternatives,
)
from mcp_mmretrieval.media.office.inner_files import InnerFiles
from mcp_mmretrieval.media.office.packages import main_part, properties_in, targets_of
from mcp_mmretrieval.media.office.spreadsheets.cell_values import NumberFormat
from mcp_mmretrieval.media.office.spreadsheets.sheet_cells import (
    CellPlace,
    cell_formats,
    cells_spanned,
    formats_of,
    margin_texts,
)
from mcp_mmretrieval.media.office.spreadsheets.sheet_extras import SheetExtras
from mcp_mmretrieval.media.office.unread import MACROS_NOT_RUN
from mcp_mmretrieval.media.office.xml_parts import Element, Package, Relation, local_name
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.types import DocumentMetadata

_TRUE = ("1", "true")
_OBJECTS = frozenset(["package", "oleObject"])
_BACKGROUND = re.compile(rb"<(?:\w+:)?picture\s[^<>]*id=\"([^\"]+)\"")
_WITH_WORDS = ("xl/drawings/drawing", "xl/comments", "xl/threadedComments/", "xl/media/")


class XlsxExtras(SheetExtras):
    """Of a package of Excel."""

    def __init__(self, package: Package) -> None:
        """Raises UnreadableMedia."""
        super().__init__()
        self._package = package
        self._main, _ = main_part(package)
        self._relations = package.relations(self._main)
        self._is_binary = not self._main.lower().endswith(".xml")
        self._workbook = None if self._is_binary else package.xml(self._main)
        self._files = InnerFiles(package, self.unread)
        self._last = "", b""
        """The part that was read last, and its bytes."""

    def properties(self) -> DocumentMetadata:
        """See `SheetExtras`. What is said of the names of cells is among the keywords."""
        about = properties_in(self._package)
        names = () if self._workbook is None else self._workbook.iter("{*}definedName")
        said = (f"{name.get('name', '')}: {name.get('comment')}" for name in names if name.get("comment"))
        return replace(about, keywords="\n".join(filter(None, (about.keywords, *said))))

    def cells_spanned(self, sheet: str) -> int:
        """See `SheetExtras`."""
        return cells_spanned(self._xml_of(sheet))

    def formats(self, sheet: str) -> Mapping[CellPlace, NumberFormat]:
        """See `SheetExtras`."""
        return cell_formats(self._xml_of(sheet), self._formats) if self._formats else {}

    def on(self, sheet: str, part: str) -> Iterator[CompoundStep]:
        """See `SheetExtras`."""
        name = self._parts.get(sheet, "")
        relations = self._package.relations(name) if name else {}
        builder = TextBuilder()
        drawn: list[tuple[str, str]] = []
        for what, add in (("comments", self._add_comments), ("drawings", self._add_drawings)):
            try:
                drawn += add(builder, relations)
            except UnreadableMedia:
                self.unread.damaged(what, f"sheet {sheet}")
        data = self._xml_of(sheet)
        for text in margin_texts(data):
            builder.paragraph(text)
        yield TextPart(text=builder.built(), part=part, heading=sheet)
        for relation in relations.values():
            if relation.external and relation.kind != "hyperlink":
                self.unread.linked(posixpath.basename(relation.target), f"sheet {sheet}")
        behind = [id.decode() for id in _BACKGROUND.findall(data)]
        drawn += [(relations[id].target, "") for id in behind if id in relations and not relations[id].external]
        yield from self._files.pictures(drawn, part, sheet)
        embedded = [one.target for one in relations.values() if one.kind in _OBJECTS and not one.external]
        yield from self._files.embedded(embedded, part, sheet)

    def notes(self) -> Iterator[DocumentMetadata]:
        """See `SheetExtras`."""
        kinds = [relation.kind for relation in self._relations.values()]
        if "vbaProject" in kinds:
            yield MACROS_NOT_RUN
        if "externalLink" in kinds:
            yield DocumentMetadata(note="It refers to other workbooks, which were not opened.")
        if self._is_binary and any(name.startswith(_WITH_WORDS) for name in self._package.names):
            note = "Comments, drawings and pictures of its sheets were not read: save it as XLSX to have them read."
            yield DocumentMetadata(note=note)
        yield from super().notes()

    @cached_property
    def _parts(self) -> Mapping[str, str]:
        """The part of each sheet by its name."""
        sheets = () if self._workbook is None else self._workbook.iterfind("{*}sheets/{*}sheet")
        found = {sheet.get("name", ""): self._relations.get(related_id(sheet)) for sheet in sheets}
        return {name: relation.target for name, relation in found.items() if relation and not relation.external}

    @cached_property
    def _formats(self) -> Mapping[int, NumberFormat]:
        """The formats with a unit; none of damaged styles: values are read without them."""
        name = next((one.target for one in self._relations.values() if one.kind == "styles"), "")
        if self._is_binary or name not in self._package:
            return {}
        try:
            return formats_of(self._package.xml(name))
        except UnreadableMedia:
            self.unread.damaged("the formats of numbers", name)
            return {}

    @cached_property
    def _people(self) -> Mapping[str, str]:
        """Who writes threaded comments, by id."""
        names = [one.target for one in self._relations.values() if one.kind == "person"]
        people = (each for name in names for each in self._package.xml(name).iter("{*}person"))
        return {each.get("id", ""): each.get("displayName", "") for each in people}

    def _xml_of(self, sheet: str) -> bytes:
        name = self._parts.get(sheet, "")
        if self._last[0] != name:
            self._last = name, self._package.read(name) if name in self._package else b""
        return self._last[1]

    def _add_comments(self, builder: TextBuilder, relations: Mapping[str, Relation]) -> list[tuple[str, str]]:
        """Comments with their cells; of threads what each says, and not the copy for older programs."""
        told = set()
        for name in targets_of(relations, "threadedComment"):
            for comment in self._package.xml(name).iter("{*}threadedComment"):
                cell, text = comment.get("ref", ""), comment.find("{*}text")
                told.add(cell)
                author = self._people.get(comment.get("personId", ""), "")
                _add_comment(builder, cell, author, "" if text is None else text.text or "")
        for name in targets_of(relations, "comments"):
            root = self._package.xml(name)
            authors = [each.text or "" for each in root.iterfind("{*}authors/{*}author")]
            for comment in root.iter("{*}comment"):
                cell, author = comment.get("ref", ""), comment.get("authorId", "")
                if cell not in told:
                    by = authors[int(author)] if author.isdecimal() and int(author) < len(authors) else ""
                    words = "".join(each.text or "" for each in comment.iterfind("{*}text//{*}t"))
                    _add_comment(builder, cell, by, words.strip().removeprefix(f"{by}:"))
        return []

    def _add_drawings(self, builder: TextBuilder, relations: Mapping[str, Relation]) -> list[tuple[str, str]]:
        """Text boxes, charts and the like; the pictures are handed back, each with what is said of it."""
        pictures = []
        for name in targets_of(relations, "drawing"):
            drawing, its = self._package.xml(name), self._package.relations(name)
            settle_alternatives(drawing)
            for shape in drawing.iter("{*}sp", "{*}pic", "{*}graphicFrame", "{*}cxnSp"):
                properties = next(shape.iter("{*}cNvPr"), None)
                if properties is not None and properties.get("hidden") in _TRUE:
                    self.unread.hidden(name)
                    continue
                said = alternative_text(properties)
                if local_name(shape) == "graphicFrame":
                    self._add_graphic(builder, shape, its, name)
                builder.paragraph("\n".join(paragraphs_of(shape.find("{*}txBody"))))
                if said:
                    builder.paragraph(f"{'Picture' if local_name(shape) == 'pic' else 'Drawing'}: {said}")
                relation = its.get(related_id(shape.find("{*}blipFill/{*}blip"), "embed"))
                if relation and not relation.external:
                    pictures.append((relation.target, said))
        return pictures

    def _add_graphic(self, builder: TextBuilder, frame: Element, its: Mapping[str, Relation], where: str) -> None:
        try:
            add_graphic(builder, self._package, frame, its, numbers=False)
        except UnreadableMedia:
            self.unread.damaged("a chart or diagram", where)


def _add_comment(builder: TextBuilder, cell: str, author: str, text: str) -> None:
    by = f" ({author})" if author else ""
    builder.paragraph(f"Comment on {cell}{by}: {' '.join(text.split())}")
