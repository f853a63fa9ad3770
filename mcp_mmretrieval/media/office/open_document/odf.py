"""What the XML of OpenDocument says in words (ODF 1.3, part 3): paragraphs, tables, charts, the looks of drawings."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import BinaryIO

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.open_document.flat import flat_type
from mcp_mmretrieval.media.office.unread import MACROS_NOT_RUN
from mcp_mmretrieval.media.office.xml_parts import Element, Package, local_name
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.media.zipped import is_zip
from mcp_mmretrieval.types import DocumentMetadata

MAX_REPEATED = 100
"""Cells or rows alike beside each other that are written out: what colours a sheet to its end has no words."""

_MANIFEST = "META-INF/manifest.xml"
_APART = frozenset(["annotation", "note", "tracked-changes", "ruby-text", "page-number", "frame"])
"""Elements within text that are no part of the sentence: a frame has paragraphs of its own."""
_BLANKS = {"s": " ", "tab": " ", "line-break": "\n"}


def is_odf_of(file: BinaryIO, kind: str) -> bool:
    """Whether a file says to be an OpenDocument of a kind: `presentation`, `spreadsheet`, also as a template.

    A flat one too, which `as_package` makes readable.
    """
    said = f"application/vnd.oasis.opendocument.{kind}".encode()
    if not is_zip(file):
        return flat_type(file).startswith(said)
    try:
        package = Package(file)
        mimetype = package.read("mimetype") if "mimetype" in package else b""
    except UnreadableMedia:
        return False
    return mimetype.strip().startswith(said)


def check_readable(package: Package, name: str) -> None:
    """Raise UnreadableMedia (`encrypted`) for a file that wants a password."""
    manifest = package.xml(_MANIFEST) if _MANIFEST in package else None
    if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
        raise UnreadableMedia("encrypted", f"{name}: it wants a password. Save it without one, then add it again.")


def macro_notes(package: Package) -> Iterator[DocumentMetadata]:
    """A note where the file holds macros."""
    if any(name.startswith(("Basic/", "Scripts/")) and not name.endswith("-lb.xml") for name in package.names):
        yield MACROS_NOT_RUN


def attribute(element: Element, name: str) -> str:
    """The value of an attribute by its local name."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def odf_text(element: Element) -> str:
    """The words of a paragraph, or of one heading; without what hangs on it, such as notes and comments."""
    return "".join(_pieces(element)).strip()


def odf_paragraphs(element: Element) -> list[str]:
    """The paragraphs within an element, those of what is drawn in it too; without comments."""
    return [
        text
        for paragraph in element.iter("{*}p", "{*}h")
        if not _is_within(paragraph, element, "annotation") and (text := odf_text(paragraph))
    ]


def odf_comment(annotation: Element) -> str:
    """What a comment says, and who says it."""
    creator = annotation.find("{*}creator")
    author = "" if creator is None else (creator.text or "").strip()
    words = " ".join(text for paragraph in annotation.iter("{*}p") if (text := odf_text(paragraph)))
    return ": ".join(filter(None, (author, words)))


def odf_rows(table: Element) -> Iterator[list[str]]:
    """The rows of a table; equal ones and equal cells as often as they stand there, within bounds."""
    for row in table.iter("{*}table-row"):
        cells: list[str] = []
        for cell in row.iterfind("*"):
            if local_name(cell) in ("table-cell", "covered-table-cell"):
                text = " ".join(odf_paragraphs(cell)) if local_name(cell) == "table-cell" else ""
                cells.extend([text] * _repeated(cell, "number-columns-repeated"))
        for _ in range(_repeated(row, "number-rows-repeated") if any(cells) else 1):
            yield cells


def add_odf_object(builder: TextBuilder, package: Package, folder: str) -> None:
    """An embedded document: a chart, or the tables or texts of any other. Raises UnreadableMedia."""
    content = package.xml(posixpath.join(folder, "content.xml"))
    if _add_chart(builder, content):
        return
    tables = list(content.iter("{*}table"))
    for table in tables:
        builder.table(odf_rows(table))
    if not tables:
        builder.paragraph("\n".join(odf_paragraphs(content)))


def _add_chart(builder: TextBuilder, content: Element) -> bool:
    """A chart: its titles, and as a table its numbers. Whether the document is one."""
    chart = next(content.iter("{urn:oasis:names:tc:opendocument:xmlns:chart:1.0}chart"), None)
    if chart is None:
        return False
    for title in chart.iter("{*}title", "{*}subtitle"):
        named = "Axis" if local_name(title.getparent()) == "axis" else "Chart"
        for text in odf_paragraphs(title):
            builder.line(f"{named}: {text}")
    for table in chart.iter("{*}table"):
        builder.table(odf_rows(table))
    return True


def _pieces(element: Element) -> Iterator[str]:
    """Text in order; of what hangs in it nothing."""
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name in _BLANKS:
            count = attribute(child, "c")
            yield _BLANKS[name] * (min(int(count), MAX_REPEATED) if count.isdecimal() else 1)
        elif name not in _APART:
            yield from _pieces(child)
        yield child.tail or ""


def _is_within(element: Element, outer: Element, name: str) -> bool:
    for above in element.iterancestors():
        if above is outer:
            return False
        if local_name(above) == name:
            return True
    return False


def _repeated(element: Element, name: str) -> int:
    count = attribute(element, name)
    return min(int(count), MAX_REPEATED) if count.isdecimal() and len(count) < 9 else 1
