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


def fit_picture(picture: Picture, pixels: float) -> Image.Image:
    """A picture of at most so many pixels, and neither tiny nor a thin line."""
    made = Image.fromarray(np.ascontiguousarray(picture))
    least = max(made.size) / _LONGEST
    wide, high = max(made.width, least), max(made.height, least)
    scale = min(1.0, math.sqrt(pixels / (wide * high)))
    size = max(_LEAST, int(wide * scale)), max(_LEAST, int(high * scale))
    return made if made.size == size else made.resize(size, Image.Resampling.LANCZOS)
