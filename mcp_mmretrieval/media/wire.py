"""What the engine and its parser workers say to each other: a header in JSON and one lump of bytes, never a pickle.

A worker has read a stranger's file and is not trusted: everything that it says is checked here, value by value.
A frame is `<IQ` (sizes of header and lump), the header, the lump. Pictures and samples travel in the lump, one after
the other, in the order in which the header lists them.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from mcp_mmretrieval.errors import FAILURE_CODES, FailureCode, UnreadableMedia
from mcp_mmretrieval.types import (
    Content,
    DocumentMetadata,
    EnteredPart,
    Film,
    Modality,
    Place,
    Region,
    Segment,
    Sound,
    SplitPart,
    SplitStep,
)

if TYPE_CHECKING:
    import socket

    from mcp_mmretrieval.config.limits import Limits
    from mcp_mmretrieval.types import Picture

Header = dict[str, Any]
WebType = Literal["audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "video/mp4", "video/webm"]
"""What a recording may be called to a browser."""
FRAME_PREFIX = struct.Struct("<IQ")
MAX_HEADER_BYTES = 16_000_000
MAX_FILM_FRAMES = 64
"""Frames of one stretch of film, at most."""
MAX_SOUND_SECONDS = 120
"""Seconds of one stretch of sound, at most."""
MAX_MORE_SOUNDS = 8
"""Tracks of sound of one stretch beside the first, at most."""
MAX_LABEL_CHARACTERS = 200
MAX_PLACE_CHARACTERS = 16_000
"""Of the names of parts within each other: see `compound`."""
MAX_KEYWORDS_CHARACTERS = 20_000
MAX_DATE = 253_402_300_800.0
"""Seconds from 1970 to the year 10000, or as far back."""
MAX_WIRE_RATE_HZ = 768_000
"""Samples per second, at most."""
MODALITIES: frozenset[str] = frozenset(get_args(Modality))
WEB_TYPES: frozenset[str] = frozenset(get_args(WebType))


class ProtocolError(ValueError):
    """The other side said something that it cannot have meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBounds:
    """What one answer may hold at most."""

    side: int
    characters: int
    reading_pixels: int = 0
    """Pixels that a picture with a longer side may have."""

    @classmethod
    def of(cls, limits: Limits) -> AnswerBounds:
        """The bounds that a document's limits leave."""
        return cls(side=limits.side, characters=limits.characters, reading_pixels=limits.reading_pixels)

    @property
    def lump(self) -> int:
        """Bytes of one answer's lump."""
        film = MAX_FILM_FRAMES * 3 * self.side**2 + (1 + MAX_MORE_SOUNDS) * MAX_SOUND_SECONDS * 4 * 16_000
        return max(4 * self.characters, 3 * self.reading_pixels, film)


# -- frames ------------------------------------------------------------------------------------------------------------


