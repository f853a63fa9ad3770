"""Tiles cover what is in small print, and lines that cross them are whole and single."""

from itertools import pairwise
from typing import Any

import numpy as np

from mcp_mmretrieval.models.builtin.tiles import TILE_PIXELS, PictureTile, joined_lines, tiles_of

TILES = [PictureTile(0, 0, 1280, 1280), PictureTile(1000, 0, 2280, 1280)]


def box(left: float, top: float, right: float, bottom: float) -> Any:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def bounds(found: list[Any]) -> list[tuple[float, ...]]:
    return sorted((*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()) for corners in found)


def test_tiles_overlap_and_leave_out_what_is_empty() -> None:
    cells = np.zeros((19, 3), np.bool_)
    assert tiles_of(720, 6000, cells) == []
    cells[:] = True
    tiles = tiles_of(720, 6000, cells)
    assert (tiles[0].top, tiles[-1].bottom) == (0, 6000)
    assert all(one.bottom - two.top >= 100 for one, two in pairwise(tiles))
    assert all(tile.bottom - tile.top == TILE_PIXELS and (tile.left, tile.right) == (0, 720) for tile in tiles)
    cells[2:] = False
    assert len(tiles_of(720, 6000, cells)) == 1


def test_a_line_that_crosses_two_tiles_is_one() -> None:
    pieces = [box(100, 50, 1279, 80), box(1000, 52, 1900, 81), box(100, 90, 600, 120)]
    assert bounds(joined_lines([], pieces, TILES)) == [(100, 50, 1900, 81), (100, 90, 600, 120)]


def test_a_line_in_two_tiles_counts_once_also_where_one_cuts_it() -> None:
    pieces = [box(1010, 50, 1200, 80), box(1010, 51, 1200, 81), box(1010, 66, 1200, 81)]
    assert len(joined_lines([], pieces, TILES)) == 1


def test_lines_that_the_whole_picture_melts_together_stay_those_of_the_tiles() -> None:
    pieces = [box(100, 50, 500, 70), box(100, 75, 500, 95)]
    assert bounds(joined_lines([box(95, 45, 505, 100)], pieces, TILES)) == bounds(pieces)


def test_large_letters_are_seen_in_the_whole_picture() -> None:
    headline = box(100, 100, 2000, 400)
    assert bounds(joined_lines([headline], [box(150, 150, 300, 380)], TILES)) == bounds([headline])


def test_what_the_tiles_did_not_look_at_is_kept() -> None:
    outside = box(100, 1500, 900, 1540)
    assert bounds(joined_lines([outside, box(100, 600, 200, 640)], [], TILES)) == bounds([outside])
    longer = box(1500, 100, 2600, 130)
    assert bounds(joined_lines([longer], [box(1500, 101, 2279, 129)], TILES)) == [(1500, 100, 2600, 130)]
