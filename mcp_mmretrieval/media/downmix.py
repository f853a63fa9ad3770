"""Many channels as one: how each counts, and what to do where two cancel each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CENTRE, _SIDE, _SURROUND = 1.0, 0.7071, 0.5
_WEIGHTS = {"FC": _CENTRE, "FL": _SIDE, "FR": _SIDE, "LFE": 0.0, "LFE2": 0.0}
_NAMED = frozenset(
    {
        *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "LFE2", "WL", "WR", "SDL", "SDR"),
        *("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "TSL", "TSR", "DL", "DR"),
    }
)
"""Channels that have a place in a room, by FFmpeg's names."""
_CANCELLED = 0.1
"""Of the loudness of the difference of two channels: a mix that is quieter cancels what they hold."""


def mixing_weights(layout: av.AudioLayout) -> NDArray[np.float32]:
    """What each channel counts for in the mono mix: as ITU-R BS.775 says, but adding up to 1 so that nothing clips.

    Channels that nobody named (several microphones in one file) count alike. Shape (channels,).
    """
    names = [channel.name for channel in layout.channels]
    weights = np.array([_WEIGHTS.get(name, _SURROUND) for name in names], np.float32)
    if not set(names) <= _NAMED or not weights.any():
        weights = np.ones(len(names), np.float32)
    return np.asarray(weights / weights.sum(), np.float32)


def downmixed(channels: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mix and, of two channels, half their difference, else silence: shape (2, n) of (n, channels).

    Values that are no numbers are put right in `channels` too.
    """
    rows = np.zeros((2, len(channels)), np.float32)
    channels = np.nan_to_num(channels, copy=False, posinf=1.0, neginf=-1.0)
    np.clip(channels @ weights, -1.0, 1.0, out=rows[0])
    if len(weights) == 2:
        np.clip((channels[:, 0] - channels[:, 1]) / 2, -1.0, 1.0, out=rows[1])
    return rows


def uncancelled(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is heard of the rows of `downmixed`: the mix, or the difference where the mix cancels what they hold."""
    mixed: NDArray[np.float32]
    difference: NDArray[np.float32]
    mixed, difference = rows
    cancelled = float(np.linalg.norm(mixed)) < _CANCELLED * float(np.linalg.norm(difference))
    return difference if cancelled else mixed
