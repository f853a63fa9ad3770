"""Where a large picture holds letters that its shrunken view would lose: screenshots, posters, drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEGIBLE_SIDE_PIXELS = 1_600
"""Longer side up to which a picture is read whole without a look for small print."""
CELL_PIXELS = 320
"""Side of a cell, the unit in which small print is looked for."""

_SHRUNKEN_SIDE, _SHRUNKEN = 1_700, 2 / 3
"""Longer side, or share of it, to which a picture is shrunken to see what is lost."""
_LEAST_RANGE = 110
"""Differences of brightness in a cell, of 255, below which there are no letters but shades."""
_LOST = 90 / 255
"""Difference to the shrunken picture from which on a pixel is lost, as a share of the cell's range."""
_STEP = 60 / 255
"""Difference to the next pixel that makes an edge."""
_SAME = 2
"""Difference to the next pixel within an even ground."""
_EVEN_SHARE = 0.5
_EDGE_SHARE = 0.002
"""Letters stand on an even ground, and have edges; a photo has no such ground."""
_LOST_SHARE = 0.010
_LOST_EDGES = 0.3
"""Share of the pixels that are lost, and how many of them for one that is an edge: large letters lose few."""


def small_print(grey: Image.Image) -> NDArray[np.bool_]:
    """Which cells of a picture in shades of grey hold small print: rows from the top, columns from the left."""
    width, height = grey.size
    cells = np.zeros((-(-height // CELL_PIXELS), -(-width // CELL_PIXELS)), np.bool_)
    if max(grey.size) <= LEGIBLE_SIDE_PIXELS:
        return cells
    scale = min(_SHRUNKEN, _SHRUNKEN_SIDE / max(grey.size))
    small = grey.resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BOX)
    lost = np.asarray(ImageChops.difference(grey, small.resize(grey.size, Image.Resampling.BILINEAR)))
    values = np.asarray(grey)
    for row, column in np.ndindex(*cells.shape):
        cell = np.s_[
            row * CELL_PIXELS : (row + 1) * CELL_PIXELS,
            column * CELL_PIXELS : (column + 1) * CELL_PIXELS,
        ]
        cells[row, column] = _is_small_print(values[cell], lost[cell])
    return cells


def has_even_ground(grey: Image.Image) -> bool:
    """Whether any cell could hold letters at all: quickly told, also of a picture that was shrunken."""
    values = np.asarray(grey)
    rows, columns = range(0, grey.height, CELL_PIXELS), range(0, grey.width, CELL_PIXELS)
    return any(
        _edges(values[row : row + CELL_PIXELS, column : column + CELL_PIXELS]) for row in rows for column in columns
    )


def _is_small_print(values: NDArray[np.uint8], lost: NDArray[np.uint8]) -> bool:
    edges = _edges(values)
    if not edges:
        return False
    share = float((lost > _LOST * _range(values)).mean())
    return share > _LOST_SHARE and share > _LOST_EDGES * edges


def _edges(values: NDArray[np.uint8]) -> float:
    """Share of the pixels that are edges on an even ground; 0 where there is none."""
    if values.shape[1] < 2 or int(values.max()) - int(values.min()) < _LEAST_RANGE / 2:
        return 0.0
    steps = np.abs(np.diff(values.astype(np.int16), axis=1))
    edges = float((steps > _STEP * _range(values)).mean())
    return edges if edges > _EDGE_SHARE and float((steps <= _SAME).mean()) > _EVEN_SHARE else 0.0


def _range(values: NDArray[np.uint8]) -> int:
    return max(_LEAST_RANGE, int(values.max()) - int(values.min()))
