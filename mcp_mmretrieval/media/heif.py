"""HEIF pictures coded in HEVC (ISO/IEC 23008-12), as phones and cameras write them: .heic, .heif, .hif.

libheif gives the main picture as its container says that it is turned, and says nothing more of a turn in EXIF. What
stands beside it is not read: thumbnails, depth, gain maps. AVIF is Pillow's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pi_heif  # type: ignore[import-untyped]
from PIL import Image

from mcp_mmretrieval.media.hdr import is_hdr_transfer, tone_mapped_codes

pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=2)

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_ROWS = 256
"""Rows that are mapped at once: light in floats takes four times the room of its codes."""


def is_heif(head: bytes) -> bool:
    """Whether a file begins as HEIF does; of some brands other codecs than HEVC may be in it."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def is_hdr_picture(image: Image.Image) -> bool:
    """Whether it is coded in PQ or HLG, as cameras do; what phones add as a gain map is an ordinary picture."""
    return image.mode in ("RGB", "RGBA") and is_hdr_transfer(_profile(image).get("transfer_characteristics", 0))


def tone_mapped_picture(file: BinaryIO, image: Image.Image) -> Image.Image:
    """The picture that is opened, with its colours as without a high dynamic range. Raises as libheif does."""
    file.seek(0)
    deep: Any = pi_heif.open_heif(file, convert_hdr_to_8bit=False)[image.tell()]
    codes, profile = np.asarray(deep), _profile(image)
    if codes.dtype == np.uint8:
        codes = codes.astype(np.uint16) * 257
    shown: Picture = np.empty((*codes.shape[:2], 3), np.uint8)
    for top in range(0, len(codes), _ROWS):
        shown[top : top + _ROWS] = tone_mapped_codes(
            codes[top : top + _ROWS, :, :3], profile["transfer_characteristics"], profile["color_primaries"]
        )
    return Image.fromarray(shown)


def _profile(image: Image.Image) -> dict[str, int]:
    """What the container says of its colours (`nclx`, ITU-T H.273)."""
    profile: dict[str, int] = image.info.get("nclx_profile", {}) if image.format == "HEIF" else {}
    return profile
