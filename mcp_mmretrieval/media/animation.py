"""Which pictures of an animation are worth reading: a few, spread over it, that differ from each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PICTURES = 8
"""Of one animation that are read: a film is long, and its pictures are alike."""
_LOOKED_AT = 48
"""Pictures that are compared, at most."""
_DECODED_PIXELS = 300e6
"""What is decoded for it, at most: an animation can be decoded from its beginning only."""
_SMALL = (64, 64)
_DIFFERS = 24
"""Difference of brightness, of 255, somewhere in the small picture, from which on a picture shows something else."""


def distinct_pictures(image: Image.Image, count: int) -> list[int]:
    """The numbers, from 0 and in order, of up to `MAX_PICTURES` of the `count` pictures; always the first one.

    Each shows something that the one before it does not. Of many, one of each stretch of them is kept: the one that is
    shown longest, since what is to be read stands still.
    """
    reach = min(count, max(1, int(_DECODED_PIXELS // (image.width * image.height))))
    looked_at = sorted({round(number) for number in np.linspace(0, reach - 1, min(reach, _LOOKED_AT))})
    kept: list[int] = []
    before: NDArray[np.int16] | None = None
    for number in looked_at:
        image.seek(number)
        small = np.asarray(image.convert("RGB").convert("L").resize(_SMALL, Image.Resampling.BOX)).astype(np.int16)
        if before is None or np.abs(small - before).max() >= _DIFFERS:
            kept.append(number)
            before = small
    shown = {first: following - first for first, following in pairwise([*kept, reach])}
    stretches = np.array_split(kept[1:], min(len(kept) - 1, MAX_PICTURES - 1)) if len(kept) > 1 else []
    return [kept[0], *(max(stretch.tolist(), key=shown.__getitem__) for stretch in stretches)]
