"""The pictures that stand inside of a PDF page and may hold words that its text layer does not: charts, screenshots.

They are read by OCR only once nothing else is to be done, so telling whether a page has some must cost next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

MIN_FIGURE_SHARE = 0.03
"""Of the page's area that a picture covers: smaller ones are logos and ornaments."""
MIN_FIGURE_PIXELS = 20_000
"""Pixels of a picture that can hold words."""
MAX_COVERED_CHARACTERS = 40
"""Characters of the text layer that stand over a picture: with more, its words are known."""
MAX_FIGURES = 8
"""Pictures of one page that are read at most."""
MAX_SCALE = 4.0
"""Pixels a point at most: 288 dots an inch."""
_OBJECTS = 3_000
"""Objects of a page that are looked at: maps have a hundred thousand lines."""
_GAP = 24
"""White pixels between two pictures, so that no line of text runs across."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


def find_figures(page: pypdfium2.PdfPage) -> list[tuple[Box, float]]:
    """Where the page's pictures are that may hold unknown words, from the top, each with its own pixels a point."""
    width, height = page.get_size()
    if page.get_rotation() or not (width > 0 and height > 0):
        return []  # the boxes are those of the unturned page; such pages are rare, and scans as a rule
    left, bottom, right, top = page.get_cropbox()
    found: list[tuple[Box, float]] = []
    for image in _images(page):
        box = image.get_bounds()
        box = max(box[0], left), max(box[1], bottom), min(box[2], right), min(box[3], top)
        wide, high = box[2] - box[0], box[3] - box[1]
        across, down = image.get_px_size()
        if wide <= 0 or high <= 0 or wide * high < MIN_FIGURE_SHARE * width * height:
            continue
        if across * down < MIN_FIGURE_PIXELS or any(_covers(box, other) for other, _ in found):
            continue
        found.append((box, max(across / wide, down / high)))
    if found:
        textpage = page.get_textpage()
        try:
            found = [one for one in found if len(textpage.get_text_bounded(*one[0]).strip()) <= MAX_COVERED_CHARACTERS]
        finally:
            textpage.close()
    return sorted(found, key=lambda one: -one[0][3])[:MAX_FIGURES]


def draw_figures(page: pypdfium2.PdfPage, side: int) -> Picture | None:
    """The page's pictures, one below the other on white, the longer side at most `side` pixels. None without any."""
    left, bottom, right, top = page.get_cropbox()
    drawn = []
    for (west, south, east, north), own in find_figures(page):
        scale = min(max(own, 1.0), MAX_SCALE, (side - 1) / max(east - west, north - south))
        crop = (west - left, south - bottom, right - east, top - north)
        bitmap = page.render(scale=scale, crop=crop, fill_color=(255, 255, 255, 255), rev_byteorder=True)
        try:
            drawn.append(np.array(bitmap.to_numpy()[:side, :side, :3]))
        finally:
            bitmap.close()
    return _stacked(drawn, side) if drawn else None


def _images(page: pypdfium2.PdfPage) -> Iterator[pypdfium2.PdfImage]:
    objects = page.get_objects(max_depth=3)
    return (one for one in islice(objects, _OBJECTS) if one.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE)


def _covers(one: Box, other: Box) -> bool:
    """Whether two boxes are the same but for a tenth: a picture and its shadow or mask."""
    return all(math.isclose(a, b, abs_tol=0.1 * (one[2] - one[0])) for a, b in zip(one, other, strict=True))


def _stacked(pictures: list[Picture], side: int) -> Picture:
    """One picture, as many of the first as there is room for; the first is there in any case."""
    height = 0
    kept: list[Picture] = []
    for picture in pictures:
        if kept and height + _GAP + picture.shape[0] > side:
            break
        height += picture.shape[0] + (_GAP if kept else 0)
        kept.append(picture)
    sheet = np.full((height, max(picture.shape[1] for picture in kept), 3), 255, np.uint8)
    at = 0
    for picture in kept:
        sheet[at : at + picture.shape[0], : picture.shape[1]] = picture
        at += picture.shape[0] + _GAP
    return sheet
