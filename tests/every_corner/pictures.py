"""Pictures with a word in them, and with words about them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from tests.every_corner.planting import Planter

FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "webp": "WEBP",
    "tiff": "TIFF",
    "gif": "GIF",
    "bmp": "BMP",
    "jp2": "JPEG2000",
    "avif": "AVIF",
}
DESCRIPTION = 0x010E
"""Of the EXIF tags."""


def words_image(words: str) -> Image.Image:
    """Dark letters on a light ground, large enough for any OCR."""
    image = Image.new("RGB", (900, 240), "white")
    ImageDraw.Draw(image).text((40, 70), words, fill="black", font=ImageFont.load_default(80))
    return image


def words_picture(words: str, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    words_image(words).save(file, kind, **options)
    return file.getvalue()


def plant_pictures(planter: Planter) -> None:
    for suffix, kind in FORMATS.items():
        corners = planter.open(f"pictures/sign.{suffix}")
        corners.write(words_picture(corners.drawn("drawn"), kind))
    for number in range(3):
        corners = planter.open(f"pictures/photo {number}.jpg")
        exif = Image.Exif()
        exif[DESCRIPTION] = f"The quay near {corners['description']}"
        corners.write(words_picture(corners.drawn("drawn"), "JPEG", exif=exif))
    corners = planter.open("pictures/told.png")
    told = PngImagePlugin.PngInfo()
    told.add_text("Description", f"Painted by {corners['description']}")
    corners.write(words_picture(corners.drawn("drawn"), "PNG", pnginfo=told))
    corners = planter.open("pictures/drawing.svg")
    corners.write(
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="100"><title>Plan of '
        f'{corners["title"]}</title><text x="9" y="50" font-size="30">gate {corners["text"]}</text></svg>'
    )
