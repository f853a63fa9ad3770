"""Pictures and sounds of one colour and one tone, and a look at the JPEGs that are made of them."""

import io
from typing import Any

import numpy as np
from PIL import Image

from mcp_mmretrieval.server.tools.contact_sheet import (
    MAX_JPEG_BYTES,
    MAX_JPEG_SIDE_PIXELS,
)
from mcp_mmretrieval.types import Sound

RED = (220, 30, 30)


BLUE = (30, 30, 220)


def pixels(colour: tuple[int, int, int], width: int = 600, height: int = 800) -> Any:
    return np.full((height, width, 3), colour, np.uint8)


def tone(seconds: float = 4.0) -> Sound:
    times = np.arange(int(seconds * 16_000)) / 16_000
    return Sound(np.sin(2 * np.pi * 440 * times).astype(np.float32), 16_000)


def opened(jpeg: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(jpeg))
    picture.load()
    assert picture.format == "JPEG"
    assert max(picture.size) <= MAX_JPEG_SIDE_PIXELS
    assert len(jpeg) <= MAX_JPEG_BYTES
    return picture


def share(picture: Image.Image, colour: tuple[int, int, int]) -> float:
    """Which part of a picture has this colour, roughly."""
    distance = np.abs(np.asarray(picture.convert("RGB"), int) - np.array(colour)).max(axis=2)
    return float((distance < 30).mean())
