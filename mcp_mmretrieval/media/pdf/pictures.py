"""How much of a page its pictures cover: a scan is one picture, or a few strips, under little or no text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

_CELLS = 32
"""Columns and rows of the raster in which the covered area is counted."""
_MAX_OBJECTS = 5_000
"""Objects of one page that are looked at."""
_DEEPEST = 4
"""Drawings within drawings in which pictures are looked for."""


def picture_coverage(page: pypdfium2.PdfPage) -> float:
    """The share of the page that pictures lie on, from 0 to 1."""
    left, bottom, right, top = page.get_bbox()
    width, height = right - left, top - bottom
    if not (width > 0 and height > 0):
        return 0.0
    covered = np.zeros((_CELLS, _CELLS), bool)
    for box in _picture_boxes(page):
        x = np.clip([(box[0] - left) / width, (box[2] - left) / width], 0, 1) * _CELLS
        y = np.clip([(box[1] - bottom) / height, (box[3] - bottom) / height], 0, 1) * _CELLS
        covered[round(y[0]) : round(y[1]), round(x[0]) : round(x[1])] = True
    return float(covered.mean())


def _picture_boxes(page: pypdfium2.PdfPage) -> Iterator[tuple[float, float, float, float]]:
    waiting = [(pdfium.FPDFPage_GetObject(page, at), np.eye(3), 0) for at in range(_count(page))]
    seen = 0
    while waiting and seen < _MAX_OBJECTS:
        seen += 1
        each, outer, depth = waiting.pop()
        sort = pdfium.FPDFPageObj_GetType(each)
        if sort == pdfium.FPDF_PAGEOBJ_IMAGE:
            corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]) @ _matrix(each) @ outer
            low, high = corners.min(axis=0), corners.max(axis=0)
            if np.isfinite([low, high]).all():
                yield float(low[0]), float(low[1]), float(high[0]), float(high[1])
        elif sort == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            inner = _matrix(each) @ outer
            inside = range(min(pdfium.FPDFFormObj_CountObjects(each), _MAX_OBJECTS))
            waiting += [(pdfium.FPDFFormObj_GetObject(each, at), inner, depth + 1) for at in inside]


def _count(page: pypdfium2.PdfPage) -> int:
    return min(int(pdfium.FPDFPage_CountObjects(page)), _MAX_OBJECTS)


def _matrix(each: object) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """An object's matrix, for points as rows; that of a picture maps the unit square to its place."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(each, matrix)
    return np.array([[matrix.a, matrix.b, 0], [matrix.c, matrix.d, 0], [matrix.e, matrix.f, 1]], np.float64)
