"""The reader of PDF: one segment a page, with its text layer, form values and remarks. PDFium reads and draws.

PDFium is not safe in threads, and a file can make it end the process: it runs in a worker, one document at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw  # type: ignore[import-untyped]

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.pdf.figures import draw_figures
from mcp_mmretrieval.media.pdf.outline import page_headings, page_label
from mcp_mmretrieval.media.pdf.page import PageContent, draw_page, read_page
from mcp_mmretrieval.media.pdf.properties import document_date, document_keywords, document_title, unread_content
from mcp_mmretrieval.media.region import WHOLE, before_turning
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_HEAD = 1024
_GIVE_UP = 20
"""Pages that fail, one after the other, until the rest of the file is given up."""

_FONT_PAGES = 10
"""Pages on which is looked whether their letters can be drawn: fonts are mostly the same throughout."""

_NO_FONT = (
    "Letters of some pages are not drawn: their font is neither in the file nor installed. Install one that has them, "
    "such as Noto Sans CJK for Chinese, Japanese and Korean, and start the server again."
)
_PAGE_FAILS = (pypdfium2.PdfiumError, ValueError, OverflowError)
_LOCKED = {pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY}
_REASONS = {
    pypdfium2.raw.FPDF_ERR_FILE: "it cannot be read to its end",
    pypdfium2.raw.FPDF_ERR_FORMAT: "its data is damaged, or no PDF's",
    pypdfium2.raw.FPDF_ERR_PAGE: "its pages are damaged",
}


def recognises(source: Source) -> bool:
    """By its header, which stands at the beginning or, after some junk, in the first kilobyte."""
    source.file.seek(0)
    head = source.file.read(_HEAD)
    if head.startswith(b"%PDF-"):
        return True
    if b"%PDF-" not in head:
        return False
    source.file.seek(max(0, source.file.seek(0, 2) - _HEAD))
    return b"startxref" in source.file.read()  # a text about PDF may name the header, but hardly both


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """A part for each page, also for a blank one and for one that fails: part n is always page n + 1.

    It carries the drawn page where its text layer says next to nothing, though there is something to see.
    """
    with _opened(source) as document:
        pages = len(document)
        last = min(pages, limits.pages)
        yield DocumentMetadata(
            title=document_title(document),
            pages=pages,
            dated=document_date(document),
            keywords=document_keywords(document),
        )
        for note in unread_content(document):
            yield DocumentMetadata(note=note)
        if pages > last:
            yield DocumentMetadata(
                note=f"{_range(last + 1, pages)} left out: the limit is {limits.pages:,} pages of one file."
            )
        headings = page_headings(document, last)
        failed = lost = 0
        for number in range(start + 1, last + 1):
            page = _read(document, number, limits)
            failed = 0 if page else failed + 1
            lost += page is None
            if failed == number and number in (last, _GIVE_UP):
                raise UnreadableMedia("corrupt", f"{source.name}: none of its pages can be read.")
            if failed == _GIVE_UP:
                yield DocumentMetadata(note=f"{_range(number, last)} not read: too many pages before failed.")
                break
            if failed:
                name = f"Page {number:,}" if lost < _GIVE_UP else "Some page further on"
                yield DocumentMetadata(note=f"{name} could not be read.")
            if page and page.lacks_font:
                yield DocumentMetadata(note=_NO_FONT)
            segment = Segment(
                document=source.document,
                modality="page",
                place=Place(page=number),
                text=page.text if page else "",
                heading=headings[number - 1],
                label=page_label(document, number),
            )
            if page:
                yield SplitPart(segment=segment, content=page.picture, figures=page.figures)
            else:
                yield SplitPart(segment=segment)


def figures(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart]:
    """A part for each page, with the pictures that stand in it on one sheet."""
    with _opened(source) as document:
        for number in range(start + 1, min(len(document), limits.pages) + 1):
            place = Place(page=number)
            try:
                page = document[number - 1]
                try:
                    sheet = draw_figures(page, limits.side)
                finally:
                    page.close()
            except _PAGE_FAILS:
                sheet = None
            yield SplitPart(segment=Segment(document=source.document, modality="page", place=place), content=sheet)


def load(source: Source, segment: Segment, limits: Limits) -> Picture:
    """The page or its region, drawn on white, its words upright, its longer side `limits.side` pixels."""
    number = segment.place.page or 1
    region = before_turning(segment.place.region or WHOLE, segment.turn)
    with _opened(source) as document:
        if number > len(document):
            raise UnreadableMedia("corrupt", f"{source.name}: has {len(document):,} pages, no page {number:,}.")
        try:
            return np.rot90(draw_page(document[number - 1], limits.side, region), -segment.turn // 90)
        except _PAGE_FAILS as error:
            raise UnreadableMedia("corrupt", f"{source.name}: page {number:,} cannot be drawn.") from error


def _read(document: pypdfium2.PdfDocument, number: int, limits: Limits) -> PageContent | None:
    """None where the page fails."""
    try:
        return read_page(document, number, limits, look_at_fonts=number <= _FONT_PAGES)
    except _PAGE_FAILS:
        return None


@contextmanager
def _opened(source: Source) -> Iterator[pypdfium2.PdfDocument]:
    source.file.seek(0)
    try:
        document = pypdfium2.PdfDocument(source.file)
    except pypdfium2.PdfiumError as error:
        if error.err_code in _LOCKED:
            reason = f"{source.name}: protected by a password. Save it without one and add it again."
            raise UnreadableMedia("encrypted", reason) from error
        why = _REASONS.get(error.err_code or 0, "PDFium gave it up without a reason, as it does with damaged ones")
        raise UnreadableMedia("corrupt", f"{source.name}: not a PDF that can be read: {why}.") from error
    try:
        if document.get_formtype() != pypdfium2.raw.FORMTYPE_NONE:
            document.init_forms()  # else what was filled in would not be drawn
        yield document
    finally:
        document.close()


def _range(first: int, last: int) -> str:
    return f"Pages {first:,} to {last:,} were" if last > first else f"Page {first:,} was"
