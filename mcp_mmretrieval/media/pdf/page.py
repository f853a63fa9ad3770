"""One page: its text, and its picture where that shows more words than the text layer has."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
from PIL import Image

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.pdf.annotations import annotation_lines
from mcp_mmretrieval.media.pdf.cleaning import clean_text_layer
from mcp_mmretrieval.media.pdf.figures import MIN_FIGURE_SHARE, find_figures
from mcp_mmretrieval.media.pdf.legibility import has_letters, is_language
from mcp_mmretrieval.media.pdf.missing_fonts import lacks_font
from mcp_mmretrieval.media.pdf.pictures import picture_coverage
from mcp_mmretrieval.media.pdf.text_layer import MAX_PAGE_CHARACTERS, read_text_layer
from mcp_mmretrieval.media.region import WHOLE
from mcp_mmretrieval.small_print import small_print

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Region

MIN_TEXT_LAYER_CHARACTERS = 20
"""A page with fewer characters in its text layer is read by OCR."""

SCANS = ((0.7, 500), (0.3, 200))
"""Share of a page that pictures cover, and characters below which its text layer is then a stamp, a header or a title:
the page is read by OCR as well."""

_BLANK = 8
"""Difference between the brightest and the darkest value of a page with nothing on it, of 255."""

_SHEET_POINTS = 1_250
"""Longer side, in points, from which on a page is larger than A3."""
_PIXELS_A_POINT = 1.6
"""At which letters of 2 mm are read."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f]")
"""What stands for a blank where glyphs have numbers in place of letters."""


@dataclass(frozen=True, slots=True)
class PageContent:
    """What can be read on a page."""

    text: str
    """Text layer, form values, remarks."""
    picture: Picture | None
    """The page as drawn, where OCR has to read it."""
    figures: bool
    """Whether pictures stand in it whose words are still to be read."""
    lacks_font: bool
    """Whether its letters cannot be drawn."""


def read_page(document: pypdfium2.PdfDocument, number: int, limits: Limits, *, look_at_fonts: bool) -> PageContent:
    """What can be read on page `number` (from 1). Raises as PDFium does, ValueError and OverflowError."""
    page = document[number - 1]
    try:
        layer = read_text_layer(page)
        meaningful = has_letters(layer) and is_language(layer)
        if not meaningful:
            layer = _CONTROLS.sub(" ", layer) if has_letters(layer) else ""
        text = clean_text_layer(layer)
        lines = annotation_lines(document, page, text)
        share = picture_coverage(page)
        picture = draw_page_for_reading(page, limits) if _needs_ocr(text, share, meaningful=meaningful) else None
        if picture is not None and int(np.ptp(picture)) <= _BLANK:
            picture = None
        figures = picture is None and share > MIN_FIGURE_SHARE / 2 and bool(find_figures(page))
        undrawn = look_at_fonts and (bool(text) or picture is None) and lacks_font(page, text)
    finally:
        page.close()
    return PageContent("\n".join([text, *lines] if text else lines)[:MAX_PAGE_CHARACTERS], picture, figures, undrawn)


def draw_page_for_reading(page: pypdfium2.PdfPage, limits: Limits) -> Picture:
    """The page as OCR gets it: a sheet, a poster, a till roll larger if it has small print. Raises as `draw_page`."""
    width, height = page.get_size()
    if max(width, height) > _SHEET_POINTS and width * height > 0:
        scale = min(_PIXELS_A_POINT, math.sqrt(limits.reading_pixels / (width * height)))
        large = draw_page(page, math.floor(max(width, height) * scale))
        if small_print(Image.fromarray(large).convert("L")).any():
            return large
    return draw_page(page, limits.side)


def draw_page(page: pypdfium2.PdfPage, side: int, region: Region = WHOLE) -> Picture:
    """The page, or a region of it, on white, its longer side `side` pixels.

    Raises as PDFium does, ValueError and OverflowError.
    """
    width, height = page.get_size()
    left, top, across, down = (share / 100 for share in region)
    longer = max(width * across, height * down)
    if not (math.isfinite(longer) and longer > 0):
        raise ValueError("a page without a size")
    scale = (side - 0.5) / longer  # PDFium rounds up, and may be a hair above
    cut = (left * width, (1 - top - down) * height, (1 - left - across) * width, top * height)
    crop = tuple(max(0.0, points) for points in cut)
    bitmap = page.render(scale=scale, crop=crop, fill_color=(255, 255, 255, 255), rev_byteorder=True)
    try:
        return np.array(bitmap.to_numpy()[:side, :side, :3])
    finally:
        bitmap.close()


def _needs_ocr(text: str, share: float, *, meaningful: bool) -> bool:
    """Whether a page shows more words than its text layer has: none, a scan with a stamp, letters that mean nothing."""
    if len(text) < MIN_TEXT_LAYER_CHARACTERS or not meaningful:
        return True
    return any(share >= least and len(text) < most for least, most in SCANS)
