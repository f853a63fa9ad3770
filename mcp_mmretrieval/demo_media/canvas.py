"""A picture that charts and scenes are drawn on, and its colours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

NAVY, TEAL, CORAL, SAND, GREY, PALE, INK, PAPER = (
    "#12355b",
    "#1b998b",
    "#e4572e",
    "#f2b134",
    "#6b7885",
    "#e3e8ed",
    "#20262d",
    "#ffffff",
)

SUPERSAMPLING = 2
"""Charts are drawn this many times larger and then reduced, for smooth edges."""


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, so that a chart looks the same on every machine."""
    return ImageFont.load_default(size)


class Canvas:
    """A picture to draw on in its final coordinates; it is drawn finer than that."""

    def __init__(self, width: int, height: int, paper: str = PAPER) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * SUPERSAMPLING, height * SUPERSAMPLING), paper)
        self._draw = ImageDraw.Draw(self._image)

    def words(self, x: float, y: float, text: str, *, size: int = 18, colour: str = INK, anchor: str = "lm") -> None:
        """A line of text. `anchor` as Pillow names it: left, middle or right, then middle or baseline."""
        self._draw.text(
            (x * SUPERSAMPLING, y * SUPERSAMPLING), text, font=_font(size * SUPERSAMPLING), fill=colour, anchor=anchor
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: str, *, corner: float = 0) -> None:
        """A filled rectangle."""
        edges = [left * SUPERSAMPLING, top * SUPERSAMPLING, right * SUPERSAMPLING, bottom * SUPERSAMPLING]
        self._draw.rounded_rectangle(edges, radius=corner * SUPERSAMPLING, fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: str, *, width: float = 1) -> None:
        """Straight lines from point to point."""
        fine = [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points]
        self._draw.line(fine, fill=colour, width=round(width * SUPERSAMPLING), joint="curve")

    def shape(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points], fill=colour)

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A filled circle."""
        edges = [
            (x - radius) * SUPERSAMPLING,
            (y - radius) * SUPERSAMPLING,
            (x + radius) * SUPERSAMPLING,
            (y + radius) * SUPERSAMPLING,
        ]
        self._draw.ellipse(edges, fill=colour)

    def slice(self, x: float, y: float, radius: float, start: float, end: float, colour: str) -> None:
        """A slice of a pie; degrees clockwise from the top."""
        edges = [
            (x - radius) * SUPERSAMPLING,
            (y - radius) * SUPERSAMPLING,
            (x + radius) * SUPERSAMPLING,
            (y + radius) * SUPERSAMPLING,
        ]
        self._draw.pieslice(edges, start - 90, end - 90, fill=colour, outline=PAPER, width=3 * SUPERSAMPLING)

    def picture(self) -> Image.Image:
        """What was drawn, at its final size."""
        return self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)
