"""Pictures, sound and text of hits for the gallery's page, within what assistants pass on to a page.

Some of them cut answers off at 150,000 characters: base64 makes 4 of 3 bytes, and what is left is for text.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NotRequired

from PIL import Image
from typing_extensions import TypedDict

from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.models.spectrogram import draw_spectrogram
from mcp_mmretrieval.server.tools.markdown_table import table_rows
from mcp_mmretrieval.server.tools.results import look_result
from mcp_mmretrieval.server.tools.sanitize import sanitize_line, sanitize_name, sanitize_text
from mcp_mmretrieval.types import Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Look
    from mcp_mmretrieval.library import Library
    from mcp_mmretrieval.types import Picture

Form = Literal["thumbnail", "detail", "sound"]

MAX_SHOWN = 6
"""Hits of one answer."""
THUMBNAIL_SIDE_PIXELS, MAX_THUMBNAIL_BYTES = 480, 16_000
DETAIL_SIDE_PIXELS, MAX_DETAIL_BYTES = 1_400, 84_000
"""Of what is decoded the longer side, and of what is sent the bytes."""
FRAMES, FRAME_SIDE_PIXELS, MAX_FRAME_BYTES = 8, 480, 10_000
STRIP_PIXELS = (640, 128)
"""Width and height of a spectrogram."""
MAX_HEARD_SECONDS = 30.0
"""Of one answer: as long as a window of a recording. MP3 of 24 kbit/s: 90 kB."""
MAX_TARGET_CHARACTERS = 600
"""Of a target that is repeated: an id of a hit has some hundred."""
MAX_TEXT_CHARACTERS = 8_000
MAX_CONTEXT_CHARACTERS = 600
MAX_SHOWN_ROWS, MAX_SHOWN_COLUMNS, MAX_CELL_CHARACTERS = 40, 12, 80


class Frame(TypedDict):
    """One picture of a film."""

    time: float
    """Seconds from the beginning of the film."""
    picture: str


class Shown(TypedDict):
    """One hit; pictures are WebP, in base64 as the sound."""

    target: str
    error: NotRequired[str]
    """Why there is nothing else."""
    picture: NotRequired[str]
    frames: NotRequired[list[Frame]]
    mp3: NotRequired[str]
    start: NotRequired[float]
    """Seconds from the beginning of the recording to that of the sound."""
    seconds: NotRequired[float]
    title: NotRequired[str]
    before: NotRequired[str]
    text: NotRequired[str]
    cut: NotRequired[bool]
    """Only the beginning of the text is here."""
    times: NotRequired[list[float]]
    """Seconds at which the first lines of the text are said or shown, one a line."""
    rows: NotRequired[list[list[str]]]
    """The text as a table; the first row names the columns."""
    after: NotRequired[str]
    notes: NotRequired[list[str]]


def shown_hits(library: Library, targets: Sequence[str], form: Form) -> list[Shown]:
    """Each of the targets, in order; one that cannot be opened is an item with `error`.

    Of details and sound only the first target's, so that the answer stays small enough.
    """
    most = MAX_SHOWN if form == "thumbnail" else 1
    return [_shown(library, target, form) for target in list(dict.fromkeys(targets))[:most]]


def _shown(library: Library, target: str, form: Form) -> Shown:
    shown: Shown = {"target": target[:MAX_TARGET_CHARACTERS]}
    side = DETAIL_SIDE_PIXELS if form == "detail" else THUMBNAIL_SIDE_PIXELS
    try:
        look = library.look(target, side=side, content=True)
    except RetrievalError as error:
        return {**shown, "error": sanitize_line(str(error), MAX_CONTEXT_CHARACTERS)}
    if form == "sound":
        _add_sound(shown, look)
    elif form == "thumbnail":
        _add_picture(shown, _still(look), MAX_THUMBNAIL_BYTES)
    else:
        _add_text(shown, look)
        if isinstance(look.content, Film):
            shown["frames"] = _frames(look.content)
        else:
            _add_picture(shown, _still(look), MAX_DETAIL_BYTES)
    if look.note and ("text" in shown or set(shown) == {"target"}):
        shown["notes"] = [*shown.get("notes", []), sanitize_line(look.note, MAX_CONTEXT_CHARACTERS)]
    return shown


def _add_text(shown: Shown, look: Look) -> None:
    result = look_result(look)
    text = result["text"]
    shown["text"] = text[:MAX_TEXT_CHARACTERS]
    if len(text) > MAX_TEXT_CHARACTERS:
        shown["cut"] = True
    if look.segment.times and text.count("\n") == look.text.strip().count("\n"):
        shown["times"] = [round(start, 2) for start, _ in look.segment.times]
    if rows := table_rows(look, sanitize_text(look.text)):
        shown["rows"] = [
            [cell[:MAX_CELL_CHARACTERS] for cell in row[:MAX_SHOWN_COLUMNS]] for row in rows[:MAX_SHOWN_ROWS]
        ]
        if len(rows) > MAX_SHOWN_ROWS:
            shown["cut"] = True
    if "title" in result:
        shown["title"] = result["title"]
    if "before" in result:
        shown["before"] = result["before"][-MAX_CONTEXT_CHARACTERS:]
    if "after" in result:
        shown["after"] = result["after"][:MAX_CONTEXT_CHARACTERS]
    if notes := [sanitize_line(note, MAX_CONTEXT_CHARACTERS) for note in look.document_notes[:3]]:
        shown["notes"] = notes


def _add_sound(shown: Shown, look: Look) -> None:
    from mcp_mmretrieval.media.mp3 import encode_mp3  # FFmpeg: 16 MB that most engines never need

    content = look.content
    sound = content.sound if isinstance(content, Film) else content
    if not isinstance(sound, Sound) or not len(sound.samples):
        shown["error"] = f"There is no sound at {sanitize_name(look.citation)}."
        return
    heard = Sound(sound.samples[: round(MAX_HEARD_SECONDS * sound.rate)], sound.rate)
    shown["mp3"] = _base64(encode_mp3(heard))
    shown["start"] = round(look.segment.place.start or 0.0, 2)
    shown["seconds"] = round(len(heard.samples) / heard.rate, 2)


def _add_picture(shown: Shown, pixels: Picture | None, largest: int) -> None:
    if pixels is not None:
        shown["picture"] = _base64(_webp(pixels, DETAIL_SIDE_PIXELS, largest))


def _still(look: Look) -> Picture | None:
    """The picture that stands for a place: itself, a spectrogram, or the frame in the middle."""
    content = look.content
    if content is None or isinstance(content, str):
        return None
    if isinstance(content, Sound):
        return draw_spectrogram(content, *STRIP_PIXELS)
    if isinstance(content, Film):
        return content.pictures[len(content.pictures) // 2] if content.pictures else None
    return content


def _frames(film: Film) -> list[Frame]:
    """Frames spread evenly over a stretch of film."""
    last = len(film.pictures) - 1
    chosen = sorted({round(step * last / (FRAMES - 1)) for step in range(FRAMES)}) if film.pictures else []
    return [
        {
            "time": round(film.times[one], 2),
            "picture": _base64(_webp(film.pictures[one], FRAME_SIDE_PIXELS, MAX_FRAME_BYTES)),
        }
        for one in chosen
    ]


def _webp(pixels: Picture, side: int, largest: int) -> bytes:
    """A picture within so many pixels and bytes, as good and as large as they allow."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    quality = 82
    while True:
        packed = io.BytesIO()
        picture.save(packed, "WEBP", quality=quality, method=3)
        excess = packed.tell() / largest
        if excess <= 1:
            return packed.getvalue()
        if quality > 50 and excess < 2.5:
            quality -= 16
        else:  # bytes go with the area
            scale = min(0.85, excess**-0.5)
            quality = 66
            picture = picture.resize(
                (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
            )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