def pack_frame(header: Header, lump: int = 0) -> bytes:
    """A frame up to its lump of so many bytes. Half characters (lone surrogates) become question marks."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(text) > MAX_HEADER_BYTES:
        raise UnreadableMedia("too_large", f"one part holds more than {MAX_HEADER_BYTES:,} bytes of text")
    return FRAME_PREFIX.pack(len(text), lump) + text


def receive_frame(
    link: socket.socket, *, lump: int, wait: Callable[[], None], prefix: bytes = b""
) -> tuple[Header, memoryview]:
    """The next frame, its lump at most so many bytes; `prefix` is what of it was read already.

    `wait` is called whenever the socket's own timeout passes and may raise. Raises EOFError and ProtocolError.
    """
    head = bytearray(FRAME_PREFIX.size)
    head[: len(prefix)] = prefix
    _fill(link, memoryview(head)[len(prefix) :], wait)
    header_size, lump_size = FRAME_PREFIX.unpack(head)
    if header_size > MAX_HEADER_BYTES or lump_size > lump:
        raise ProtocolError(f"a frame of {header_size} and {lump_size} bytes")
    text, data = bytearray(header_size), np.empty(lump_size, np.uint8)
    _fill(link, memoryview(text), wait)
    _fill(link, data.data, wait)
    try:
        header = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a header that is no JSON: {error}") from error
    return _dict(header), data.data


def _fill(link: socket.socket, view: memoryview, wait: Callable[[], None]) -> None:
    while view:
        try:
            count = link.recv_into(view)
        except TimeoutError:
            wait()
            continue
        if count == 0:
            raise EOFError
        view = view[count:]


def _no_constant(name: str) -> float:
    raise ProtocolError(f"the number {name}")


# -- what is said ------------------------------------------------------------------------------------------------------


def encode_segment(segment: Segment) -> Header:
    """A segment as a header; its place as a fragment would lose digits, so in full."""
    place = segment.place
    return {
        "modality": segment.modality,
        "place": [place.page, place.start, place.end, place.first, place.last, place.part, place.top, place.bottom],
        "region": list(place.region) if place.region else None,
        "text": segment.text,
        "heading": segment.heading,
        "frames": list(segment.frames),
        "label": segment.label,
        "times": [list(times) for times in segment.times],
        "turn": segment.turn,
    }


def encode_content(content: Content | None) -> tuple[Header | None, list[memoryview]]:
    """A content as header and lump."""
    if content is None:
        return None, []
    if isinstance(content, str):
        return {"kind": "text"}, [memoryview(content.encode("utf-8", "replace"))]
    if isinstance(content, Sound):
        return {"kind": "sound"} | _tell_sound(content), [_bytes(content.samples)]
    if isinstance(content, Film):
        lump = [_bytes(picture) for picture in content.pictures]
        sound = None
        if content.sound is not None:
            sound = _tell_sound(content.sound)
            lump.append(_bytes(content.sound.samples))
        shapes = [list(picture.shape[:2]) for picture in content.pictures]
        return {"kind": "film", "pictures": shapes, "times": list(content.times), "sound": sound}, lump
    return {"kind": "picture", "shape": list(content.shape[:2])}, [_bytes(content)]


def encode_step(step: SplitStep) -> tuple[Header, list[memoryview]]:
    """A step of `split` as header and lump."""
    if isinstance(step, EnteredPart):
        return {"entered": step.part}, []
    if isinstance(step, SplitPart):
        content, lump = encode_content(step.content)
        more = [_tell_sound(sound) for sound in step.more]
        lump += [_bytes(sound.samples) for sound in step.more]
        told = {"part": encode_segment(step.segment), "content": content, "more": more, "figures": step.figures}
        return told, lump
    return {
        "about": {
            "modality": step.modality,
            "title": step.title,
            "pages": step.pages,
            "seconds": step.seconds,
            "dated": step.dated,
            "keywords": step.keywords,
            "note": step.note,
        }
    }, []


def _tell_sound(sound: Sound) -> Header:
    return {"rate": sound.rate, "samples": len(sound.samples)}


def _bytes(array: np.ndarray[Any, Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


# -- what is heard -----------------------------------------------------------------------------------------------------


def decode_step(header: Header, lump: memoryview, document: str, bounds: AnswerBounds) -> SplitStep:
    """The step of `split` that a frame tells. Raises ProtocolError."""
    if "about" in header:
        return _about(_dict(header["about"]))
    if "entered" in header:
        return EnteredPart(_part(header["entered"]))
    if "part" not in header:
        raise ProtocolError("neither a part nor what it is about")
    rest = _Lump(lump)
    content = None if header.get("content") is None else _content(header["content"], rest, bounds)
    more = tuple(rest.sound(_dict(sound)) for sound in _list(header.get("more", []), most=MAX_MORE_SOUNDS))
    rest.finish()
    segment, figures = decode_segment(header["part"], document), header.get("figures") is True
    return SplitPart(segment=segment, content=content, more=more, figures=figures)


def decode_segment(header: Header, document: str) -> Segment:
    """The segment that a header tells, in the document that the hearer knows. Raises ProtocolError."""
    header = _dict(header)
    page, start, end, first, last, part, top, bottom = _list(header.get("place"), length=8)
    place = Place(
        part=_part(part),
        page=_whole(page, least=1) if page is not None else None,
        start=_seconds(start) if start is not None else None,
        end=_seconds(end) if end is not None else None,
        first=_whole(first) if first is not None else None,
        last=_whole(last) if last is not None else None,
        top=_whole(top, least=1) if top is not None else None,
        bottom=_whole(bottom, least=1) if bottom is not None else None,
        region=_region(header.get("region")),
    )
    for low, high in ((place.start, place.end), (place.first, place.last), (place.top, place.bottom)):
        if (low is None) != (high is None) or (low is not None and high is not None and low > high):
            raise ProtocolError(f"a place from {low} to {high}")
    return Segment(
        document=document,
        modality=_modality(header.get("modality")),
        place=place,
        text=_text(header.get("text")),
        heading=_text(header.get("heading")),
        frames=tuple(_seconds(time) for time in _list(header.get("frames"), most=MAX_FILM_FRAMES)),
        label=_text(header.get("label"))[:MAX_LABEL_CHARACTERS],
        times=tuple(_times(each) for each in _list(header.get("times"))),
        turn=_turn(header.get("turn")),
    )


def decode_content(header: Header, lump: memoryview, bounds: AnswerBounds) -> Content:
    """The content that a header and its lump tell. Raises ProtocolError, also where the lump is not used up."""
    rest = _Lump(lump)
    content = _content(header, rest, bounds)
    rest.finish()
    return content


def _content(header: object, rest: _Lump, bounds: AnswerBounds) -> Content:
    """The content at the front of a lump; a text is all of it."""
    header = _dict(header)
    content: Content
    match header.get("kind"):
        case "text":
            try:
                content = str(rest.take_all(), "utf-8")
            except UnicodeDecodeError as error:
                raise ProtocolError("text that is not UTF-8") from error
        case "picture":
            content = rest.picture(header.get("shape"), bounds)
        case "sound":
            content = rest.sound(header)
        case "film":
            pictures = [rest.picture(shape, bounds) for shape in _list(header.get("pictures"), most=MAX_FILM_FRAMES)]
            times = tuple(_seconds(time) for time in _list(header.get("times"), length=len(pictures)))
            sound = None if header.get("sound") is None else rest.sound(_dict(header["sound"]))
            content = Film(pictures, times, sound)
        case other:
            raise ProtocolError(f"content of the kind {other!r}")
    return content


def decode_web_type(header: Header) -> WebType | None:
    """A media type of the list, or none: a browser will believe it. Raises ProtocolError."""
    found = header.get("web_type")
    if found is not None and not (isinstance(found, str) and found in WEB_TYPES):
        raise ProtocolError(f"the media type {found!r}")
    return cast("WebType | None", found)


def decode_error(header: Header) -> UnreadableMedia:
    """The failure that a worker reports. Raises ProtocolError."""
    error = _dict(header.get("error"))
    code = error.get("code")
    if not isinstance(code, str) or code not in FAILURE_CODES:
        raise ProtocolError(f"a failure of the kind {code!r}")
    return UnreadableMedia(cast(FailureCode, code), _text(error.get("reason"))[:500])


class _Lump:
    """Bytes that are taken from the front, each into an array that shares them."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def take(self, count: int) -> memoryview:
        if count > len(self._data):
            raise ProtocolError(f"{count} bytes promised, {len(self._data)} sent")
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def take_all(self) -> memoryview:
        return self.take(len(self._data))

    def picture(self, shape: object, bounds: AnswerBounds) -> Picture:
        height, width = (_whole(number, least=1) for number in _list(shape, length=2))
        if max(height, width) > bounds.side and height * width > bounds.reading_pixels:
            raise ProtocolError(f"a picture of {width} x {height} where {bounds.side} was asked for")
        return np.frombuffer(self.take(height * width * 3), np.uint8).reshape(height, width, 3)

    def sound(self, header: Header) -> Sound:
        rate, count = _whole(header.get("rate"), least=1), _whole(header.get("samples"))
        if rate > MAX_WIRE_RATE_HZ or count > rate * MAX_SOUND_SECONDS:
            raise ProtocolError(f"{count} samples at {rate} Hz")
        samples = np.frombuffer(self.take(count * 4), np.uint8).copy().view(np.float32)  # a copy is aligned
        if not np.isfinite(samples).all():
            raise ProtocolError("samples that are no numbers")
        return Sound(samples, rate)

    def finish(self) -> None:
        if self._data:
            raise ProtocolError(f"{len(self._data)} bytes too many")


