"""Sounds to look for, made when they are needed, each with a little that differs by its seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mcp_mmretrieval.types import Sound

NOISE_RATE_HZ = 16_000
"""Samples a second, as those of the demo's recordings."""
NOISE_SECONDS = 4.0

Samples = NDArray[np.float64]
_TIMES: Samples = np.arange(round(NOISE_SECONDS * NOISE_RATE_HZ)) / NOISE_RATE_HZ


def make_noise(noise: Callable[[np.random.Generator], Samples], seed: int = 0) -> Sound:
    """One take of it, at half of what a sample can hold."""
    samples = noise(np.random.default_rng(seed))
    return Sound((0.5 * samples / np.abs(samples).max()).astype(np.float32), NOISE_RATE_HZ)


def siren(random: np.random.Generator) -> Samples:
    """Up and down, as of a fire engine."""
    pitch = 900 + 350 * np.sin(2 * np.pi * (0.5 + 0.1 * random.random()) * _TIMES)
    return np.asarray(np.sin(_phase(pitch)) + 0.3 * np.sin(3 * _phase(pitch)))


def birdsong(random: np.random.Generator) -> Samples:
    """Short high whistles that rise and fall."""
    made = np.zeros_like(_TIMES)
    for begin in np.arange(0.1, NOISE_SECONDS - 0.2, 0.28):
        since = _TIMES - begin - 0.06 * random.random()
        pitch = 3_200 + 900 * random.random() + 1_500 * np.sin(40 * since)
        made += np.sin(_phase(pitch)) * np.exp(-(((since - 0.07) / 0.035) ** 2))
    return made


def rain(random: np.random.Generator) -> Samples:
    """A steady rush with drops in it."""
    drops = (random.random(_TIMES.size) < 0.004) * random.normal(0, 1.2, _TIMES.size)
    return np.asarray(random.normal(0, 0.6, _TIMES.size) + np.convolve(drops, np.exp(-np.arange(60) / 12), "same"))


def knocking(random: np.random.Generator) -> Samples:
    """Three knocks on wood, and again."""
    return _struck((0.3, 0.6, 0.9, 2.2, 2.5, 2.8), (140 + 20 * random.random(), 310, 620), 0.03)


def church_bell(random: np.random.Generator) -> Samples:
    """Two slow strokes; the partials of a bell."""
    base = 210 + 15 * random.random()
    return _struck((0.1, 2.1), (base, 2 * base, 2.4 * base, 3 * base, 4 * base, 5.4 * base), 1.1)


def telephone(random: np.random.Generator) -> Samples:
    """The bell of an old telephone: rings of a second, trilled twenty times in each."""
    trill = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (20 + random.random()) * _TIMES))
    return np.asarray(
        (np.sin(2 * np.pi * 1_350 * _TIMES) + np.sin(2 * np.pi * 1_740 * _TIMES)) * trill * (_TIMES % 2 < 1)
    )


def _struck(begins: tuple[float, ...], pitches: tuple[float, ...], fading: float) -> Samples:
    """Something that is struck at these seconds, and sounds at these pitches until they fade."""
    made = np.zeros_like(_TIMES)
    for begin in begins:
        since = np.maximum(_TIMES - begin, 0)
        for number, pitch in enumerate(pitches):
            made += (begin <= _TIMES) * np.sin(2 * np.pi * pitch * since) * np.exp(-since * (1 + number / 3) / fading)
    return made


def _phase(pitch: Samples) -> Samples:
    return np.asarray(2 * np.pi * np.cumsum(pitch) / NOISE_RATE_HZ)
