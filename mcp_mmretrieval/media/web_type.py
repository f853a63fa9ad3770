"""Which recordings every browser plays as they lie, and under which media type: judged by container and codecs.

Tried in Chromium, Firefox and WebKitGTK. What only some of them play, or play without picture or sound and without an
error (HEVC, MP3 beside H.264 in Matroska, 24 bits, ADPCM, ALAC, AIFF, AVI), is not among them.
"""

from __future__ import annotations

from typing import BinaryIO

from mcp_mmretrieval.media.container import codec_name, first_stream, open_container, unread_streams
from mcp_mmretrieval.media.wire import WebType

_SOUND: dict[str, tuple[WebType, frozenset[str]]] = {
    "wav": ("audio/wav", frozenset({"pcm_s16le", "pcm_f32le"})),
    "mp3": ("audio/mpeg", frozenset({"mp3"})),
    "flac": ("audio/flac", frozenset({"flac"})),
    "ogg": ("audio/ogg", frozenset({"opus", "vorbis"})),
    "mp4": ("audio/mp4", frozenset({"aac"})),
}
"""By FFmpeg's name of the container: the type, and the codecs."""
_FILM: dict[str, tuple[WebType, frozenset[str], frozenset[str]]] = {
    "mp4": ("video/mp4", frozenset({"h264"}), frozenset({"aac"})),
    "webm": ("video/webm", frozenset({"vp8", "vp9"}), frozenset({"opus", "vorbis"})),
}
"""And codecs of the sound, if there is any."""
_PIXELS = frozenset({"yuv420p", "yuvj420p"})
"""Browsers decode others in some places only."""
_DOCTYPE_BYTES = 64
"""Bytes at the beginning in which Matroska says whether it is WebM."""


def web_type(file: BinaryIO) -> WebType | None:
    """The media type under which browsers play the whole file; None where some do not. Raises UnreadableMedia."""
    file.seek(0)
    is_webm = b"webm" in file.read(_DOCTYPE_BYTES)
    with open_container(file) as container:
        if unread_streams(container, "audio") or unread_streams(container, "video"):
            return None
        names = container.format.name.split(",")
        name = next((one for one in ("wav", "mp3", "flac", "ogg", "mp4") if one in names), "webm" if is_webm else "")
        if name == "mp4" and container.metadata.get("major_brand", "").strip() == "qt":
            return None
        sound, film = first_stream(container, "audio"), first_stream(container, "video")
        heard = codec_name(sound) if sound else ""
        if film is None:
            kind, codecs = _SOUND.get(name, (None, frozenset[str]()))
            return kind if heard in codecs else None
        if name not in _FILM:
            return None
        kind, codecs, sounds = _FILM[name]
        plays = codec_name(film) in codecs and getattr(film.codec_context, "pix_fmt", "") in _PIXELS
        return kind if plays and (not heard or heard in sounds) else None
