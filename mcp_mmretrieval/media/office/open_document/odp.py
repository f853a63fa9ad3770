"""Slides of OpenDocument (ODF 1.3, part 3): ODP, FODP and templates, a part each, read as those of PowerPoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.inner_files import InnerFiles
from mcp_mmretrieval.media.office.open_document.flat import as_package
from mcp_mmretrieval.media.office.open_document.odf import (
    attribute,
    check_readable,
    is_odf_of,
    macro_notes,
    odf_comment,
    odf_paragraphs,
)
from mcp_mmretrieval.media.office.open_document.odf_drawings import OdfDrawings
from mcp_mmretrieval.media.office.packages import properties_in
from mcp_mmretrieval.media.office.slides.deck import slides_in_order
from mcp_mmretrieval.media.office.slides.placing import PlacedBox, length, row_by_row
from mcp_mmretrieval.media.office.unread import UnreadParts
from mcp_mmretrieval.media.office.xml_parts import Element, Package, local_name
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.types import part_name

_NOT_OF_NOTES = frozenset(["page", "header", "footer", "date-time", "page-number"])
_NO_SHAPES = frozenset(
    ["title", "desc", "event-listeners", "notes", "forms", "annotation", "animations", "par", "glue-point"]
)
_TRANSLATED = re.compile(r"translate\s*\(\s*(\S+?)[\s,]+(\S+?)\s*\)")


def recognises(source: Source) -> bool:
    """Whether it holds slides of OpenDocument."""
    return is_odf_of(source.file, "presentation")


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """Each slide, in the order in which they are shown, and the files on it."""
    package = Package(as_package(source).file)
    check_readable(package, source.name)
    yield from _Slides(package).parts(limits)


class _Slides:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._content = package.xml("content.xml")
        self._told: set[str] = set()
        self._unread = UnreadParts()
        self._files = InnerFiles(package, self._unread)

    def parts(self, limits: Limits) -> Iterator[CompoundStep]:
        """See the function of this name."""
        pages = list(self._content.iter("{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}page"))
        about = properties_in(self._package, "meta.xml")
        yield replace(about, pages=len(pages))
        yield from macro_notes(self._package)

        def read(number: int) -> tuple[bool, Iterator[CompoundStep]]:
            page = pages[number - 1]
            return self._says(page, "visibility") == "hidden", self._slide(page, number)

        yield from slides_in_order(len(pages), read, limits, titled=bool(about.title))
        yield from self._unread.notes()

    def _slide(self, page: Element, number: int) -> Iterator[CompoundStep]:
        reading = _SlideReading(self._package, self._unread, f"slide {number}")
        reading.shapes(page)
        master = self._masters.get(attribute(page, "master-page-name"))
        if master is not None:
            self._add_fixed(reading, page, master)
        _add_notes(reading.drawings.builder, page)
        _add_comments(reading.drawings.builder, page)
        part = part_name("slide", number)
        label = "hidden slide" if self._says(page, "visibility") == "hidden" else ""
        yield TextPart(text=reading.drawings.builder.built(), part=part, heading=reading.title, label=label)
        yield from self._files.pictures(reading.drawings.pictures, part, reading.title)
        yield from self._files.embedded(reading.drawings.objects, part, reading.title)

    def _add_fixed(self, reading: _SlideReading, page: Element, master: Element) -> None:
        """What the master has on each slide, once, and the slide's own footer and date where they are shown."""
        for name in ("footer", "date-time", "header"):
            declared = attribute(page, f"use-{name}-name")
            shown = self._says(page, f"display-{name}") != "false"
            if declared and shown:
                reading.drawings.builder.paragraph(self._declared.get((name, declared), ""))
        if self._says(page, "background-objects-visible") != "false":
            own = _SlideReading(self._package, self._unread, "a master slide")
            own.shapes(master, fixed=True)
            text = own.drawings.builder.built().text
            if text not in self._told:
                self._told.add(text)
                reading.drawings.builder.paragraph(text)
            reading.drawings.pictures += own.drawings.pictures

    @cached_property
    def _masters(self) -> Mapping[str, Element]:
        if "styles.xml" not in self._package:
            return {}
        return {attribute(page, "name"): page for page in self._package.xml("styles.xml").iter("{*}master-page")}

    @cached_property
    def _declared(self) -> Mapping[tuple[str, str], str]:
        """Texts of footers and dates, by their kind and name."""
        found = self._content.iter("{*}footer-decl", "{*}date-time-decl", "{*}header-decl")
        return {(local_name(each)[:-5], attribute(each, "name")): "".join(each.itertext()) for each in found}

    @cached_property
    def _styles(self) -> Mapping[str, Element]:
        return {attribute(style, "name"): style for style in self._content.iter("{*}style")}

    def _says(self, page: Element, name: str) -> str:
        """What the style of a slide says of it."""
        style = self._styles.get(attribute(page, "style-name"))
        found = None if style is None else style.find("{*}drawing-page-properties")
        return "" if found is None else attribute(found, name)


class _SlideReading:
    """Puts the words of one slide together, and gathers the files that stand on it."""

    def __init__(self, package: Package, unread: UnreadParts, where: str) -> None:
        self.drawings = OdfDrawings(package, unread, where)
        self.title = ""

    def shapes(self, page: Element, *, fixed: bool = False) -> None:
        """Read the shapes of a slide or group: titles first, then as a person reads. `fixed`: no places for text."""
        found = [
            shape for shape in page if local_name(shape) not in _NO_SHAPES and not (fixed and attribute(shape, "class"))
        ]
        titles = [shape for shape in found if attribute(shape, "class") == "title"]
        placed = [(_box(shape), shape) for shape in found if shape not in titles]
        for shape in (*titles, *row_by_row(placed)):
            self._shape(shape)

    def _shape(self, shape: Element) -> None:
        kind = attribute(shape, "class")
        if local_name(shape) == "g":
            self.shapes(shape)
        elif attribute(shape, "placeholder") != "true" and kind != "page-number":
            if kind == "title" and not self.title:
                self.title = " ".join(" ".join(odf_paragraphs(shape)).split())
            self.drawings.add(shape)


def _add_notes(builder: TextBuilder, page: Element) -> None:
    texts = [
        text
        for shape in page.iterfind("{*}notes/*")
        if attribute(shape, "class") not in _NOT_OF_NOTES and attribute(shape, "placeholder") != "true"
        for text in odf_paragraphs(shape)
    ]
    if texts:
        builder.heading("Notes", 1)
        builder.paragraph("\n".join(texts))


def _add_comments(builder: TextBuilder, page: Element) -> None:
    said = [odf_comment(comment) for comment in page.iter("{*}annotation")]
    if said:
        builder.heading("Comments", 1)
        builder.paragraph("\n".join(said))


def _box(shape: Element) -> PlacedBox:
    """Where a shape lies; a group lies where the first of its shapes does."""
    boxes = [_box(inner) for inner in shape] if local_name(shape) == "g" else []
    if boxes:
        return min(boxes, key=lambda box: (box.y, box.x))
    moved = _TRANSLATED.search(attribute(shape, "transform"))
    x, y = moved.groups() if moved else (attribute(shape, "x"), attribute(shape, "y"))
    return PlacedBox(*map(length, (x, y, attribute(shape, "width"), attribute(shape, "height"))))
