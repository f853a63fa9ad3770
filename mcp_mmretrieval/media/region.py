"""Regions of pictures: where they lie in pixels, and where in a picture that is turned before it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Region

WHOLE: Region = (0.0, 0.0, 100.0, 100.0)


def pixel_box(region: Region, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, upper, right and lower edge in pixels, in a picture of this size; one pixel at least."""
    left, top, across, down = region
    x, y = min(width - 1, round(left / 100 * width)), min(height - 1, round(top / 100 * height))
    right, lower = round((left + across) / 100 * width), round((top + down) / 100 * height)
    return x, y, max(x + 1, right), max(y + 1, lower)


def before_turning(region: Region, turn: int) -> Region:
    """Where a region of a picture lies in the same picture before it was turned clockwise by `turn` degrees."""
    left, top, across, down = region
    match turn % 360:
        case 90:
            return top, 100 - left - across, down, across
        case 180:
            return 100 - left - across, 100 - top - down, across, down
        case 270:
            return 100 - top - down, left, down, across
    return region
