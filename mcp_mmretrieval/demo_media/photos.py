"""Two landscapes that look much like photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter


def _gradient(width: int, height: int, colours: Sequence[tuple[int, int, int]]) -> NDArray[np.float32]:
    """Colours from top to bottom, evenly spaced."""
    places = np.linspace(0, height - 1, len(colours))
    rows = [np.interp(np.arange(height), places, channel) for channel in zip(*colours, strict=True)]
    column = np.stack(rows, axis=-1).astype(np.float32)
    return np.repeat(column[:, None, :], width, axis=1)


def _clouds(width: int, height: int, grain: tuple[int, int], random: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise in [0, 1]: random spots as large as `grain` (across, down), enlarged, at three sizes."""
    total = np.zeros((height, width), np.float32)
    for octave in range(3):
        across, down = (max(2, side * 2**octave // size) for side, size in zip((width, height), grain, strict=True))
        spots = Image.fromarray((random.random((down, across)) * 255).astype(np.uint8))
        total += np.asarray(spots.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 2**octave
    return _stretched(total)


def _photograph(pixels: NDArray[np.float32], random: np.random.Generator) -> Image.Image:
    """Pixels with a lens's soft corners and a sensor's grain."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corners = 1 - 0.22 * (x**2 + y**2)[..., None]
    grain = random.normal(0, 5, (height, width, 1))
    return Image.fromarray(np.clip(pixels * corners + grain, 0, 255).astype(np.uint8))


def lighthouse_photo(*, seed: int = 1, across: float = 0.64, sun: float = 0.3) -> Image.Image:
    """A lighthouse on its rock at dusk. `across` and `sun` say where tower and sun stand, from left to right."""
    width, height, horizon = 960, 640, 400
    random = np.random.default_rng(seed)
    sky = _gradient(width, horizon, ((38, 48, 92), (108, 84, 128), (226, 128, 104), (252, 196, 128)))
    sky += 46 * (_clouds(width, horizon, (320, 40), random)[..., None] - 0.5) * (1.0, 0.8, 0.7)
    sea = _gradient(width, height - horizon, ((206, 142, 118), (84, 82, 112), (26, 36, 62)))
    sea += 60 * (_clouds(width, height - horizon, (60, 5), random)[..., None] - 0.5)
    pixels = np.concatenate([sky, sea])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    glow = np.exp(-(((x - sun * width) / 150) ** 2 + ((y - horizon + 30) / 80) ** 2))
    path = np.exp(-(((x - sun * width) / 46) ** 2)) * (y > horizon) * np.exp(-(y - horizon) / 160)
    pixels += (120 * glow + 70 * path)[..., None] * np.array((1.0, 0.75, 0.4), np.float32)
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    _tower(ImageDraw.Draw(picture), across * width, horizon + 40, random)
    soft = picture.filter(ImageFilter.GaussianBlur(1.1))
    return _photograph(np.asarray(soft, np.float32), random)


def _tower(draw: ImageDraw.ImageDraw, x: float, foot: float, random: np.random.Generator) -> None:
    """Rock, banded tower, gallery, lantern; the side away from the sun lies in shade."""
    edge = [(x - 190 + 38 * step, foot - (0, 26, 48, 62, 70, 72, 66, 50, 34, 18, 0)[step]) for step in range(11)]
    jagged = [(px + random.normal(0, 5), py + random.normal(0, 5)) for px, py in edge]
    draw.polygon([(x - 210, foot + 26), *jagged, (x + 220, foot + 26)], fill=(44, 38, 44))
    base, top = foot - 62, foot - 292
    for band in range(6):
        low, high = base + (top - base) * band / 6, base + (top - base) * (band + 1) / 6
        wide, narrow = 40 - 14 * band / 6, 40 - 14 * (band + 1) / 6
        light = (214, 198, 190) if band % 2 == 0 else (176, 52, 46)
        shade = tuple(int(part * 0.55) for part in light)
        draw.polygon([(x - wide, low), (x - narrow, high), (x + narrow, high), (x + wide, low)], fill=light)
        draw.polygon([(x + wide * 0.2, low), (x + narrow * 0.2, high), (x + narrow, high), (x + wide, low)], fill=shade)
    draw.rectangle([x - 34, top - 8, x + 34, top], fill=(38, 34, 40))
    draw.rectangle([x - 19, top - 44, x + 19, top - 8], fill=(255, 236, 170))
    for bar in (-19, -7, 6, 18):
        draw.line([(x + bar, top - 44), (x + bar, top - 8)], fill=(38, 34, 40), width=2)
    draw.polygon([(x - 25, top - 44), (x, top - 74), (x + 25, top - 44)], fill=(120, 34, 32))


def mountains_photo(*, seed: int = 4) -> Image.Image:
    """Ranges of mountains in the haze, the farthest with snow, under a clear sky."""
    width, height = 960, 640
    random = np.random.default_rng(seed)
    pixels = _gradient(width, height, ((92, 148, 206), (168, 202, 226), (222, 232, 234)))
    y = np.mgrid[0:height, 0:width][0].astype(np.float32)
    for layer in range(4):
        ridge = 250 + 90 * layer - (190 - 35 * layer) * _ridge(width, random)
        rock = np.array(((126, 140, 160), (92, 116, 124), (62, 96, 82), (30, 62, 44))[layer], np.float32)
        texture = 34 * (_clouds(width, height, (26, 44), random)[..., None] - 0.5)
        below = (y > ridge)[..., None]
        pixels = np.where(below, rock + texture, pixels)
        if layer == 0:
            pixels = np.where((y > ridge)[..., None] & (y < 190 + texture[..., 0] * 2)[..., None], 240.0, pixels)
    soft = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.9))
    return _photograph(np.asarray(soft, np.float32), random)


def _ridge(width: int, random: np.random.Generator) -> NDArray[np.float32]:
    """A skyline in [0, 1]: straight lines between random points, at four sizes."""
    line = np.zeros(width, np.float32)
    for octave in range(4):
        points = 6 * 2**octave
        line += np.interp(np.linspace(0, points, width), np.arange(points + 1), random.random(points + 1)) / 2**octave
    return _stretched(line)


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values moved and scaled to [0, 1]."""
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low), np.float32)
