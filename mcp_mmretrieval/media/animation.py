"""Which pictures of an animation are worth reading: a few, spread over it, that differ from each other."""

from __future__ import annotations

from contextlib import suppress
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
_UNTOLD = 100
"""Milliseconds for which a picture is shown that does not say for how long, as browsers do."""
_DIFFERS = 24
"""Difference of brightness, of 255, somewhere in the small picture, from which on a picture shows something else."""


def picture_count(image: Image.Image) -> int:
    """How many pictures there are; of a file that is cut short those before the cut, and one more."""
    try:
        return int(getattr(image, "n_frames", 1))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # damaged bytes lead Pillow's readers into any exception there is
        count = 0
        with suppress(Exception):
            while True:
                image.seek(count)
                count += 1
        return count + 1


def distinct_pictures(image: Image.Image, count: int) -> tuple[list[int], bool]:
    """Which of the `count` pictures are read, from 0 and in order, at most `MAX_PICTURES`; whether all can be decoded.

    Each shows something that the one before it does not; the first one is always there. Of many, one of each stretch of
    them is kept: the one that is shown longest, since what is to be read stands still. Of a file that is cut short they
    are those before the cut. Raises as Pillow does where not even the first can be decoded.
    """
    reach = min(count, max(1, int(_DECODED_PIXELS // (image.width * image.height))))
    looked_at = sorted({round(number) for number in np.linspace(0, reach - 1, min(reach, _LOOKED_AT))})
    shown: dict[int, float] = {}  # for how many milliseconds
    latest: tuple[int, NDArray[np.int16]] | None = None
    for number, following in pairwise([*looked_at, reach]):
        try:
            small = _small(image, number)
        except MemoryError:
            raise
        except Exception:  # as above
            if latest is None:
                raise
            return _few(shown), False
        if latest is None or np.abs(small - latest[1]).max() >= _DIFFERS:
            latest = number, small
            shown[number] = 0.0
        shown[latest[0]] += (following - number) * (image.info.get("duration") or _UNTOLD)
    return _few(shown), True


def _few(shown: dict[int, float]) -> list[int]:
    """The first of the pictures, and of each stretch of the others the one that is shown longest."""
    first, *others = shown
    stretches = np.array_split(others, min(len(others), MAX_PICTURES - 1)) if others else []
    return [first, *(max(stretch.tolist(), key=shown.__getitem__) for stretch in stretches)]


def _small(image: Image.Image, number: int) -> NDArray[np.int16]:
    """One picture small: its brightness, as far as it is seen, and how far it is; shape (2, height, width)."""
    image.seek(number)
    small = np.asarray(image.convert("RGBA").convert("LA").resize(_SMALL, Image.Resampling.BOX), np.int16)
    brightness, alpha = small[..., 0], small[..., 1]
    return np.stack([brightness.astype(np.int32) * alpha // 255, alpha]).astype(np.int16)
