"""Word documents of 2007 and later: DOCX, DOCM, DOTX, DOTM (ECMA-376, also the strict form of ISO 29500).

The XML is walked as it is: python-docx knows neither notes, text boxes, content controls nor tracked changes.
Macros never run, templates and what is linked are never fetched. A chart is read by the numbers that it shows, not by
the sheet that they come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.blocks import DocumentBlock, flat_text, write_blocks
from mcp_mmretrieval.media.office.gathered import Gathered
from mcp_mmretrieval.media.office.properties import document_properties
from mcp_mmretrieval.media.office.word.word_asides import Aside, comment_blocks
from mcp_mmretrieval.media.office.word.word_lists import WordLists
from mcp_mmretrieval.media.office.word.word_styles import W, WordStyles
from mcp_mmretrieval.media.office.word.word_text import Story, WordContext
from mcp_mmretrieval.media.office.xml_parts import Element, Package, Relation
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.media.zipped import is_zip
from mcp_mmretrieval.types import DocumentMetadata

_CONTENT_TYPES = "[Content_Types].xml"
_IS_WORD = re.compile(
    rb"(?:wordprocessingml\.(?:document|template)|ms-word\.(?:document|template)\.macroEnabled(?:Template)?)\.main\+xml"
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_USUAL_NAME = "word/document.xml"
_NO_NOTE = frozenset(["separator", "continuationSeparator", "continuationNotice"])


def recognises(source: Source) -> bool:
    """Whether it is a package whose main part is a Word document."""
    if not is_zip(source.file):
        return False
    try:
        types = Package(source.file).read(_CONTENT_TYPES)
    except UnreadableMedia:
        return False
    return _IS_WORD.search(types) is not None


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The text with all that belongs to it, then its pictures, and the files that are embedded in it."""
    package = Package(source.file)
    related = package.relations("")
    main = _first(related, "officeDocument") or _USUAL_NAME
    relations = package.relations(main)
    body = package.xml(main)
    gathered = Gathered(package)
    context = _context(package, relations, gathered, body)

    builder = TextBuilder()
    whole = write_blocks(_all_blocks(package, body, relations, context), builder, limits.characters)
    about = _first(related, "core-properties")
    properties = gathered.xml(about) if about in package else None
    yield document_properties(properties, context.title, context.first_heading)
    yield TextPart(text=builder.built())
    yield from gathered.steps()
    if not whole:
        yield DocumentMetadata(note=f"Only its first {limits.characters:,} characters or so were read.")
    if _first(relations, "vbaProject"):
        yield DocumentMetadata(note="It has macros. They were not run.")


def _first(relations: Mapping[str, Relation], kind: str) -> str:
    """The first part that is related so; empty where there is none."""
    return next((one.target for one in relations.values() if one.kind == kind and not one.external), "")


def _context(package: Package, relations: Mapping[str, Relation], gathered: Gathered, body: Element) -> WordContext:
    def root_of(kind: str) -> Element | None:
        name = _first(relations, kind)
        return gathered.xml(name) if name in package else None

    context = WordContext(gathered, WordStyles(root_of("styles")), WordLists(root_of("numbering")))
    context.white_hides = body.find(f"{W}background") is None and not _lies_behind(body)

    def aside(kind: str) -> Aside | None:
        root = root_of(kind)
        if root is None:
            return None
        elements = {each.get(f"{W}id", ""): each for each in root if each.get(f"{W}type") not in _NO_NOTE}
        return Aside(Story(context, package.relations(_first(relations, kind))), elements)

    context.footnotes, context.endnotes, context.comments = map(aside, ("footnotes", "endnotes", "comments"))
    return context


def _lies_behind(root: Element) -> bool:
    """Whether a picture or a shape lies behind text: white letters on it can be seen."""
    return any(each.get("behindDoc") not in (None, "0", "false") for each in root.iter("{*}anchor"))


def _all_blocks(
    package: Package, body: Element, relations: Mapping[str, Relation], context: WordContext
) -> Iterator[DocumentBlock]:
    """Headers, the body, footers, and comments on what was deleted."""
    told: set[str] = set()

    def margins(tag: str) -> Iterator[DocumentBlock]:
        """Each distinct header or footer of the sections."""
        for identity in dict.fromkeys(each.get(_RELATION, "") for each in body.iter(f"{W}{tag}")):
            relation = relations.get(identity)
            if relation is None or relation.external or relation.target not in package:
                continue
            root = context.gathered.xml(relation.target)
            context.white_hides &= root is None or not _lies_behind(root)
            blocks = [] if root is None else list(Story(context, package.relations(relation.target)).whole(root))
            text = flat_text(blocks)
            if text not in told and any(map(str.isalpha, text)):  # a page number alone is no text
                told.add(text)
                yield from blocks

    yield from margins("headerReference")
    story = Story(context, relations)
    for child in body:
        if child.tag == f"{W}body":
            yield from story.whole(child)
    yield from margins("footerReference")
    if context.comments is not None:
        for identity in context.comments.elements:
            yield from comment_blocks(context.comments, identity)
