"""Sound and film that the tests make themselves: tones, colours and cues whose places are known."""

import functools
import io
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet
from numpy.typing import NDArray

ASS = b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200), (200, 30, 200), (90, 90, 90)]

SOUND = {
    "wav": ("wav", "pcm_s16le"),
    "mp3": ("mp3", "libmp3lame"),
    "flac": ("flac", "flac"),
    "opus": ("ogg", "libopus"),
    "m4a": ("ipod", "aac"),
    "aac": ("adts", "aac"),
    "mka": ("matroska", "aac"),
    "weba": ("webm", "libopus"),
    "aiff": ("aiff", "pcm_s16be"),
    "ts": ("mpegts", "aac"),
}
"""A name for each way to store sound that can be made here: container and codec."""
FILM = {
    "mp4": ("mp4", "libx264", "aac"),
    "mkv": ("matroska", "libx264", "libopus"),
    "webm": ("webm", "libvpx", "libopus"),
    "mov": ("mov", "mpeg4", "pcm_s16le"),
    "avi": ("avi", "mpeg4", "libmp3lame"),
    "mpeg": ("mpegts", "mpeg2video", "aac"),
    "flv": ("flv", "libx264", "aac"),
}

_FAST = {
    "libx264": {"sc_threshold": "0", "preset": "ultrafast", "bf": "2", "threads": "1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "threads": "1"},
    "mpeg4": {"sc_threshold": "0"},
    "mpeg2video": {"sc_threshold": "0"},
}
"""Options of the encoders. Threads cost a hundred times the work on pictures as small as these: they wait in loops."""


def chirp(seconds: float, rate: int) -> NDArray[np.float32]:
    """A tone that rises all the time, so that every moment sounds unlike every other. Shape (n,)."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 10 * time) * time)).astype(np.float32)


@functools.cache
def sound(
    name: str = "wav",
    seconds: float = 12.0,
    *,
    rate: int = 48_000,
    wave: Callable[[float, int], NDArray[np.float32]] = chirp,
    title: str = "",
    channels: int = 1,
    tags: tuple[tuple[str, str], ...] = (),
    chapters: tuple[tuple[float, float, str], ...] = (),
) -> bytes:
    """A recording; `name` is one of SOUND."""
    kind, codec = SOUND[name]
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        if title:
            container.metadata["title"] = title
        container.metadata.update(tags)
        _put_chapters(container, chapters)
        stream: Any = container.add_stream(codec, rate=rate, layout="mono" if channels == 1 else "stereo")
        _put_sound(container, stream, wave(seconds, rate))
    return file.getvalue()


@functools.cache
def film(
    name: str = "mp4",
    seconds: float = 12.0,
    *,
    every: float = 4.0,
    keyframes: float = 1.0,
    size: tuple[int, int] = (96, 72),
    fps: int = 5,
    with_sound: bool = True,
    cues: tuple[tuple[float, float, str], ...] = (),
    cue_codec: str = "subrip",
    rotation: int = 0,
    title: str = "",
    late: float = 0.0,
) -> bytes:
    """A film that shows COLOURS, a new one `every` so many seconds; `name` is one of FILM. Its clock begins `late`."""
    kind, picture_codec, sound_codec = FILM[name]
    file = io.BytesIO()
    with av.open(file, "w", format=kind, options={"output_ts_offset": str(late)}) as container:
        if title:
            container.metadata["title"] = title
        options = _FAST[picture_codec]
        pictures: Any = container.add_stream(picture_codec, rate=25 if name == "mpeg" else fps, options=options)
        pictures.width, pictures.height = size
        pictures.pix_fmt, pictures.gop_size = "yuv420p", round(keyframes * (25 if name == "mpeg" else fps))
        if rotation:
            pictures.set_display_rotation(rotation)
        samples: Any = container.add_stream(sound_codec, rate=48_000, layout="mono") if with_sound else None
        words: Any = container.add_stream(cue_codec) if cues else None
        if words:
            words.codec_context.subtitle_header = ASS
        _put_pictures(container, pictures, seconds, every, size)
        if samples:
            _put_sound(container, samples, chirp(seconds, 48_000))
        for start, end, text in cues:
            _put_cue(container, words, start, end, text)
    return file.getvalue()


def cover(name: str = "mp3") -> bytes:
    """A recording with a picture of its cover."""
    kind, codec = SOUND[name]
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream: Any = container.add_stream(codec, rate=48_000, layout="mono")
        picture: Any = container.add_stream("png", rate=1)
        picture.width = picture.height = 64
        picture.pix_fmt = "rgb24"
        picture.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        _put_sound(container, stream, chirp(6.0, 48_000))
    return file.getvalue()


def srt(cues: Sequence[tuple[float, float, str]]) -> bytes:
    """Cues as an .srt file."""
    blocks = [f"{n}\n{_time(start)} --> {_time(end)}\n{text}\n" for n, (start, end, text) in enumerate(cues, 1)]
    return "\n".join(blocks).encode()


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{round(seconds * 1000) % 1000:03}"


def _put_sound(container: Any, stream: Any, samples: NDArray[np.float32], pace: float = 1.0) -> None:
    layout = stream.codec_context.layout.name
    channels = stream.codec_context.layout.nb_channels
    for begin in range(0, len(samples), 4800):
        block = np.repeat(samples[begin : begin + 4800], channels)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
        frame.sample_rate, frame.pts = stream.codec_context.sample_rate, round(begin * pace)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _put_pictures(container: Any, stream: Any, seconds: float, every: float, size: tuple[int, int]) -> None:
    rate = round(float(stream.codec_context.rate))
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    for number in range(round(seconds * rate)):
        pixels[:] = COLOURS[int(number / rate / every) % len(COLOURS)]
        pixels[: size[1] // 4] = 255  # a bright bar on top, to tell up from down
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _put_cue(container: Any, stream: Any, start: float, end: float, text: str) -> None:
    line = f"0,0,Default,,0,0,0,,{text}".encode()
    packet = stream.codec_context.encode_subtitle(SubtitleSet.create(line, 0, round((end - start) * 1000)))
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round(start * 1000)
    packet.duration = round((end - start) * 1000)
    container.mux(packet)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackMade:
    """A track of a container that a test makes: of sound with `samples`, of subtitles with `cues`, else of pictures."""

    samples: NDArray[np.float32] | None = None
    """At 48 kHz, shape (n,)."""
    codec: str = "aac"
    layout: str = "mono"
    pace: float = 1.0
    """Seconds that the clock goes while a second is heard."""
    cues: Sequence[tuple[float, float, str]] = ()
    flags: av.stream.Disposition | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def tracks(
    *made: TrackMade,
    kind: str = "matroska",
    seconds: float = 6.0,
    tags: Mapping[str, str] = MappingProxyType({}),
    chapters: Sequence[tuple[float, float, str]] = (),
) -> bytes:
    """A container with these tracks; pictures show COLOURS, a new one every four `seconds`."""
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        container.metadata.update(tags)
        _put_chapters(container, chapters)
        streams = [_stream(container, track) for track in made]
        for track, stream in zip(made, streams, strict=True):
            if track.samples is not None:
                _put_sound(container, stream, track.samples, track.pace)
            elif not track.cues:
                _put_pictures(container, stream, seconds, 4.0, (96, 72))
            for cue in track.cues:
                _put_cue(container, stream, *cue)
    return file.getvalue()


def _put_chapters(container: Any, chapters: Sequence[tuple[float, float, str]]) -> None:
    ticks = Fraction(1, 1000)
    container.set_chapters(
        [
            {"id": n, "start": int(start * 1000), "end": int(end * 1000), "time_base": ticks, "metadata": {"title": t}}
            for n, (start, end, t) in enumerate(chapters, 1)
        ]
    )


def _stream(container: Any, track: TrackMade) -> Any:
    stream: Any
    if track.samples is not None:
        stream = container.add_stream(track.codec, rate=48_000, layout=track.layout)
    elif track.cues:
        stream = container.add_stream("mov_text" if "mp4" in container.format.name else "subrip")
        stream.codec_context.subtitle_header = ASS
    else:
        stream = container.add_stream("libx264", rate=5, options=_FAST["libx264"])
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
    stream.disposition = track.flags or av.stream.Disposition(0)
    stream.metadata.update(track.tags)
    return stream


def pcm(channels: Sequence[NDArray[np.float32]], rate: int = 16_000) -> bytes:
    """A plain WAV that says how many channels it has, and not which."""
    data = (np.stack(channels, axis=1) * 32767).astype("<i2").tobytes()
    count = len(channels)
    form = struct.pack("<HHIIHH", 1, count, rate, rate * count * 2, count * 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt \x10\0\0\0"
        + form
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )
