"""How much of a page its pictures cover: a scan is one picture, or a few strips, under little or no text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CELLS = 32
"""Columns and rows of the raster in which the covered area is counted."""
_MAX_OBJECTS = 3_000
"""Objects of one page that are looked at."""
_DEEPEST = 4
"""Drawings within drawings in which pictures are looked for."""

_UNIT = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float64)
_Matrix: TypeAlias = "NDArray[np.float64]"


def picture_coverage(page: pypdfium2.PdfPage) -> float:
    """The share of the page that pictures lie on, from 0 to 1."""
    left, bottom, right, top = page.get_bbox()
    width, height = right - left, top - bottom
    boxes = list(_picture_boxes(page)) if width > 0 and height > 0 else []
    if not boxes:
        return 0.0
    covered = np.zeros((_CELLS, _CELLS), bool)
    for box in boxes:
        x = np.clip([(box[0] - left) / width, (box[2] - left) / width], 0, 1) * _CELLS
        y = np.clip([(box[1] - bottom) / height, (box[3] - bottom) / height], 0, 1) * _CELLS
        covered[round(y[0]) : round(y[1]), round(x[0]) : round(x[1])] = True
    return float(covered.mean())


def _picture_boxes(page: pypdfium2.PdfPage) -> Iterator[tuple[float, float, float, float]]:
    # by PDFium's own functions: the binding's objects would cost as much as all the rest of a page
    kind_of = pdfium.FPDFPageObj_GetType
    left = _MAX_OBJECTS
    drawings: list[tuple[object, _Matrix | None, int]] = [(page.raw, None, 0)]
    while drawings and left > 0:
        inside, outer, depth = drawings.pop()
        count, get = (
            (pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject)
            if depth
            else (pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject)
        )
        for index in range(min(count(inside), left)):
            left -= 1
            each = get(inside, index)
            sort = kind_of(each)
            if sort == pdfium.FPDF_PAGEOBJ_IMAGE:
                corners = _UNIT @ _matrix(each, outer)
                low, high = corners.min(axis=0), corners.max(axis=0)
                if np.isfinite([low, high]).all():
                    yield float(low[0]), float(low[1]), float(high[0]), float(high[1])
            elif sort == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
                drawings.append((each, _matrix(each, outer), depth + 1))


def _matrix(each: object, outer: _Matrix | None) -> _Matrix:
    """An object's matrix on the page, for points as rows; that of a picture maps the unit square to its place."""
    found = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(each, found)
    matrix = np.array([[found.a, found.b, 0], [found.c, found.d, 0], [found.e, found.f, 1]], np.float64)
    return matrix if outer is None else matrix @ outer
