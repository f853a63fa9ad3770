"""Draws sound: time to the right, pitch upwards (mel), the louder the brighter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from mcp_mmretrieval.types import Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_WINDOW_S = 0.064
"""Seconds of sound in a frame."""
_HOP_S = 0.01
_FRAMES = 2_000
"""Most frames of a sound, about: a longer one has its frames farther apart."""
_HIGHEST_HZ = 8_000
_BANDS = 80
"""Bands up to there, as Whisper hears; more would leave the lowest ones empty at this window."""
_RANGE = 70.0
"""Decibels below the loudest that are still drawn."""
_QUIETEST = 1e-8
"""Power that counts as silence, so that a silent stretch is dark and not amplified noise."""
_COLOURS = np.array([(8, 8, 32), (60, 20, 110), (170, 50, 110), (245, 130, 70), (255, 240, 180)], np.float64)
"""From silence to loud: of rising lightness, so that it also reads in grey."""


def draw_spectrogram(sound: Sound, width: int, height: int) -> Picture:
    """A strip of the whole sound, shape (height, width, 3). Silence, or no samples at all, is dark."""
    decibels = 10 * np.log10(np.maximum(_mel_power(sound), _QUIETEST))
    loudest = max(decibels.max(), 10 * np.log10(_QUIETEST) + _RANGE)
    brightness = np.clip((decibels[::-1] - loudest) / _RANGE + 1, 0, 1)
    strip = Image.fromarray(brightness.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return _coloured(np.asarray(strip))


def _mel_power(sound: Sound) -> NDArray[np.float64]:
    """Power by mel band, lowest first, and time: shape (80, frames)."""
    samples = np.nan_to_num(np.asarray(sound.samples, np.float32), posinf=0.0, neginf=0.0)
    window = max(2, round(_WINDOW_S * sound.rate))
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    hop = max(1, round(_HOP_S * sound.rate), len(samples) // _FRAMES)
    frames = sliding_window_view(np.pad(samples, window // 2, mode="reflect"), window)[::hop]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(window + 1)[:-1]))) / window
    hertz = np.arange(power.shape[1]) * sound.rate / window
    return np.asarray(_mel_bands(hertz) @ power.T, np.float64)


def _mel_bands(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each frequency in each band, shape (80, len(hertz)): triangles, evenly over the mel scale (HTK's)."""
    mel = np.linspace(0, 2595 * np.log10(1 + _HIGHEST_HZ / 700), _BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def _coloured(brightness: NDArray[np.float32]) -> Picture:
    steps = np.linspace(0, 1, len(_COLOURS))
    channels = [np.interp(brightness, steps, _COLOURS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
