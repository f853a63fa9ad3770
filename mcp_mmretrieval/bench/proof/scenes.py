"""Pictures to look for, drawn when they are needed: pages, charts, things seen, and short films of things that change.

A scene takes how far it is, from 0 to 1: for a film that runs, for a picture another value is another view of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from mcp_mmretrieval.demo_media.canvas import CORAL, GREY, INK, NAVY, PALE, PAPER, SAND, TEAL, Canvas

if TYPE_CHECKING:
    from PIL import Image

Scene = Callable[[Canvas, float], None]
FILM_FRAMES = 6
"""Of a film, one a second."""
_SKY, _GRASS, _WOOD = "#a9cfe8", "#6a9a4b", "#8a5a3b"


def draw_text_page(title: str, paragraphs: Sequence[str]) -> Image.Image:
    """A page of A4 with a heading and running text."""
    page = Canvas(827, 1_169)
    page.words(90, 110, title, size=36, colour=NAVY)
    y = 190.0
    for paragraph in paragraphs:
        for line in wrap(paragraph, 56):
            page.words(90, y, line, size=23)
            y += 36
        y += 24
    page.words(413, 1_120, "12", size=18, colour=GREY, anchor="mm")
    return page.picture()


def draw_chart(title: str, values: dict[str, float], *, line: bool = False) -> Image.Image:
    """Values by their names, as bars or as a line."""
    chart = Canvas(800, 500)
    chart.words(50, 48, title, size=28, colour=NAVY)
    step, most = 700 / len(values), max(values.values())
    tops = [(50 + step * (at + 0.5), 430 - 310 * value / most) for at, value in enumerate(values.values())]
    chart.line([(50, 430), (750, 430)], GREY, width=2)
    if line:
        chart.line(tops, CORAL, width=4)
    for (x, top), (name, value) in zip(tops, values.items(), strict=True):
        if line:
            chart.dot(x, top, 6, CORAL)
        else:
            chart.box(x - step * 0.32, top, x + step * 0.32, 430, TEAL)
        chart.words(x, top - 18, f"{value:g}", size=18, anchor="mm")
        chart.words(x, 455, name, size=18, anchor="mm")
    return chart.picture()


def draw_scene(scene: Scene, at: float = 0.2) -> Image.Image:
    """One view of a scene."""
    canvas = Canvas(640, 360, _SKY)
    scene(canvas, at)
    return canvas.picture()


def draw_film(scene: Scene) -> list[Image.Image]:
    """`FILM_FRAMES` frames of a scene from its beginning to its end."""
    return [draw_scene(scene, at / (FILM_FRAMES - 1)) for at in range(FILM_FRAMES)]


# -- things seen


def clock(canvas: Canvas, at: float) -> None:
    """A round clock on a wall; its hands tell another time."""
    canvas.box(0, 0, 640, 360, "#d9cbb2")
    canvas.dot(320, 180, 160, _WOOD)
    canvas.dot(320, 180, 144, PAPER)
    for hour in range(1, 13):
        turned = math.radians(30 * hour)
        canvas.words(320 + 120 * math.sin(turned), 180 - 120 * math.cos(turned), f"{hour}", size=26, anchor="mm")
    for turned, length, width in ((2 * math.pi * at, 70, 9), (24 * math.pi * at, 108, 6)):
        canvas.line([(320, 180), (320 + length * math.sin(turned), 180 - length * math.cos(turned))], INK, width=width)
    canvas.dot(320, 180, 9, INK)


def balloon(canvas: Canvas, at: float) -> None:
    """A hot-air balloon, farther to one side."""
    canvas.box(0, 300, 640, 360, _GRASS)
    x, y = 220 + 240 * at, 140 - 20 * at
    canvas.shape([(x - 92, y + 44), (x + 92, y + 44), (x + 22, y + 128), (x - 22, y + 128)], CORAL)
    for wide, colour in ((104, CORAL), (72, SAND), (36, CORAL)):
        _ellipse(canvas, x, y, wide, 104, colour)
    for side in (-20, 20):
        canvas.line([(x + side, y + 126), (x + side * 0.8, y + 160)], INK, width=2)
    canvas.box(x - 20, y + 158, x + 20, y + 186, _WOOD, corner=4)


def football(canvas: Canvas, at: float) -> None:
    """A football on the grass, turned."""
    canvas.box(0, 130, 640, 360, _GRASS)
    x, y, radius = 320 + 120 * (at - 0.5), 220, 112
    canvas.dot(x, y, radius, INK)
    canvas.dot(x, y, radius - 3, PAPER)
    _polygon(canvas, x, y, 40, at)
    for side in range(5):
        turned = 2 * math.pi * (side / 5 + at)
        edge, outer = 40 * 0.98, 78
        sine, cosine = math.sin(turned), -math.cos(turned)
        canvas.line([(x + edge * sine, y + edge * cosine), (x + outer * sine, y + outer * cosine)], INK, width=4)
        patch = [
            (x + far * math.sin(turned + off), y - far * math.cos(turned + off))
            for far, off in ((76, -0.12), (76, 0.12), (106, 0.28), (108, 0.0), (106, -0.28))
        ]
        canvas.shape(patch, INK)


def umbrella(canvas: Canvas, at: float) -> None:
    """An open umbrella in the rain."""
    canvas.box(0, 0, 640, 360, "#8fa3b3")
    for drop in range(60):
        x, y = (drop * 97 + 300 * at) % 640, (drop * 61 + 200 * at) % 360
        canvas.line([(x, y), (x - 5, y + 18)], PALE, width=2)
    x = 320 + 60 * (at - 0.2)
    canvas.slice(x, 200, 160, -90, 90, CORAL)
    for part in range(4):
        canvas.dot(x - 120 + 80 * part, 204, 40, "#8fa3b3")
    canvas.line([(x, 166), (x, 300)], _WOOD, width=8)
    canvas.line([(x, 300), (x + 8, 320), (x + 26, 322), (x + 34, 304)], _WOOD, width=8)
    for part in (-80, 0, 80):
        canvas.line([(x, 42), (x + part, 166)], "#b93a20", width=3)
    canvas.line([(x, 24), (x, 44)], INK, width=5)


def mushroom(canvas: Canvas, at: float) -> None:
    """A toadstool, red with white spots."""
    canvas.box(0, 0, 640, 360, "#2f4a32")
    canvas.box(0, 290, 640, 360, "#4b3a26")
    x = 300 + 60 * at
    canvas.box(x - 34, 170, x + 34, 316, "#efe6d3", corner=26)
    canvas.shape([(x - 60, 196), (x + 60, 196), (x + 36, 226), (x - 36, 226)], "#e3d8c0")
    canvas.slice(x, 190, 150, -90, 90, "#c5281c")
    for left, up, radius in ((-96, 34, 15), (-52, 86, 17), (6, 112, 14), (58, 74, 19), (104, 30, 13), (0, 48, 20)):
        canvas.dot(x + left, 190 - up, radius, "#f7f1e6")


def sailing_boat(canvas: Canvas, at: float) -> None:
    """A boat with white sails, farther to one side."""
    canvas.box(0, 240, 640, 360, "#2d6a95")
    x = 180 + 280 * at
    canvas.line([(x, 60), (x, 250)], _WOOD, width=6)
    canvas.shape([(x + 6, 66), (x + 6, 232), (x + 118, 232)], PAPER)
    canvas.shape([(x - 6, 86), (x - 6, 232), (x - 82, 232)], PALE)
    canvas.shape([(x - 110, 246), (x + 128, 246), (x + 92, 292), (x - 76, 292)], "#7b2d26")
    for wave in range(9):
        canvas.line([(wave * 76, 310 + wave % 3 * 14), (wave * 76 + 40, 306 + wave % 3 * 14)], "#6fa3c4", width=3)


# -- things that change


def traffic_light(canvas: Canvas, at: float) -> None:
    """Red, then amber, then green."""
    canvas.box(0, 300, 640, 360, GREY)
    canvas.box(310, 240, 330, 340, INK)
    canvas.box(256, 20, 384, 272, INK, corner=18)
    lit = min(2, int(at * 3))
    for number, colour in enumerate(("#ff2a1a", "#ffb000", "#18d04a")):
        canvas.dot(320, 64 + 82 * number, 34, colour if number == lit else "#3a3f45")


def sunset(canvas: Canvas, at: float) -> None:
    """The sun goes down behind the sea, and it gets dark."""
    glow = 1 - 0.75 * at
    canvas.box(0, 0, 640, 240, _mixed((250, 170, 90), glow))
    canvas.dot(320, 90 + 190 * at, 54, _mixed((255, 236, 150), 0.5 + glow / 2))
    canvas.box(0, 240, 640, 360, _mixed((40, 80, 130), glow))


def candle(canvas: Canvas, at: float) -> None:
    """A candle burns down."""
    canvas.box(0, 0, 640, 360, "#1d1a22")
    top = 110 + 170 * at
    canvas.dot(320, top - 34, 64, "#4a3a20")
    canvas.shape([(302, top - 22), (320, top - 74), (338, top - 22)], SAND)
    canvas.dot(320, top - 24, 18, SAND)
    canvas.dot(320, top - 22, 9, "#fff3c4")
    canvas.line([(320, top - 16), (320, top + 4)], INK, width=4)
    canvas.box(282, top, 358, 322, "#efe6d3", corner=6)
    canvas.box(250, 318, 390, 334, GREY, corner=6)


def countdown(canvas: Canvas, at: float) -> None:
    """White figures on black, from five down to zero."""
    canvas.box(0, 0, 640, 360, INK)
    canvas.dot(320, 180, 140, GREY)
    canvas.dot(320, 180, 128, INK)
    canvas.words(320, 180, f"{round(5 * (1 - at))}", size=180, colour=PAPER, anchor="mm")


def _polygon(canvas: Canvas, x: float, y: float, radius: float, turned: float) -> None:
    angles = [2 * math.pi * (corner / 5 + turned) for corner in range(5)]
    canvas.shape([(x + radius * math.sin(angle), y - radius * math.cos(angle)) for angle in angles], INK)


def _ellipse(canvas: Canvas, x: float, y: float, wide: float, high: float, colour: str) -> None:
    angles = [math.radians(6 * step) for step in range(60)]
    canvas.shape([(x + wide * math.sin(angle), y - high * math.cos(angle)) for angle in angles], colour)


def _mixed(colour: tuple[int, int, int], share: float) -> str:
    """A colour made darker."""
    return "#" + "".join(f"{round(part * share):02x}" for part in colour)
