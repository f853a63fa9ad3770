"""Pictures drawn on the spot, and sounds made of numbers."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mcp_mmretrieval.types import Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

RATE = 16_000


def canvas(colour: str = "white", *, size: tuple[int, int] = (480, 480)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def pixels(image: Image.Image) -> Picture:
    return np.asarray(image)


def crossword() -> Picture:
    image, draw = canvas()
    cells = random.Random(1)
    for row in range(15):
        for column in range(15):
            box = (column * 32, row * 32, column * 32 + 32, row * 32 + 32)
            draw.rectangle(box, fill="black" if cells.random() < 0.2 else "white", outline="black")
    return pixels(image)


def traffic_light() -> Picture:
    image, draw = canvas("skyblue")
    draw.rectangle((225, 330, 255, 480), fill="dimgrey")
    draw.rounded_rectangle((165, 60, 315, 340), 20, fill=(25, 25, 25))
    for middle, colour in ((107, "red"), (197, (60, 55, 20)), (287, (15, 60, 25))):
        draw.ellipse((205, middle - 35, 275, middle + 35), fill=colour)
    return pixels(image)


def clock() -> Picture:
    image, draw = canvas("tan")
    draw.ellipse((40, 40, 440, 440), fill="white", outline="black", width=14)
    for hour in range(1, 13):
        angle = math.radians(30 * hour - 90)
        place = (240 + 160 * math.cos(angle), 240 + 160 * math.sin(angle))
        draw.text(place, str(hour), fill="black", font=ImageFont.load_default(36), anchor="mm")
    draw.line((240, 240, 240, 110), fill="black", width=10)
    draw.line((240, 240, 320, 290), fill="black", width=14)
    return pixels(image)


def bar_chart() -> Picture:
    """Title, upright axis label, three categories side by side."""
    image, draw = canvas(size=(640, 480))
    draw.text((150, 20), "Revenue by region 2026", fill="black", font=ImageFont.load_default(28))
    for number, (region, height) in enumerate((("North", 120), ("South", 200), ("East", 90))):
        left = 120 + 150 * number
        draw.rectangle((left, 400 - height, left + 80, 400), fill="steelblue")
        draw.text((left + 8, 410), region, fill="black", font=ImageFont.load_default(20))
    label, label_draw = canvas(size=(200, 40))
    label_draw.text((5, 5), "million euros", fill="black", font=ImageFont.load_default(24))
    image.paste(label.rotate(90, expand=True), (20, 150))
    return pixels(image)


def silence(seconds: float, rate: int = RATE) -> Sound:
    return Sound(np.zeros(round(seconds * rate), np.float32), rate)


def tone(hertz: float, seconds: float, rate: int = RATE) -> Sound:
    times: NDArray[np.float64] = np.arange(round(seconds * rate)) / rate
    return Sound((0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), rate)


def noise(level: float, seconds: float) -> Sound:
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE)) * level
    return Sound(samples.astype(np.float32), RATE)
