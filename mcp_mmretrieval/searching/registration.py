"""Whether two thumbnails show one picture: the second is laid on the first, and what differs then is judged. Pure.

Image registration by an affine map in Gauss-Newton steps (Lucas and Kanade 1981; Baker and Matthews 2004). What a
scanner, a codec or the next exposure changes is spread over the picture; what is another thing stands in one place of
it. So two measures count: how much of one picture the other explains, and the place where it explains least.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mcp_mmretrieval.adding.fingerprints import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DIFFERENT = 0.65
"""Of a patch of the one picture what the other may lack, in standard deviations of the whole. Of 94 drawings and photos
saved anew, turned, cropped and of a burst all stay below 0.6; those of one style reach 0.75 and more, and so do most
with another thing pasted in."""
_PATCH = 4
"""Pixels of that patch, each way."""
_TONES = 4
"""Coefficients of a tone curve: exposure, gamma and burnt lights are nearly a cubic."""
_STEPS, _FEW_STEPS = 12, 4
"""Of the registration, at most; and where the two do not come near to each other."""
_COARSE_LIKENESS, _NEAR_LIKENESS = 0.6, 0.75
"""Of two thumbnails that are one picture: at a quarter of their size, and after a few steps. Others cost no more."""
_TONE_GAIN = 0.15
"""By which a tone curve makes two pictures more alike, at most, that may be one."""
_BORDER = 3
"""Pixels at the edges of a thumbnail that are not compared: there one picture may show what the other lacks."""
_INNER = np.s_[_BORDER:-_BORDER, _BORDER:-_BORDER]
_ALONG, _ACROSS = np.mgrid[0:SIDE, 0:SIDE] - (SIDE - 1) / 2
"""Of each pixel how far below and right of the middle it lies."""


def look_alike(
    one: NDArray[np.uint8], other: NDArray[np.uint8], least: float, *, most_different: float = MOST_DIFFERENT
) -> bool:
    """Whether two thumbnails, each (SIDE, SIDE), correlate by `least` and differ nowhere by more than `most_different`.

    The one may be moved, turned, stretched and cropped a little, lighter, darker, and of other contrast. False where
    one of them shows nothing.
    """
    fixed, moving = _prepared(one.tobytes()), _prepared(other.tobytes())
    if fixed is None or moving is None:
        return False
    for laid in _laid(one, fixed, moving):
        if _correlation(fixed.inner, laid) < least - _TONE_GAIN:
            continue
        for shown, explaining in ((fixed.inner, laid), (laid, fixed.inner)):
            lacking = _unexplained(shown, explaining)
            if 1 - lacking.var() >= least**2 and np.abs(_means(lacking)).max() <= most_different:
                return True
    return False


def _laid(one: NDArray[np.uint8], fixed: _Prepared, moving: _Prepared) -> Iterator[NDArray[np.float64]]:
    """The inner part of `moving` as it is, then laid on `fixed` better and better, until it cannot be the same."""
    if _correlation(fixed.coarse, moving.coarse) < _COARSE_LIKENESS:
        return
    yield moving.inner
    best = _correlation(fixed.inner, moving.inner)
    affine, solve = np.eye(3), _solver(one.tobytes())
    for step_number in range(_STEPS):
        laid = _standard(_sampled(moving.whole, affine, _ACROSS, _ALONG)[_INNER])
        if step_number:
            yield laid
        best = max(best, _correlation(fixed.inner, laid))
        step = solve @ (laid - fixed.inner).ravel()
        change = np.array([[1 + step[1], step[2], step[0]], [step[4], 1 + step[5], step[3]], [0.0, 0.0, 1.0]])
        if (step_number == _FEW_STEPS and best < _NEAR_LIKENESS) or abs(np.linalg.det(change)) < 0.1:
            return
        affine = affine @ np.linalg.inv(change)
        if np.abs(affine[:2, :2] - np.eye(2)).max() > 0.15 or np.abs(affine[:2, 2]).max() > SIDE / 8:
            return  # that would be another view
        if np.abs(step).max() < 1e-3:
            return


def _unexplained(shown: NDArray[np.float64], explaining: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the best tone curve leaves of a picture of unit deviation: with zero mean."""
    powers = np.vander(explaining.ravel(), _TONES)
    curve, *_ = np.linalg.lstsq(powers, shown.ravel(), rcond=None)
    left: NDArray[np.float64] = shown - (powers @ curve).reshape(shown.shape)
    return left


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each patch the mean."""
    sums = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    below = sums[_PATCH:, _PATCH:] - sums[_PATCH:, :-_PATCH]
    means: NDArray[np.float64] = (below - sums[:-_PATCH, _PATCH:] + sums[:-_PATCH, :-_PATCH]) / _PATCH**2
    return means


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    standard: NDArray[np.float64] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return standard


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A thumbnail as it is compared: with zero mean and unit deviation each."""

    whole: NDArray[np.float64]
    """By what is within the border."""
    inner: NDArray[np.float64]
    """Without the border."""
    coarse: NDArray[np.float64]
    """The means of four by four pixels."""


@lru_cache(maxsize=512)
def _prepared(thumbnail: bytes) -> _Prepared | None:
    """None where there is nothing to see."""
    values = np.frombuffer(thumbnail, dtype=np.uint8).reshape(SIDE, SIDE).astype(np.float64)
    inner = values[_INNER]
    if inner.std() < 1.0:
        return None
    whole = (values - inner.mean()) / inner.std()
    coarse = whole.reshape(SIDE // 4, 4, SIDE // 4, 4).mean(axis=(1, 3))
    return _Prepared(whole, _standard(inner), _standard(coarse))


@lru_cache(maxsize=512)
def _solver(thumbnail: bytes) -> NDArray[np.float64]:
    """What a difference to the thumbnail says of the map that would make it smaller; shape (6, inner pixels)."""
    prepared = _prepared(thumbnail)
    assert prepared is not None
    down, right = np.gradient(prepared.whole)
    slopes = [right, right * _ACROSS, right * _ALONG, down, down * _ACROSS, down * _ALONG]
    solver: NDArray[np.float64] = np.linalg.pinv(np.stack(slopes, axis=-1)[_INNER].reshape(-1, 6))
    return solver


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Of two of zero mean and unit deviation."""
    return float((one * other).mean())


def _sampled(
    picture: NDArray[np.float64], affine: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The picture at the mapped points, bilinear; its edge beyond it."""
    last = SIDE - 1
    across = (affine[0, 0] * x + affine[0, 1] * y + affine[0, 2] + last / 2).clip(0, last - 1e-6)
    along = (affine[1, 0] * x + affine[1, 1] * y + affine[1, 2] + last / 2).clip(0, last - 1e-6)
    left, top = across.astype(int), along.astype(int)
    fx, fy = across - left, along - top
    above = picture[top, left] * (1 - fx) + picture[top, left + 1] * fx
    below = picture[top + 1, left] * (1 - fx) + picture[top + 1, left + 1] * fx
    found: NDArray[np.float64] = above * (1 - fy) + below * fy
    return found
