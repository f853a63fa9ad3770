"""The reader of PDF: one segment a page, with its text layer, form values and remarks. PDFium reads and draws.

PDFium is not safe in threads, and a file can make it end the process: it runs in a worker, one document at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw  # type: ignore[import-untyped]

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.pdf.annotations import annotation_lines
from mcp_mmretrieval.media.pdf.cleaning import clean_text_layer
from mcp_mmretrieval.media.pdf.legibility import has_letters, is_language
from mcp_mmretrieval.media.pdf.outline import page_headings, page_label
from mcp_mmretrieval.media.pdf.pictures import picture_coverage
from mcp_mmretrieval.media.pdf.properties import document_date, document_keywords, document_title, unread_content
from mcp_mmretrieval.media.pdf.text_layer import MAX_PAGE_CHARACTERS, read_text_layer
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

MIN_TEXT_LAYER_CHARACTERS = 20
"""A page with fewer characters in its text layer is read by OCR."""

SCANS = ((0.7, 500), (0.3, 200))
"""Share of a page that pictures cover, and characters below which its text layer is then a stamp, a header or a title:
the page is read by OCR as well."""

_HEAD = 1024
_GIVE_UP = 20
"""Pages that fail, one after the other, until the rest of the file is given up."""

_BLANK = 8
"""Difference between the brightest and the darkest value of a page with nothing on it, of 255."""

_PAGE_FAILS = (pypdfium2.PdfiumError, ValueError, OverflowError)
_LOCKED = {pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY}


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
            segment = Segment(
                document=source.document,
                modality="page",
                place=Place(page=number),
                heading=headings[number - 1],
                label=page_label(document, number),
            )
            part = _read(document, segment, limits)
            failed = 0 if part else failed + 1
            lost += part is None
            if failed == number and number in (last, _GIVE_UP):
                raise UnreadableMedia("corrupt", f"{source.name}: none of its pages can be read.")
            if failed == _GIVE_UP:
                yield DocumentMetadata(note=f"{_range(number, last)} not read: too many pages before failed.")
                break
            if failed:
                name = f"Page {number:,}" if lost < _GIVE_UP else "Some page further on"
                yield DocumentMetadata(note=f"{name} could not be read.")
            yield part or SplitPart(segment=segment)


def load(source: Source, segment: Segment, limits: Limits) -> Picture:
    """The page, drawn on white, its longer side `limits.side` pixels."""
    number = segment.place.page or 1
    with _opened(source) as document:
        if number > len(document):
            raise UnreadableMedia("corrupt", f"{source.name}: has {len(document):,} pages, no page {number:,}.")
        try:
            return _draw(document[number - 1], limits.side)
        except _PAGE_FAILS as error:
            raise UnreadableMedia("corrupt", f"{source.name}: page {number:,} cannot be drawn ({error}).") from error


@contextmanager
def _opened(source: Source) -> Iterator[pypdfium2.PdfDocument]:
    source.file.seek(0)
    try:
        document = pypdfium2.PdfDocument(source.file)
    except pypdfium2.PdfiumError as error:
        if error.err_code in _LOCKED:
            reason = f"{source.name}: protected by a password. Save it without one and add it again."
            raise UnreadableMedia("encrypted", reason) from error
        raise UnreadableMedia("corrupt", f"{source.name}: not a PDF that can be read ({error}).") from error
    try:
        if document.get_formtype() != pypdfium2.raw.FORMTYPE_NONE:
            document.init_forms()  # else what was filled in would not be drawn
        yield document
    finally:
        document.close()


def _read(document: pypdfium2.PdfDocument, segment: Segment, limits: Limits) -> SplitPart | None:
    """One page's text, and the page itself where that is not all there is to read. None where the page fails."""
    try:
        page = document[(segment.place.page or 1) - 1]
        try:
            layer = read_text_layer(page)
            text = clean_text_layer(layer) if has_letters(layer) else ""
            lines = annotation_lines(document, page, text)
            picture = _draw(page, limits.side) if _needs_ocr(page, layer, text) else None
        finally:
            page.close()
    except _PAGE_FAILS:
        return None
    seen = picture is not None and int(np.ptp(picture)) > _BLANK
    text = "\n".join([text, *lines] if text else lines)[:MAX_PAGE_CHARACTERS]
    return SplitPart(segment=replace(segment, text=text), content=picture if seen else None)


def _needs_ocr(page: pypdfium2.PdfPage, layer: str, text: str) -> bool:
    """Whether a page shows more words than its text layer has: none, a scan with a stamp, letters that mean nothing."""
    if len(text) < MIN_TEXT_LAYER_CHARACTERS:
        return True
    if not is_language(layer):
        return True
    share = picture_coverage(page) if len(text) < max(most for _, most in SCANS) else 0.0
    return any(share >= least and len(text) < most for least, most in SCANS)


def _draw(page: pypdfium2.PdfPage, side: int) -> Picture:
    longer = max(page.get_size())
    if not (math.isfinite(longer) and longer > 0):
        raise ValueError("a page without a size")
    scale = (side - 0.5) / longer  # PDFium rounds up, and may be a hair above
    bitmap = page.render(scale=scale, fill_color=(255, 255, 255, 255), rev_byteorder=True)
    try:
        return np.array(bitmap.to_numpy()[:side, :side, :3])
    finally:
        bitmap.close()


def _range(first: int, last: int) -> str:
    return f"Pages {first:,} to {last:,} were" if last > first else f"Page {first:,} was"