def _about(header: Header) -> DocumentMetadata:
    pages, seconds = header.get("pages"), header.get("seconds")
    modality, dated = header.get("modality"), header.get("dated")
    return DocumentMetadata(
        modality=None if modality is None else _modality(modality),
        title=_text(header.get("title"))[:500],
        pages=None if pages is None else _whole(pages),
        seconds=None if seconds is None else _seconds(seconds),
        dated=None if dated is None else _date(dated),
        keywords=_text(header.get("keywords"))[:MAX_KEYWORDS_CHARACTERS],
        note=_text(header.get("note"))[:1000],
    )


def _modality(value: object) -> Modality:
    if not isinstance(value, str) or value not in MODALITIES:
        raise ProtocolError(f"the modality {value!r}")
    return cast(Modality, value)


def _part(value: object) -> str:
    part = _text(value)
    if len(part) > MAX_PLACE_CHARACTERS:
        raise ProtocolError(f"a part with a name of {len(part)} characters")
    place = Place.parse(part)
    if place is None or place != Place(part=part):
        raise ProtocolError(f"the part {part[:100]!r}")
    return part


def _region(value: object) -> Region | None:
    """A region; only who asks a worker names one."""
    if value is None:
        return None
    left, top, width, height = (_seconds(each) for each in _list(value, length=4))
    return left, top, width, height


def _dict(value: object) -> Header:
    if not isinstance(value, dict):
        raise ProtocolError(f"{type(value).__name__} instead of an object")
    return value


def _list(value: object, *, length: int | None = None, most: int | None = None) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ProtocolError(f"{type(value).__name__} instead of a list")
    if (length is not None and len(value) != length) or (most is not None and len(value) > most):
        raise ProtocolError(f"a list of {len(value)}")
    return value


def _whole(value: object, *, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 1 << 53:
        raise ProtocolError(f"{value!r} instead of a whole number from {least}")
    return value


def _seconds(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        raise ProtocolError(f"{value!r} instead of seconds")
    return float(value)  # type: ignore[arg-type]


def _times(value: object) -> tuple[float, float]:
    start, end = map(_seconds, _list(value, length=2))
    if start > end:
        raise ProtocolError(f"words from {start} to {end} s")
    return start, end


def _turn(value: object) -> int:
    turn = _whole(value)
    if turn not in (0, 90, 180, 270):
        raise ProtocolError(f"a turn by {turn} degrees")
    return turn


def _date(value: object) -> float:
    if type(value) not in (int, float) or not abs(value) <= MAX_DATE:  # type: ignore[arg-type]
        raise ProtocolError(f"{value!r} instead of a date")
    return float(value)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ProtocolError(f"{type(value).__name__} instead of text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ProtocolError("half a character") from error
    return value
