"""Pixels of every kind as RGB in 8 bits: deep greys scaled, and what shows through set on a ground that contrasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GREY_BEYOND_8_BITS = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0

_WHITE, _BLACK, _GREY = (255, 255, 255), (0, 0, 0), (118, 118, 118)
"""The grounds that there are. The grey is as far from white as from black."""
_SEEN, _CLEAR = 128, 64
"""Alpha from which on a pixel is seen, and up to which the ground is."""
_ALIKE = 60
"""Difference in each of the colours, of 255, up to which a pixel is lost on the ground."""
_BRIGHTNESS, _DIM = np.array([0.299, 0.587, 0.114]), 45
"""What the colours add to brightness, and the difference in it up to which letters are hard to read."""
_FEW, _FEW_OF_LETTERS = 0.25, 0.04
"""Share of the outline that may be lost before another ground is looked for: in a drawing, and where it is letters."""
_THIN = 0.15
"""Share of what is seen that is outline, from which on it is letters or lines."""
_BETTER = 0.25
"""What of that is lost on another ground that is taken, at most."""


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey values beyond 8 bits, scaled by the range that they use; Pillow alone would clip them to white.

    A TIFF in which 0 is white is turned round, as Pillow does for 8 bits only.
    """
    if image.mode not in _GREY_BEYOND_8_BITS:
        return image
    values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255 / (high - low)) if high > low else np.full_like(values, 128)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        scaled = 255 - scaled
    return Image.fromarray(scaled.round().astype(np.uint8))


def on_even_ground(image: Image.Image) -> Image.Image:
    """RGB; what shows through is white, or another shade where the outlines of the drawing would be lost on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawing = image.convert("RGBA")
    lowest = int(np.asarray(drawing.getchannel("A")).min())
    return _on(drawing, _ground(drawing) if lowest < _CLEAR else _WHITE)


def _ground(drawing: Image.Image) -> tuple[int, int, int]:
    outline, seen = _outline(drawing)
    if not len(outline):
        return _WHITE
    few = _FEW_OF_LETTERS if len(outline) > _THIN * seen else _FEW
    lost = {ground: _share_lost(outline, ground) for ground in (_WHITE, _BLACK, _GREY)}
    best = min(lost, key=lambda ground: (round(lost[ground], 2), _share_dim(outline, ground)))
    return best if lost[_WHITE] > few and lost[best] < _BETTER * lost[_WHITE] else _WHITE


def _outline(drawing: Image.Image) -> tuple[NDArray[np.int16], int]:
    """The colours where the drawing meets what shows through, shape (n, 3), and how many pixels are seen at all."""
    alpha = drawing.getchannel("A")
    clear = alpha.point([255 * (value < _CLEAR) for value in range(256)]).filter(ImageFilter.MaxFilter(3))
    seen = np.asarray(alpha) >= _SEEN
    met = (np.asarray(clear) > 0) & seen
    return np.asarray(drawing)[met][:, :3].astype(np.int16), int(seen.sum())


def _share_lost(outline: NDArray[np.int16], ground: tuple[int, int, int]) -> float:
    return float((np.abs(outline - np.array(ground)).max(axis=1) < _ALIKE).mean())


def _share_dim(outline: NDArray[np.int16], ground: tuple[int, int, int]) -> float:
    """As above, by brightness: blue on black is another colour, and hard to read."""
    return float((np.abs((outline - np.array(ground)) @ _BRIGHTNESS) < _DIM).mean())


def _on(drawing: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    ground = Image.new("RGBA", drawing.size, colour)
    ground.alpha_composite(drawing)
    return ground.convert("RGB")
