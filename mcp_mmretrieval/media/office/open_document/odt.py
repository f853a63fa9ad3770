"""Texts in the OpenDocument format: ODT, OTT, and FODT, which is one file of XML (OpenDocument 1.3)."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.blocks import DocumentBlock, flat_text, write_blocks
from mcp_mmretrieval.media.office.gathered import Gathered, MemoryParts
from mcp_mmretrieval.media.office.open_document.flat import flat_root, flat_type
from mcp_mmretrieval.media.office.open_document.odt_styles import FO, OFFICE, STYLE, OdtStyles
from mcp_mmretrieval.media.office.open_document.odt_text import OdtContext, OdtStory
from mcp_mmretrieval.media.office.properties import document_properties
from mcp_mmretrieval.media.office.xml_parts import Element, Package, local_name
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.media.zipped import is_zip
from mcp_mmretrieval.types import DocumentMetadata

_TYPE = b"application/vnd.oasis.opendocument.text"
_NO_MACRO = ("script-lb.xml", "script-lc.xml", "dialog-lb.xml", "dialog-lc.xml")
_HEADERS = ("header-first", "header", "header-left")
_FOOTERS = ("footer-first", "footer", "footer-left")


def recognises(source: Source) -> bool:
    """Whether it is a package that says so of itself, or a flat document."""
    if not is_zip(source.file):
        return flat_type(source.file).startswith(_TYPE)
    try:
        return Package(source.file).read("mimetype").strip().startswith(_TYPE)
    except UnreadableMedia:
        return False


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The text with all that belongs to it, then its pictures, and the files that are embedded in it."""
    if is_zip(source.file):
        package = Package(source.file)
        if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
            reason = "this document wants a password. Save it without one, then add it again."
            raise UnreadableMedia("encrypted", f"{source.name}: {reason}")
        gathered = Gathered(package)
        content = package.xml("content.xml")
        styles, meta = (gathered.xml(name) if name in package else None for name in ("styles.xml", "meta.xml"))
        has_macros = any(map(_is_macro, package.names))
    else:
        content, files = flat_root(source)
        styles = meta = content
        gathered = Gathered(MemoryParts(files))
        has_macros = any(len(each) for each in content.iter(f"{OFFICE}script"))
    context = OdtContext(gathered, OdtStyles([styles, content]))
    context.white_hides = styles is None or not any(
        each.get(f"{FO}background-color", "transparent") not in ("transparent", "#ffffff")
        for each in styles.iter(f"{STYLE}page-layout-properties")
    )
    builder = TextBuilder()
    whole = write_blocks(_all_blocks(content, styles, context), builder, limits.characters)
    about = None if meta is None else next(meta.iter(f"{OFFICE}meta"), None)
    yield document_properties(about, context.title, context.first_heading)
    yield TextPart(text=builder.built())
    yield from gathered.steps()
    if not whole:
        yield DocumentMetadata(note=f"Only its first {limits.characters:,} characters or so were read.")
    if has_macros:
        yield DocumentMetadata(note="It has macros. They were not run.")


def _is_macro(name: str) -> bool:
    return name.startswith(("Basic/", "Scripts/")) and not name.endswith(_NO_MACRO)


def _all_blocks(content: Element, styles: Element | None, context: OdtContext) -> Iterator[DocumentBlock]:
    """Headers, the body, footers."""
    masters = [] if styles is None else list(styles.iter(f"{STYLE}master-page"))
    told: set[str] = set()

    def margins(names: tuple[str, ...]) -> Iterator[DocumentBlock]:
        """Each distinct one of the pages."""
        for each in (each for master in masters for each in master if local_name(each) in names):
            blocks = [] if each.get(f"{STYLE}display") == "false" else list(OdtStory(context).blocks(each))
            text = flat_text(blocks)
            if text not in told and any(map(str.isalpha, text)):  # a page number alone is no text
                told.add(text)
                yield from blocks

    yield from margins(_HEADERS)
    for body in content.iterchildren(f"{OFFICE}body"):
        yield from OdtStory(context).blocks(body)
    yield from margins(_FOOTERS)
