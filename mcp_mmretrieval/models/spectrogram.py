"""Draws sound: time to the right, pitch upwards (mel), the louder the brighter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import interpolate, pad
from torchaudio.functional import resample  # type: ignore[import-untyped]
from torchaudio.transforms import MelSpectrogram  # type: ignore[import-untyped]

from mcp_mmretrieval.types import Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_RATE = 16_000
_WINDOW = 1_024
_BANDS = 80
"""Bands up to 8 kHz, as Whisper hears; more would leave the lowest ones empty at this window."""
_RANGE = 70.0
"""Decibels below the loudest that are still drawn."""
_QUIETEST = 1e-8
"""Power that counts as silence, so that a silent stretch is dark and not amplified noise."""
_COLOURS = np.array([(8, 8, 32), (60, 20, 110), (170, 50, 110), (245, 130, 70), (255, 240, 180)], np.float64)
"""From silence to loud: of rising lightness, so that it also reads in grey."""


def draw_spectrogram(sound: Sound, width: int, height: int) -> Picture:
    """A strip of the whole sound, shape (height, width, 3). Silence, or no samples at all, is dark."""
    power = _mel_power(sound)
    decibels = 10 * np.log10(np.maximum(power, _QUIETEST))
    loudest = max(decibels.max(), 10 * np.log10(_QUIETEST) + _RANGE)
    brightness = torch.from_numpy(np.clip((decibels - loudest) / _RANGE + 1, 0, 1)).flip(0)
    strip = interpolate(brightness[None, None], (height, width), mode="bilinear", antialias=True)[0, 0]
    return _coloured(strip.numpy())


def _mel_power(sound: Sound) -> np.ndarray:
    """Power by mel band, lowest first, and time: shape (80, frames)."""
    samples = torch.from_numpy(np.nan_to_num(np.asarray(sound.samples, np.float32)))
    if sound.rate != _RATE and len(samples):
        samples = resample(samples, sound.rate, _RATE)
    if len(samples) < _WINDOW:
        samples = pad(samples, (0, _WINDOW - len(samples)))
    mel = MelSpectrogram(sample_rate=_RATE, n_fft=_WINDOW, hop_length=_hop(len(samples)), n_mels=_BANDS, power=2.0)
    return np.asarray(mel(samples).numpy() / _WINDOW, np.float64)


def _hop(samples: int) -> int:
    """Samples from frame to frame: 10 ms, or more where that would make thousands of frames."""
    return max(160, samples // 2_000)


def _coloured(brightness: np.ndarray) -> Picture:
    steps = np.linspace(0, 1, len(_COLOURS))
    channels = [np.interp(brightness, steps, _COLOURS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
