"""Three charts: bars, a line, a pie."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image

from mcp_mmretrieval.demo_media.canvas import CORAL, GREY, NAVY, PALE, PAPER, SAND, TEAL, Canvas


def _chart(title: str, subtitle: str) -> Canvas:
    canvas = Canvas(960, 600)
    canvas.words(56, 52, title, size=30, colour=NAVY)
    canvas.words(56, 88, subtitle, size=17, colour=GREY)
    return canvas


def _grid(canvas: Canvas, top: float, values: Sequence[float], form: str) -> Callable[[float], float]:
    """Draw horizontal lines at the values; returns where a value lies."""
    floor, ceiling = 520.0, 150.0

    def height(value: float) -> float:
        return floor - (floor - ceiling) * (value - values[0]) / (top - values[0])

    for value in values:
        canvas.line([(110, height(value)), (904, height(value))], PALE)
        canvas.words(98, height(value), form.format(value), size=15, colour=GREY, anchor="rm")
    return height


def bar_chart() -> Image.Image:
    """Passengers of four routes."""
    routes = (("Island", 142.6), ("Old Town", 88.3), ("Lighthouse", 57.9), ("Fjord", 32.7))
    canvas = _chart("Passengers by route", "Northern Star Ferries, 2025, in thousands")
    height = _grid(canvas, 160, (0, 40, 80, 120, 160), "{:.0f}")
    for index, (name, value) in enumerate(routes):
        middle = 220 + 195 * index
        canvas.box(middle - 58, height(value), middle + 58, height(0), TEAL if index == 0 else NAVY, corner=4)
        canvas.words(middle, height(value) - 18, f"{value:.1f}", size=18, anchor="mm")
        canvas.words(middle, 548, name, size=18, anchor="mm")
    return canvas.picture()


def line_chart() -> Image.Image:
    """What diesel cost month by month."""
    prices = (1.31, 1.34, 1.42, 1.47, 1.45, 1.39, 1.36, 1.44, 1.58, 1.71, 1.66, 1.52)
    canvas = _chart("Price of diesel", "Harbour fuel station, euro per litre, 2025")
    height = _grid(canvas, 1.8, (1.2, 1.4, 1.6, 1.8), "{:.2f}")
    points = [(130 + 68 * index, height(price)) for index, price in enumerate(prices)]
    canvas.line(points, CORAL, width=4)
    for (x, y), month in zip(points, "JFMAMJJASOND", strict=True):
        canvas.dot(x, y, 6, CORAL)
        canvas.words(x, 548, month, size=16, colour=GREY, anchor="mm")
    peak = points[prices.index(max(prices))]
    canvas.words(peak[0], peak[1] - 26, "1.71 in October", size=18, anchor="mm")
    return canvas.picture()


def pie_chart() -> Image.Image:
    """What a crossing costs, and for what."""
    costs = (("Fuel", 38, CORAL), ("Crew", 34, NAVY), ("Maintenance", 17, TEAL), ("Harbour fees", 11, SAND))
    canvas = _chart("Cost of a crossing", "Shares of 412 euros, island route, 2025")
    turned = 0.0
    for index, (name, share, colour) in enumerate(costs):
        canvas.slice(300, 350, 195, turned, turned + 3.6 * share, colour)
        middle = math.radians(turned + 1.8 * share)
        canvas.words(
            300 + 125 * math.sin(middle), 350 - 125 * math.cos(middle), f"{share} %", size=20, colour=PAPER, anchor="mm"
        )
        turned += 3.6 * share
        y = 275 + 50 * index
        canvas.box(590, y - 12, 614, y + 12, colour, corner=4)
        canvas.words(630, y, name, size=20)
        canvas.words(850, y, f"{share} %", size=20, anchor="rm")
    return canvas.picture()
