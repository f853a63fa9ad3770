"""What a picture looks like and a recording sounds like, in few bytes: the same one, saved anew, is known again.

Vectors tell what is seen; two photos of goats have nearly the same. A fingerprint tells which photo it is. It is made
when the pixels and samples are decoded for reading, and compared when a search has found both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcp_mmretrieval.types import Content, Film, Picture, Sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue count for in grey (ITU-R BT.601)."""
SIDE = 32
"""Pixels of a thumbnail, each way."""
MOST_LOOKED_AT = 256
"""Rows and columns of a picture from which the thumbnail is averaged, at least, where it has as many."""
FRAME_S, HOP_S = 0.4, 0.1
"""Seconds of a frame of sound, and from one to the next."""
LOWEST_HZ, HIGHEST_HZ, BANDS = 300.0, 2_000.0, 17
"""What is compared of a sound: these bands are what every codec keeps (Haitsma and Kalker 2002)."""
SILENCE = 1e-5
"""Of the loudest band of a sound: energy below says nothing."""
LEAST_HEARD = 10
"""Frames that two sounds must have to be compared: a second."""
LEAST_RISING = 0.15
"""Share of bands that rise in a sound that can be told from others; half, as a rule. Steady tones do not change."""
_VERSION = 1
_SHIFTS = 3
"""Hops by which one sound may begin later than the other: encoders put silence in front."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one place."""

    pictures: NDArray[np.uint8]
    """Grey thumbnails, shape (n, SIDE, SIDE): one of a picture, one a frame of a film."""
    sound: NDArray[np.uint16]
    """Of each frame of sound which of its bands rise, a bit a pair of neighbours; shape (m,)."""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return bytes([_VERSION, len(self.pictures)]) + self.pictures.tobytes() + self.sound.astype("<u2").tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Fingerprint | None:
        """The inverse; None where there is none, or one of another version."""
        if len(stored) < 2 or stored[0] != _VERSION:
            return None
        end = 2 + stored[1] * SIDE * SIDE
        pictures = np.frombuffer(stored[2:end], dtype=np.uint8).reshape(-1, SIDE, SIDE)
        return cls(pictures, np.frombuffer(stored[end:], dtype="<u2"))


def fingerprint(content: Content) -> bytes:
    """The fingerprint of pixels and samples, as it is stored; empty for a text."""
    pictures: Sequence[Picture] = ()
    sound: Sound | None = None
    if isinstance(content, Film):
        pictures, sound = content.pictures[:255], content.sound
    elif isinstance(content, Sound):
        sound = content
    elif isinstance(content, np.ndarray):
        pictures = [content]
    else:
        return b""
    thumbnails = np.stack([thumbnail(one) for one in pictures]) if pictures else np.empty((0, SIDE, SIDE), np.uint8)
    rising = rising_bands(sound) if sound is not None else np.empty(0, np.uint16)
    return Fingerprint(thumbnails, rising).to_bytes()


def thumbnail(picture: Picture) -> NDArray[np.uint8]:
    """The picture in grey, its pixels averaged over `SIDE` rows and columns whatever its shape; (SIDE, SIDE)."""
    step = max(1, min(picture.shape[:2]) // MOST_LOOKED_AT)
    rgb = picture[::step, ::step].astype(np.float32)
    grey = rgb @ np.array(LUMA, dtype=np.float32)
    return np.rint(_averaged(_averaged(grey).T).T).clip(0, 255).astype(np.uint8)


def _averaged(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows, averaged over `SIDE` stretches of equal height, pixels that lie in two shared between them."""
    sums = np.concatenate([np.zeros((1, grey.shape[1])), np.cumsum(grey, axis=0, dtype=np.float64)])
    edges = np.linspace(0, len(grey), SIDE + 1)
    below = np.minimum(edges.astype(int), len(grey) - 1)
    at_edges = sums[below] + (edges - below)[:, None] * grey[below]
    mean: NDArray[np.float32] = (np.diff(at_edges, axis=0) / (len(grey) / SIDE)).astype(np.float32)
    return mean


def rising_bands(sound: Sound) -> NDArray[np.uint16]:
    """For each frame whether the difference of two neighbouring bands grew since the frame before, for 16 pairs.

    Nothing of a sound that does not change, by which it could be told from others.

    Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002; with fewer frames, as only stretches
    that begin together are compared.
    """
    frame, hop = round(FRAME_S * sound.rate), round(HOP_S * sound.rate)
    if len(sound.samples) < frame + hop:
        return np.empty(0, np.uint16)
    frames = np.lib.stride_tricks.sliding_window_view(sound.samples, frame)[::hop]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(frame).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1) / sound.rate * frame
    energy = np.add.reduceat(spectrum, edges.astype(int), axis=1)[:, :BANDS]
    level = np.log(energy + SILENCE * energy.max() + 1e-12)
    rises = np.diff(np.diff(level, axis=1), axis=0) > 1e-3  # what is silent rises not
    heard = (energy[1:] > SILENCE * energy.max()).any(axis=1)  # a long pause says nothing of what is said beside it
    if not heard.any() or rises[heard].mean() < LEAST_RISING:
        return np.empty(0, np.uint16)
    bits: NDArray[np.uint16] = (rises << np.arange(BANDS - 1)).sum(axis=1).astype(np.uint16)
    return bits


def sound_likeness(one: NDArray[np.uint16], other: NDArray[np.uint16]) -> float:
    """The share of equal bits of two sounds, a little apart in time at most; about 0.5 where they are unrelated.

    Frames in which both are silent do not count: any two recordings share their pauses. 0 where less than
    `LEAST_HEARD` are left.
    """
    best = 0.0
    for shift in range(-_SHIFTS, _SHIFTS + 1):
        first, second = one[max(0, shift) :], other[max(0, -shift) :]
        length = min(len(first), len(second))
        first, second = first[:length], second[:length]
        heard = int(np.count_nonzero(first | second))
        if heard >= LEAST_HEARD:
            differ = int(np.bitwise_count(first ^ second).sum())
            best = max(best, 1.0 - differ / (heard * (BANDS - 1)))
    return best
