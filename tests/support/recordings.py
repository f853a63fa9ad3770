"""Sound and film that the tests make themselves: tones, colours and cues whose places are known."""

import functools
import io
from collections.abc import Callable, Sequence
from fractions import Fraction
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
    "libx264": {"sc_threshold": "0", "preset": "ultrafast", "bf": "2"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {"sc_threshold": "0"},
    "mpeg2video": {"sc_threshold": "0"},
}


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
) -> bytes:
    """A recording; `name` is one of SOUND."""
    kind, codec = SOUND[name]
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        if title:
            container.metadata["title"] = title
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
) -> bytes:
    """A film that shows COLOURS, a new one `every` so many seconds; `name` is one of FILM."""
    kind, picture_codec, sound_codec = FILM[name]
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
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


def _put_sound(container: Any, stream: Any, samples: NDArray[np.float32]) -> None:
    layout = stream.codec_context.layout.name
    channels = stream.codec_context.layout.nb_channels
    for begin in range(0, len(samples), 4800):
        block = np.tile(samples[begin : begin + 4800], (channels, 1))
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = stream.codec_context.sample_rate, begin
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
