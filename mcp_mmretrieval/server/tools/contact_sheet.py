"""Pictures for the model: one place as a JPEG, several as one labelled contact sheet."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from mcp_mmretrieval.models import spectrogram
from mcp_mmretrieval.server.tools.as_text import format_timestamp
from mcp_mmretrieval.server.tools.drawn_table import draw_table
from mcp_mmretrieval.server.tools.lettering import fonts, narrowed, shortened, wrapped, written
from mcp_mmretrieval.types import Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Content, Picture

MAX_JPEG_SIDE_PIXELS = 1_024
"""Pixels of the longer side of what is sent."""
MAX_JPEG_BYTES = 250_000
"""Bytes of one JPEG."""
TILE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_PAPER, _SHEET, _INK, _BADGE = "#fbfaf6", "#e4e7ea", "#1b1f23", "#1f4e79"
_GAP = 10
_CAPTION_SIZE = 15
_LINE = 19
_TEXT_SIZES = (24, 20, 17, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One place on a sheet."""

    caption: str
    """Under the picture: the citation, or the time of a frame."""
    content: Content | None = None
    """What to show. A film shows its middle frame, a sound its spectrogram, nothing: the text."""
    text: str = ""
    """Drawn where there is no picture, and under a spectrogram."""
    rows: Sequence[Sequence[str]] = ()
    """Drawn as a table in place of the text; the first row names the columns."""
    time: str = ""
    """In the corner of the picture."""


def contact_sheet(tiles: Sequence[Tile], *, lettered: bool = True, largest: int = MAX_JPEG_BYTES) -> bytes:
    """One JPEG of all tiles in reading order, marked A, B, C ..., within `MAX_JPEG_SIDE_PIXELS` and `largest` bytes."""
    foot = (2 if lettered else 1) * _LINE + 8
    columns, width, height = _grid(tiles, foot)
    rows = math.ceil(len(tiles) / columns)
    size = (_GAP + columns * (width + _GAP), _GAP + rows * (height + foot + _GAP))
    sheet = Image.new("RGB", size, _SHEET)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        corner = (_GAP + column * (width + _GAP), _GAP + row * (height + foot + _GAP))
        sheet.paste(_cell(tile, (width, height), foot, TILE_LETTERS[number] if lettered else ""), corner)
    return _jpeg(sheet, largest)


def photo_jpeg(pixels: Picture, largest: int = MAX_JPEG_BYTES) -> bytes:
    """One picture as a JPEG, at most `MAX_JPEG_SIDE_PIXELS` pixels and `largest` bytes."""
    return _jpeg(Image.fromarray(pixels), largest)


def film_strip(film: Film, largest: int = MAX_JPEG_BYTES, most: int = 9) -> bytes:
    """Frames of a film with their times, spread evenly over it."""
    count = len(film.pictures)
    chosen = sorted({round(step * (count - 1) / max(1, min(most, count) - 1)) for step in range(min(most, count))})
    return contact_sheet(
        [Tile(caption=format_timestamp(film.times[index]), content=film.pictures[index]) for index in chosen],
        lettered=False,
        largest=largest,
    )


def sound_strip(sound: Sound, start: float, largest: int = MAX_JPEG_BYTES) -> bytes:
    """A spectrogram with seconds below it; `start` is where the stretch begins in its recording."""
    width, height, foot = MAX_JPEG_SIDE_PIXELS, 320, 28
    strip = Image.new("RGB", (width, height + foot), _PAPER)
    strip.paste(_spectrogram(sound, width, height))
    seconds = len(sound.samples) / sound.rate
    pen = ImageDraw.Draw(strip)
    for tick in range(9):
        x = round(tick * (width - 1) / 8)
        pen.line([(x, height), (x, height + 5)], fill=_INK)
        label = _tick_label(start + seconds * tick / 8, seconds)
        anchor = "la" if tick == 0 else "ra" if tick == 8 else "ma"
        pen.text((x, height + 7), label, fill=_INK, font=fonts(15)[0], anchor=anchor)
    return _jpeg(strip, largest)


def _tick_label(second: float, seconds: float) -> str:
    return format_timestamp(second) if seconds >= 16 else f"{second:.1f} s"


