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

Bounds = tuple[float, float, float, float]
"""Left, top, right, bottom."""

TILE_PIXELS = 1_280
"""Side of a tile, and of the picture as a whole where it is looked at at once."""
OVERLAP_PIXELS = 160
"""What two tiles share at least: a line that one of them cuts lies whole in the other."""

_JOINED = -1
"""The look of a box that was put together from several ones."""
_LARGE = 110
"""Height of letters, in pixels, that are seen better in the whole picture than in a tile."""
_SAME_HEIGHT = 1.7
"""How much higher than the other one of two boxes on one line may be."""
_INSIDE = 0.7
"""Share of a box that lies in another one which holds it."""
_BESIDE = 0.6
"""Share of the height that two boxes have in common on one line."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of a picture: pixels from the left and from the top."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class LineBox:
    """Where a line was seen, and in which look: 0 is the whole picture, 1 the first tile, and so on."""

    corners: Corners
    look: int

    @property
    def bounds(self) -> Bounds:
        """Left, top, right, bottom."""
        (left, top), (right, bottom) = self.corners.min(axis=0), self.corners.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def tiles_of(width: int, height: int, cells: NDArray[np.bool_]) -> list[Tile]:
    """The tiles that hold small print by `small_print`'s cells, row by row."""
    found = []
    for top, bottom in _spans(height):
        for left, right in _spans(width):
            rows = slice(top // CELL_PIXELS, math.ceil(bottom / CELL_PIXELS))
            columns = slice(left // CELL_PIXELS, math.ceil(right / CELL_PIXELS))
            if cells[rows, columns].any():
                found.append(Tile(left, top, right, bottom))
    return found


def _spans(length: int) -> Iterator[tuple[int, int]]:
    count = max(1, math.ceil((length - OVERLAP_PIXELS) / (TILE_PIXELS - OVERLAP_PIXELS)))
    size = min(length, TILE_PIXELS)
    for number in range(count):
        start = round(number * (length - size) / max(1, count - 1))
        yield start, start + size


def joined_lines(boxes: Sequence[LineBox], tiles: Sequence[Tile]) -> list[Corners]:
    """Each line once, from the looks at the whole picture and at its tiles; parts of one line are joined."""
    waiting = [box for box in boxes if box.look or _is_large(box) or not _within_tiles(box, tiles)]
    waiting.sort(key=_area, reverse=True)
    lines: list[LineBox] = []
    while waiting:
        box = waiting.pop(0)
        for number, other in enumerate(lines):
            together = _together(other, box)
            if together is other:
                break
            if together is not None:
                del lines[number]
                waiting.insert(0, together)  # it may reach further ones
                break
        else:
            lines.append(box)
    return [line.corners for line in lines]


def _together(one: LineBox, other: LineBox) -> LineBox | None:
    """The larger of two boxes that are one line, or the two joined; None where each stands for itself."""
    shared = _shared(one, other)
    if shared <= 0 or (one.look == other.look and one.look != _JOINED):
        return None
    inside = shared > _INSIDE * min(_area(one), _area(other))
    if _on_one_line(one, other):
        return max(one, other, key=_area) if inside else _union(one, other)
    if not inside:
        return None
    large, small = sorted((one, other), key=_area, reverse=True)
    # seen from afar, several lines of small print melt into one
    return small if large.look == 0 and not _is_large(large) else large


def _on_one_line(one: LineBox, other: LineBox) -> bool:
    return any(_in_line(one.bounds, other.bounds, low) for low in (1, 0))


def _in_line(a: Bounds, b: Bounds, low: int) -> bool:
    """Whether two boxes are parts of one line; `low` 1: of a line across, 0: of one that runs down or up."""
    heights, lengths = (tuple(box[2 + side] - box[side] for box in (a, b)) for side in (low, 1 - low))
    common = min(a[2 + low], b[2 + low]) - max(a[low], b[low])
    alike = max(heights) < _SAME_HEIGHT * min(heights) and common > _BESIDE * min(heights)
    return alike and max(lengths) > max(heights)


def _union(one: LineBox, other: LineBox) -> LineBox:
    a, b = one.bounds, other.bounds
    left, top, right, bottom = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return LineBox(corners, _JOINED)


def _is_large(box: LineBox) -> bool:
    left, top, right, bottom = box.bounds
    return min(right - left, bottom - top) > _LARGE


def _within_tiles(box: LineBox, tiles: Sequence[Tile]) -> bool:
    left, top, right, bottom = box.bounds
    return any(
        tile.left <= left and tile.top <= top and right <= tile.right and bottom <= tile.bottom for tile in tiles
    )


def _area(box: LineBox) -> float:
    left, top, right, bottom = box.bounds
    return (right - left) * (bottom - top)


def _shared(one: LineBox, other: LineBox) -> float:
    a, b = one.bounds, other.bounds
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
