"""Pictures and frames in sizes and shapes that models take in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

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


def pixel_bounds(size: Any, most: int, least: int = 0) -> dict[str, int]:
    """Pixels between which a processor of Qwen's family brings a picture; its names for them are misleading.

    `least`: at most so many for the smallest picture; 0: as the processor says.
    """
    shortest = int(size["shortest_edge"])
    return {"shortest_edge": min(shortest, least or shortest, most), "longest_edge": most}


def film_options(eyes: Any, frames: int, frame_pixels: int) -> dict[str, Any]:
    """Keyword arguments for a video processor: the frames are chosen already, and keep their size.

    Left to itself, that of Qwen3-VL divides the pixels of a single picture among them.
    """
    options: dict[str, Any] = {"do_sample_frames": False}
    if hasattr(eyes, "cap_pixels_per_frame"):
        most = max(frames, frames_together(eyes)) * frame_pixels
        options |= {"size": pixel_bounds(eyes.size, most), "cap_pixels_per_frame": True}
    return options


def frames_together(eyes: Any) -> int:
    """Frames that a video processor makes one of; 1 where it takes each by itself."""
    return int(getattr(eyes, "temporal_patch_size", 1))


def fit_picture(picture: Picture, pixels: float) -> Image.Image:
    """A picture of at most so many pixels, and neither tiny nor a thin line."""
    made = Image.fromarray(np.ascontiguousarray(picture))
    least = max(made.size) / _LONGEST
    wide, high = max(made.width, least), max(made.height, least)
    scale = min(1.0, math.sqrt(pixels / (wide * high)))
    size = max(_LEAST, int(wide * scale)), max(_LEAST, int(high * scale))
    return made if made.size == size else made.resize(size, Image.Resampling.LANCZOS)
