"""Whether a page's letters can be drawn: their font may neither be in the file nor be installed."""

from __future__ import annotations

import ctypes
import re

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

_SAMPLE = 20
"""Letters of a page that are looked at."""
_FOREIGN = "[\u0590-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
"""Letters that no font has that PDFium brings along. Compiled when first asked, as far ranges take milliseconds."""


def lacks_font(page: pypdfium2.PdfPage, text: str) -> bool:
    """Whether most of the letters with which no font is brought along have no shape, or there is text and no letter."""
    if not text:
        return _has_text_objects(page)
    if not re.search(_FOREIGN, text):
        return False
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        letters = [index for index in range(min(count, 2_000)) if _foreign(textpage, index)][:_SAMPLE]
        return sum(_shapeless(textpage, index) for index in letters) > len(letters) / 2
    finally:
        textpage.close()


def _has_text_objects(page: pypdfium2.PdfPage) -> bool:
    objects = range(min(pdfium.FPDFPage_CountObjects(page), _SAMPLE))
    return any(
        pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page, index)) == pdfium.FPDF_PAGEOBJ_TEXT
        for index in objects
    )


def _foreign(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    return re.match(_FOREIGN, chr(min(pdfium.FPDFText_GetUnicode(textpage, index), 0x10FFFF))) is not None


def _shapeless(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    found = pdfium.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
    return bool(found) and top.value - bottom.value < 0.01 * (right.value - left.value)
