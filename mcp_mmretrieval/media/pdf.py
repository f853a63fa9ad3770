"""PDF: one segment a page, with its text layer. PDFium reads and draws.

PDFium is not safe in threads, and a file can make it end the process: it runs in a worker, one document at a time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw  # type: ignore[import-untyped]

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.pdf_figures import draw_figures, find_figures
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

MIN_TEXT_LAYER_CHARACTERS = 20
"""A page with fewer characters in its text layer is read by OCR."""

MAX_PAGE_CHARACTERS = 100_000
"""Characters kept of one page."""

_HEAD = 1024
_BOOKMARKS = 20_000
_GIVE_UP = 20
"""Pages that fail, one after the other, until the rest of the file is given up."""

_BLANK = 8
"""Difference between the brightest and the darkest value of a page with nothing on it, of 255."""

_PAGE_FAILS = (pypdfium2.PdfiumError, ValueError, OverflowError)
_LOCKED = {pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY}
_HYPHEN = re.compile(r"(\w+)[\x02\ufffe](?:\r\n)?(\w+)")
_WORD = re.compile(r"[a-z]{2,}")
_FIRST = re.compile("co|cross|ex|long|multi|non|part|post|pre|self|semi|short|sub|third|well|wholly")
_SECOND = re.compile(
    "based|term|party|related|owned|service|for|than|to|of|in|up|off|free|side|level|time|year|day|wide|like|"
    "specific|driven|neutral|sale|employee|current|recurring|public|line|end|high|low"
)
"""Halves that mostly stand before or after a hyphen that is always there."""
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\ufeff\ufffd-\uffff\ud800-\udfff]")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_GLYPHS = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
    | {"\uf0b7": "•", "\uf0a7": "•", "\uf0d8": "•", "\xa0": " ", "\r": None}
)
_SPACES = re.compile(r"[ \t]+")
_PROGRAM = re.compile(r"^Microsoft \w+ - |\.(?:docx?|pptx?|xlsx?|indd|qxd|tex|dvi|pdf)$", re.IGNORECASE)


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
        yield DocumentMetadata(title=_title(document), pages=pages)
        if pages > last:
            yield DocumentMetadata(
                note=f"{_range(last + 1, pages)} left out: the limit is {limits.pages:,} pages of one file."
            )
        headings = _headings(document, last)
        failed = lost = 0
        for number in range(start + 1, last + 1):
            place, heading = Place(page=number), headings[number - 1]
            segment = Segment(document=source.document, modality="page", place=place, heading=heading)
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
    """One page's text, and the page itself where that is next to nothing. None where the page fails."""
    try:
        page = document[(segment.place.page or 1) - 1]
        try:
            text = clean_text_layer(_text(page))
            picture = _draw(page, limits.side) if len(text) < MIN_TEXT_LAYER_CHARACTERS else None
            figures = picture is None and bool(find_figures(page))
        finally:
            page.close()
    except _PAGE_FAILS:
        return None
    seen = picture is not None and int(np.ptp(picture)) > _BLANK
    return SplitPart(segment=replace(segment, text=text), content=picture if seen else None, figures=figures)


def _text(page: pypdfium2.PdfPage) -> str:
    textpage = page.get_textpage()
    try:
        text: str = textpage.get_text_bounded()
    finally:
        textpage.close()
    return text[:MAX_PAGE_CHARACTERS]


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


def clean_text_layer(text: str) -> str:
    """A text layer as one reads it: words whole, lines as on the page, no glyphs that mean nothing elsewhere."""
    alone = set(_WORD.findall(_HYPHEN.sub(" ", text))) if "\x02" in text or "\ufffe" in text else set()

    def joined(match: re.Match[str]) -> str:
        # PDFium marks every hyphen at a line's end alike, those of `long-term` and those of `improve-ment`
        left, right = match[1], match[2]
        known = _FIRST.fullmatch(left.lower()) or _SECOND.fullmatch(right) or right in alone
        return f"{left}-{right}" if known or not right[0].islower() else left + right

    text = _HYPHEN.sub(joined, text).translate(_GLYPHS)
    text = _SPACES.sub(" ", _PRIVATE.sub("", _STRANGE.sub("", text)))
    return "\n".join(line for line in map(str.strip, text.split("\n")) if line)


def _headings(document: pypdfium2.PdfDocument, pages: int) -> list[str]:
    """For each page the trail of bookmarks that lead to it: `Part I > Item 1`. The first that begins there counts."""
    first: dict[int, str] = {}
    latest: dict[int, str] = {}
    trail: list[str] = []
    for bookmark in islice(document.get_toc(), _BOOKMARKS):
        del trail[bookmark.level :]
        trail.append(clean_text_layer(bookmark.get_title())[:200].replace("\n", " "))
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        if index is not None:
            latest[index] = " > ".join(part for part in trail if part)[:500]
            first.setdefault(index, latest[index])
    headings, current = [], ""
    for index in range(pages):
        headings.append(first.get(index, current))
        current = latest.get(index, current)
    return headings


def _title(document: pypdfium2.PdfDocument) -> str:
    """The title in the metadata, unless a program made it up."""
    title = _PROGRAM.sub("", clean_text_layer(document.get_metadata_value("Title")).replace("\n", " ")).strip()
    sensible = any(letter.isalpha() for letter in title) and title.lower() not in {"untitled", "slide 1", "document"}
    return title[:200] if sensible else ""


def _range(first: int, last: int) -> str:
    return f"Pages {first:,} to {last:,} were" if last > first else f"Page {first:,} was"
