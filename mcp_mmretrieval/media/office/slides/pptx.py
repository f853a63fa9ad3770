"""Slides of PowerPoint (ECMA-376, part 1, 19): PPTX, PPSX, PPTM and their templates, a part each.

Of a slide is read what it shows, from the title on as a person reads, then the notes and comments. Its pictures and
embedded files are files within. What stands on layouts and masters is read once, where it is first shown.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from mcp_mmretrieval.config.limits import Limits
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
from mcp_mmretrieval.media.office.packages import is_package_of, main_part, properties_in, targets_of
from mcp_mmretrieval.media.office.slides.deck import slides_in_order
from mcp_mmretrieval.media.office.slides.placing import PlacedBox, length, row_by_row
from mcp_mmretrieval.media.office.unread import MACROS_NOT_RUN, UnreadParts
from mcp_mmretrieval.media.office.xml_parts import Element, Package, Relation, local_name
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.types import part_name

_TITLES = frozenset(["title", "ctrTitle"])
_NEVER_READ = frozenset(["sldNum", "sldImg", "hdr"])
_NOT_OF_NOTES = _NEVER_READ | {"ftr", "dt"}
_SHAPES = frozenset(["sp", "grpSp", "graphicFrame", "pic", "cxnSp", "contentPart"])
_MEDIA = frozenset(["audio", "video", "media"])
_MADE_UP_TITLE = re.compile(r".{0,25}power ?point.{0,15}", re.IGNORECASE)
"""What PowerPoint calls a deck whose author has not, in all languages."""
_FALSE, _TRUE = ("0", "false"), ("1", "true")


class _Layout(NamedTuple):
    """What slides take over from a layout or master."""

    root: Element
    relations: Mapping[str, Relation]
    texts: Sequence[str]
    """What stands on it itself, beside the places for text of the slides."""


def recognises(source: Source) -> bool:
    """Whether it holds slides of PowerPoint."""
    return is_package_of(source.file, "presentationml", "ms-powerpoint")


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """Each slide, in the order in which they are shown, and the files on it."""
    yield from _Deck(Package(source.file)).parts(limits)


class _Deck:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._main, _ = main_part(package)
        self._root = package.xml(self._main)
        self._relations = package.relations(self._main)
        self._layouts: dict[str, _Layout] = {}
        self._told: set[str] = set()
        """Texts of layouts and masters that were given already."""
        self._unread = UnreadParts()
        self._files = InnerFiles(package, self._unread)

    def parts(self, limits: Limits) -> Iterator[CompoundStep]:
        """See the function of this name."""
        listed = [related_id(element) for element in self._root.iterfind("{*}sldIdLst/{*}sldId")]
        slides = [self._relations[id].target if id in self._relations else "" for id in listed]
        about = properties_in(self._package)
        made_up = _MADE_UP_TITLE.fullmatch(about.title) is not None
        yield replace(about, pages=len(slides), title="" if made_up else about.title)
        if any(one.kind == "vbaProject" for one in self._relations.values()):
            yield MACROS_NOT_RUN

        def read(number: int) -> tuple[bool, Iterator[CompoundStep]]:
            name = slides[number - 1]
            slide = self._package.xml(name)
            return _is_hidden(slide), self._slide(slide, name, number)

        yield from slides_in_order(len(slides), read, limits, titled=bool(about.title) and not made_up)
        yield from self._unread.notes()

    def _slide(self, slide: Element, name: str, number: int) -> Iterator[CompoundStep]:
        previews = {related_id(blip, "embed") for ole in slide.iter("{*}oleObj") for blip in ole.iter("{*}blip")}
        settle_alternatives(slide)
        relations = self._package.relations(name)
        layouts = self._layouts_of(relations)
        reading = _SlideReading(self._package, relations, self._unread, f"slide {number}")
        reading.shapes(slide.find("{*}cSld/{*}spTree"), [layout.root for layout in layouts])
        shown = list(_shown(slide, layouts))
        for text in (text for layout in shown for text in layout.texts):
            if text not in self._told:
                self._told.add(text)
                reading.builder.paragraph(text)
        for what, add in (("its notes", self._add_notes), ("its comments", self._add_comments)):
            try:
                add(reading.builder, relations)
            except UnreadableMedia:
                self._unread.damaged(what, f"slide {number}")
        part = part_name("slide", number)
        heading = " > ".join(filter(None, (self._sections.get(number), reading.title)))
        yield TextPart(text=reading.builder.built(), part=part, heading=heading, label=self._label(slide, number))
        for relation in relations.values():
            if relation.external and relation.kind != "hyperlink":
                self._unread.linked(posixpath.basename(relation.target), f"slide {number}")
        vectors = {related_id(blip, "embed") for blip in slide.iter("{*}svgBlip")}
        others = [one for id, one in relations.items() if one.kind == "image" and id not in previews | vectors]
        fixed = [one for layout in shown for one in layout.relations.values() if one.kind == "image"]
        pictures = [*reading.pictures, *((one.target, "") for one in (*others, *fixed) if not one.external)]
        yield from self._files.pictures(pictures, part, heading)
        media = [one.target for one in relations.values() if one.kind in _MEDIA and not one.external]
        yield from self._files.embedded([*reading.objects, *media], part, heading)

    def _label(self, slide: Element, number: int) -> str:
        """What the deck calls a slide where that is not its place in the file."""
        first = self._root.get("firstSlideNum", "1")
        printed = str(int(first) + number - 1) if first.isdecimal() and first != "1" else ""
        return ", ".join(filter(None, (printed, "hidden slide" if _is_hidden(slide) else "")))

    @cached_property
    def _sections(self) -> Mapping[int, str]:
        """The section of each slide by its number, where the deck has several."""
        numbers = {each.get("id"): at for at, each in enumerate(self._root.iterfind("{*}sldIdLst/{*}sldId"), 1)}
        sections = list(self._root.iter("{*}section"))
        return {
            numbers[each.get("id")]: section.get("name", "")
            for section in (sections if len(sections) > 1 else ())
            for each in section.iter("{*}sldId")
            if each.get("id") in numbers
        }

    @cached_property
    def _authors(self) -> Mapping[str, str]:
        """Who comments, by id."""
        names = [one.target for one in self._relations.values() if one.kind in ("commentAuthors", "authors")]
        roots = [self._package.xml(name) for name in names if name in self._package]
        return {each.get("id", ""): each.get("name", "") for root in roots for each in root}

    def _layouts_of(self, relations: Mapping[str, Relation]) -> list[_Layout]:
        """The layout of a slide and the master of that; damaged ones are none: what stands on them is decoration."""
        found: list[_Layout] = []
        for kind in ("slideLayout", "slideMaster"):
            name = next((one.target for one in relations.values() if one.kind == kind), "")
            if name not in self._package:
                break
            if name not in self._layouts:
                try:
                    root = self._package.xml(name)
                except UnreadableMedia:
                    self._unread.damaged("a layout of slides", name)
                    break
                settle_alternatives(root)
                self._layouts[name] = _Layout(root, self._package.relations(name), list(_fixed_texts(root)))
            found.append(self._layouts[name])
            relations = found[-1].relations
        return found

    def _add_notes(self, builder: TextBuilder, relations: Mapping[str, Relation]) -> None:
        for name in targets_of(relations, "notesSlide"):
            texts = [
                text
                for shape in self._package.xml(name).iter("{*}sp")
                if _placeholder(shape)[0] not in _NOT_OF_NOTES
                for text in paragraphs_of(shape.find("{*}txBody"))
            ]
            if texts:
                builder.heading("Notes", 1)
                builder.paragraph("\n".join(texts))

    def _add_comments(self, builder: TextBuilder, relations: Mapping[str, Relation]) -> None:
        """Comments, and the answers to them."""
        said = []
        for name in targets_of(relations, "comments"):
            for comment in self._package.xml(name).iter("{*}cm", "{*}reply"):
                plain = comment.find("{*}text")
                words = paragraphs_of(comment.find("{*}txBody")) if plain is None else [plain.text or ""]
                author = self._authors.get(comment.get("authorId", ""), "")
                said.append(": ".join(filter(None, (author, " ".join(words)))))
        if said:
            builder.heading("Comments", 1)
            builder.paragraph("\n".join(said))


class _SlideReading:
    """Puts the words of one slide together, and gathers the files that stand on it."""

    def __init__(self, package: Package, relations: Mapping[str, Relation], unread: UnreadParts, where: str) -> None:
        self.builder = TextBuilder()
        self.title = ""
        self.pictures: list[tuple[str, str]] = []
        """Names of parts, and what is said of each."""
        self.objects: list[str] = []
        """Names of embedded files."""
        self._package = package
        self._relations = relations
        self._unread = unread
        self._where = where

    def shapes(self, tree: Element | None, layouts: Sequence[Element] = ()) -> None:
        """Read the shapes of a slide or group: titles first, then as a person reads."""
        found = [shape for shape in (() if tree is None else tree) if local_name(shape) in _SHAPES]
        titles = [shape for shape in found if _placeholder(shape)[0] in _TITLES]
        placed = [(_box(shape, layouts), shape) for shape in found if shape not in titles]
        for shape in (*titles, *row_by_row(placed)):
            self._shape(shape)

    def _shape(self, shape: Element) -> None:
        kind, properties = local_name(shape), next(shape.iter("{*}cNvPr"), None)
        if properties is not None and properties.get("hidden") in _TRUE:
            self._unread.hidden(self._where)
            return
        placeholder, _ = _placeholder(shape)
        if placeholder in _NEVER_READ:
            return
        said = alternative_text(properties)
        if kind == "grpSp":
            self.shapes(shape)
        elif kind == "graphicFrame":
            self._graphic(shape)
        else:
            text = "\n".join(paragraphs_of(shape.find("{*}txBody")))
            if placeholder in _TITLES and not self.title:
                self.title = " ".join(text.split())
            self.builder.paragraph(text)
        if said:
            self.builder.paragraph(f"{'Picture' if kind == 'pic' else 'Drawing'}: {said}")
        blip = shape.find("{*}blipFill/{*}blip")
        relation = self._relations.get(related_id(blip, "embed"))
        if relation and not relation.external:
            self.pictures.append((relation.target, said))

    def _graphic(self, frame: Element) -> None:
        for ole in frame.iter("{*}oleObj"):
            relation = self._relations.get(related_id(ole))
            if relation and not relation.external:
                self.objects.append(relation.target)
        try:
            add_graphic(self.builder, self._package, frame, self._relations)
        except UnreadableMedia:
            self._unread.damaged("a chart or diagram", self._where)


def _is_hidden(slide: Element) -> bool:
    return slide.get("show") in _FALSE


def _placeholder(shape: Element) -> tuple[str, str]:
    """Type and number of the placeholder that a shape fills; a body without a type is `obj`."""
    properties = shape[0].find("{*}nvPr/{*}ph") if len(shape) and local_name(shape) != "grpSp" else None
    return ("", "") if properties is None else (properties.get("type", "obj"), properties.get("idx", ""))


def _box(shape: Element, layouts: Sequence[Element]) -> PlacedBox:
    """Where a shape lies; a placeholder that does not say so lies where its layout has it."""
    own = _stated_box(shape)
    kind, number = _placeholder(shape)
    if own is None and kind:
        for layout in layouts:
            alike = [other for other in layout.iter("{*}sp", "{*}pic") if _fills(other, kind, number)]
            own = next(filter(None, map(_stated_box, alike)), None)
            if own:
                break
    return own or PlacedBox()


def _fills(shape: Element, kind: str, number: str) -> bool:
    its_kind, its_number = _placeholder(shape)
    return bool(its_kind) and (its_number == number if number else its_kind == kind)


def _stated_box(shape: Element) -> PlacedBox | None:
    for path in ("{*}spPr/{*}xfrm", "{*}grpSpPr/{*}xfrm", "{*}xfrm"):
        transform = shape.find(path)
        if transform is not None:
            offset, extent = transform.find("{*}off"), transform.find("{*}ext")
            if offset is not None and extent is not None:
                given = (offset.get("x"), offset.get("y"), extent.get("cx"), extent.get("cy"))
                return PlacedBox(*map(length, given))
    return None


def _shown(slide: Element, layouts: Sequence[_Layout]) -> Iterator[_Layout]:
    """The layouts whose own shapes the slide shows."""
    if slide.get("showMasterSp") in _FALSE:
        return
    for layout in layouts:
        yield layout
        if layout.root.get("showMasterSp") in _FALSE:
            return


def _fixed_texts(layout: Element) -> Iterator[str]:
    for shape in layout.iter("{*}sp"):
        if not _placeholder(shape)[0]:
            text = "\n".join(paragraphs_of(shape.find("{*}txBody")))
            if text:
                yield text