def _grid(tiles: Sequence[Tile], foot: int) -> tuple[int, int, int]:
    """Columns, and width and height of a picture: the layout that shows a usual tile at its largest."""
    shape = sorted(_aspect(tile) for tile in tiles)[len(tiles) // 2]
    sizes = {}
    for columns in range(1, len(tiles) + 1):
        rows = math.ceil(len(tiles) / columns)
        room = (MAX_JPEG_SIDE_PIXELS - _GAP) // rows - _GAP - foot
        width = min((MAX_JPEG_SIDE_PIXELS - _GAP) // columns - _GAP, max(200, round(room / shape)))
        sizes[columns] = (width, min(room, round(width * shape)))
    columns = max(sizes, key=lambda columns: (sizes[columns][0] * sizes[columns][1], -columns))
    return columns, *sizes[columns]


def _aspect(tile: Tile) -> float:
    """Height by width, within what a grid can be made of."""
    picture = _still(tile.content)
    if picture is None:
        return 0.75
    return min(1.45, max(0.5, float(picture.shape[0] / picture.shape[1])))


def _still(content: Content | None) -> Picture | None:
    """The picture that stands for a content, if it has one."""
    if isinstance(content, Film):
        return content.pictures[len(content.pictures) // 2] if content.pictures else None
    return None if content is None or isinstance(content, str | Sound) else content


def _cell(tile: Tile, size: tuple[int, int], foot: int, letter: str) -> Image.Image:
    """The picture of one tile with its letter, its time and its caption."""
    width, height = size
    cell = Image.new("RGB", (width, height + foot), "white")
    cell.paste(_face(tile, size))
    pen = ImageDraw.Draw(cell)
    left = 4
    if letter:
        left = _badge(pen, (4, height + 4), letter) + 5
    if tile.time:
        _corner(pen, width, tile.time)
    font, caption = written(tile.caption, _CAPTION_SIZE)
    for row, line in enumerate(_caption_lines(caption, font, width - left - 4)):
        pen.text((left, height + 4 + row * _LINE), line, fill=_INK, font=font)
    return cell


def _face(tile: Tile, size: tuple[int, int]) -> Image.Image:
    """The inside of a tile: a picture in its proportions, a spectrogram, or a page of text."""
    still = _still(tile.content)
    if still is not None:
        face = Image.new("RGB", size, "#2b2f33")
        picture = Image.fromarray(still)
        scale = min(size[0] / picture.width, size[1] / picture.height)
        picture = picture.resize(
            (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
        )
        face.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
        return face
    if tile.rows:
        return draw_table(tile.rows, size)
    face = Image.new("RGB", size, _PAPER)
    top = 0
    if isinstance(tile.content, Sound):
        top = round(size[1] * (0.5 if tile.text else 1.0))
        face.paste(_spectrogram(tile.content, size[0], top))
    text = tile.content if isinstance(tile.content, str) else tile.text
    if text or not top:
        _paragraph(ImageDraw.Draw(face), text or "no picture and no text", (0, top, *size))
    return face


def _spectrogram(sound: Sound, width: int, height: int) -> Image.Image:
    return Image.fromarray(spectrogram.draw_spectrogram(sound, width, height))


def _paragraph(pen: ImageDraw.ImageDraw, text: str, box: tuple[int, int, int, int]) -> None:
    """Text wrapped into a box, as large as it fits; what does not fit ends in an ellipsis."""
    left, top, right, bottom = box
    margin = 10
    width, height = right - left - 2 * margin, bottom - top - 2 * margin
    for size in _TEXT_SIZES:
        font, shown = written(text, size)
        lines, most = wrapped(shown, font, width), max(1, height // (size + 6))
        if len(lines) <= most:
            break
    else:
        lines = [*lines[: most - 1], shortened(lines[most - 1] + " and more", font, width)]
    for row, line in enumerate(lines):
        pen.text((left + margin, top + margin + row * (size + 6)), line, fill=_INK, font=font)


def _badge(pen: ImageDraw.ImageDraw, corner: tuple[int, int], letter: str) -> int:
    """A letter on a dark ground; the pixel where it ends."""
    x, y = corner
    pen.rounded_rectangle((x, y, x + 22, y + 22), 4, fill=_BADGE)
    pen.text((x + 11, y + 11), letter, fill="white", font=fonts(16)[0], anchor="mm")
    return x + 22


def _corner(pen: ImageDraw.ImageDraw, right: int, text: str) -> None:
    """A short text on a dark ground in the upper right corner."""
    font = fonts(14)[0]
    wide = round(font.getlength(text)) + 12
    x, y = right - wide - 4, 4
    pen.rounded_rectangle((x, y, x + wide, y + 22), 4, fill="#111418")
    pen.text((x + wide // 2, y + 11), text, fill="white", font=font, anchor="mm")


def _caption_lines(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """A citation on one line, or the file on the first and the place on the second."""
    if font.getlength(text) <= width:
        return [text]
    name, mark, place = text.partition("#")
    return [narrowed(part, font, width) for part in (name, mark + place) if part]


def _jpeg(picture: Image.Image, largest: int) -> bytes:
    """The picture within `MAX_JPEG_SIDE_PIXELS` pixels and so many bytes."""
    picture.thumbnail((MAX_JPEG_SIDE_PIXELS, MAX_JPEG_SIDE_PIXELS), Image.Resampling.LANCZOS)
    while True:
        for quality in (88, 78, 66, 50):
            packed = io.BytesIO()
            picture.save(packed, "JPEG", quality=quality, optimize=True)
            if packed.tell() <= largest:
                return packed.getvalue()
        picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)
