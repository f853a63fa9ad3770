"""Large pictures read piece by piece: overlapping tiles at full size, and lines that cross from one to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcp_mmretrieval.small_print import CELL_PIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Corners = NDArray[np.float32]
    """Of one line, shape (4, 2): across and down, in pixels of the whole picture."""
    Line = tuple[Corners, "Bounds"]

Bounds = tuple[float, float, float, float]
"""Left, top, right, bottom."""

TILE_PIXELS = 1_280
"""Side of a tile, and of the picture as a whole where it is looked at at once."""
OVERLAP_PIXELS = 160
"""What two tiles share at least: a line that one of them cuts lies whole in the other."""

_LARGE = 110
"""Height of letters, in pixels, that are seen better in the whole picture than in a tile."""
_SAME_HEIGHT = 1.7
"""How much higher than the other one of two boxes on one line may be."""
_INSIDE = 0.7
"""Share of a box that lies in another one which holds it."""
_BESIDE = 0.6
"""Share of the height that two boxes have in common on one line."""
_SHORT = 2.0
"""By how many heights one look at a line may be shorter than another one."""


@dataclass(frozen=True, slots=True)
class PictureTile:
    """A piece of a picture: pixels from the left and from the top."""

    left: int
    top: int
    right: int
    bottom: int


def tiles_of(width: int, height: int, cells: NDArray[np.bool_]) -> list[PictureTile]:
    """The tiles that hold small print by `small_print`'s cells, row by row."""
    found = []
    for top, bottom in _spans(height):
        for left, right in _spans(width):
            rows = slice(top // CELL_PIXELS, math.ceil(bottom / CELL_PIXELS))
            columns = slice(left // CELL_PIXELS, math.ceil(right / CELL_PIXELS))
            if cells[rows, columns].any():
                found.append(PictureTile(left, top, right, bottom))
    return found


def _spans(length: int) -> Iterator[tuple[int, int]]:
    count = max(1, math.ceil((length - OVERLAP_PIXELS) / (TILE_PIXELS - OVERLAP_PIXELS)))
    size = min(length, TILE_PIXELS)
    for number in range(count):
        start = round(number * (length - size) / max(1, count - 1))
        yield start, start + size


def joined_lines(whole: Sequence[Corners], pieces: Sequence[Corners], tiles: Sequence[PictureTile]) -> list[Corners]:
    """Each line once: those seen in the whole picture, and those seen in its tiles, in pixels of the whole picture.

    Parts of one line are joined. What both see counts as the tiles see it, but for letters too large for them.
    """
    lines = _lines_of_tiles(pieces)
    for corners in whole:
        box = _bounds(corners)
        if _is_large(box):
            lines = [(each, bounds) for each, bounds in lines if not _is_inside(bounds, box)]
            lines.append((corners, box))
            continue
        met = [line for line in lines if _is_inside(line[1], box) or (_shared(line[1], box) and _in_line(line[1], box))]
        if not met:
            # seen from afar, what tiles have looked at is a mistake
            if not any(_is_inside(box, (tile.left, tile.top, tile.right, tile.bottom)) for tile in tiles):
                lines.append((corners, box))
        elif len(met) == 1 and _in_line(met[0][1], box) and not _covers(met[0][1], box):
            lines = [line for line in lines if line is not met[0]]
            lines.append(_union(met[0][1], box))
    return [corners for corners, _ in lines]


def _lines_of_tiles(pieces: Sequence[Corners]) -> list[Line]:
    waiting = sorted(((corners, _bounds(corners)) for corners in pieces), key=lambda line: _area(line[1]))
    lines: list[Line] = []
    while waiting:
        line = waiting.pop()
        for number, other in enumerate(lines):
            if _shared(line[1], other[1]) and _in_line(line[1], other[1]):
                del lines[number]
                waiting.append(_union(line[1], other[1]))  # it may reach further ones
                break
            if _is_inside(line[1], other[1]):
                break
        else:
            lines.append(line)
    return lines


def _in_line(a: Bounds, b: Bounds) -> bool:
    """Whether two boxes are parts of one line that runs across, down or up."""
    return any(_in_row(a, b, low) for low in (1, 0))


def _in_row(a: Bounds, b: Bounds, low: int) -> bool:
    """Whether two boxes are parts of one line; `low` 1: of a line across, 0: of one that runs down or up."""
    heights, lengths = ([box[2 + side] - box[side] for box in (a, b)] for side in (low, 1 - low))
    common = min(a[2 + low], b[2 + low]) - max(a[low], b[low])
    alike = max(heights) < _SAME_HEIGHT * min(heights) and common > _BESIDE * min(heights)
    return alike and max(lengths) > max(heights)


def _covers(a: Bounds, b: Bounds) -> bool:
    """Whether the first reaches as far as the second, along the line."""
    low = 0 if b[2] - b[0] > b[3] - b[1] else 1
    return a[low] - b[low] < _SHORT * (a[3 - low] - a[1 - low]) and b[2 + low] - a[2 + low] < _SHORT * (
        a[3 - low] - a[1 - low]
    )


def _is_inside(small: Bounds, large: Bounds) -> bool:
    return _shared(small, large) > _INSIDE * _area(small)


def _union(a: Bounds, b: Bounds) -> Line:
    left, top, right, bottom = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return corners, (left, top, right, bottom)


def _bounds(corners: Corners) -> Bounds:
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _is_large(box: Bounds) -> bool:
    return min(box[2] - box[0], box[3] - box[1]) > _LARGE


def _area(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(a: Bounds, b: Bounds) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
