"""Film and photos with a high dynamic range (PQ, HLG) as ordinary pictures: their pixels mean other amounts of light.

Reference white (ITU-R BT.2408) becomes white, as in the same picture without it; what is brighter is clipped.
PyAV's FFmpeg is built without the filter that does it (zscale), so that the published curves stand here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    from mcp_mmretrieval.types import Picture

_PQ, _HLG = 16, 18
"""Transfer characteristics (ITU-T H.273): SMPTE ST 2084, and ARIB STD-B67."""
_BT2020 = 9
"""Colour primaries (ITU-T H.273)."""
_WHITE = 203.0
"""Candela a square metre of reference white."""
_HLG_WHITE = 0.75
"""The value of reference white in HLG, whose light is that of the scene (ITU-R BT.2408)."""
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
"""Linear light of BT.2020 in the primaries of BT.709 (ITU-R BT.2087)."""
_STEPS = 1 << 12
"""Entries of the tables: one for each value of 12 bits."""


def is_hdr(frame: VideoFrame) -> bool:
    """Whether a frame says that it is coded in PQ or HLG."""
    return is_hdr_transfer(int(frame.color_trc))


def is_hdr_transfer(transfer: int) -> bool:
    """Whether transfer characteristics (ITU-T H.273) are PQ or HLG."""
    return transfer in (_PQ, _HLG)


def tone_mapped(frame: VideoFrame, width: int, height: int) -> Picture:
    """The frame in RGB of eight bits, in this size."""
    scaled = frame.reformat(width=width, height=height, format="rgb48le", interpolation="AREA")
    codes: Any = scaled.to_ndarray()
    return tone_mapped_codes(codes, int(frame.color_trc), int(frame.color_primaries))


def tone_mapped_codes(codes: NDArray[np.uint16], transfer: int, primaries: int) -> Picture:
    """RGB of eight bits for RGB of sixteen in PQ or HLG; both shape (height, width, 3)."""
    light = _light(transfer)[codes >> 4]
    if primaries in (_BT2020, 2):
        light = light @ _TO_BT709.T
    shown: Picture = _shown()[(np.clip(light, 0.0, 1.0) * (_STEPS - 1) + 0.5).astype(np.uint16)]
    return shown


def _light(transfer: int) -> NDArray[np.float32]:
    """The light of each value, as a multiple of reference white."""
    value = np.linspace(0.0, 1.0, _STEPS)
    if transfer == _PQ:
        power = np.power(value, 32 / 2523)
        power = np.maximum(power - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * power)
        return (10_000 / _WHITE * np.power(power, 8192 / 1305)).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073

    def scene(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(value <= 0.5, np.square(value) / 3, (np.exp((value - c) / a) + b) / 12)

    return (scene(value) / scene(np.array(_HLG_WHITE))).astype(np.float32)


def _shown() -> NDArray[np.uint8]:
    """The value of eight bits that shows each amount of light on a computer's display (sRGB, IEC 61966-2-1)."""
    light = np.linspace(0.0, 1.0, _STEPS)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * value), np.uint8)
