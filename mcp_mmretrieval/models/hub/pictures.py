"""Pictures in sizes and shapes that models take in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_LEAST = 16
"""Pixels of a side: of a picture one or three pixels high, processors without torchvision take the rows for colours."""
_LONGEST = 16
"""Longer side to shorter: models that fit the shorter one to theirs would blow a thin line up to gigabytes."""


PAGE_SHAPE, FRAME_SHAPE = math.sqrt(2), 16 / 9
"""Longer side to shorter of a page of A4, and of a frame of most films."""


def longer_side(pixels: float, shape: float, most: int = 0) -> int:
    """Longer side, in pixels, at which a picture of that shape has so many pixels; at most `most`, unless that is 0."""
    side = math.ceil(math.sqrt(pixels * shape))
    return min(side, most) if most else side


def fit_picture(picture: Picture, pixels: float) -> Image.Image:
    """A picture of at most so many pixels, and neither tiny nor a thin line."""
    made = Image.fromarray(np.ascontiguousarray(picture))
    least = max(made.size) / _LONGEST
    wide, high = max(made.width, least), max(made.height, least)
    scale = min(1.0, math.sqrt(pixels / (wide * high)))
    size = max(_LEAST, int(wide * scale)), max(_LEAST, int(high * scale))
    return made if made.size == size else made.resize(size, Image.Resampling.LANCZOS)
