"""What sound and film share: opening a container safely, and reading one stream of it.

FFmpeg opens other files and sockets when a playlist tells it to (research: HLS, concat, SDP). So it gets bytes and no
path, a list of formats without playlists, no protocol, and a refusal for whatever it wants to open besides.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import av
import av.logging
from av.container import InputContainer
from av.stream import Discard, Disposition

from mcp_mmretrieval.errors import UnreadableMedia

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame


for _module in pkgutil.walk_packages(av.__path__, "av."):
    if _module.name not in ("av.__main__", "av.datasets"):
        importlib.import_module(_module.name)  # PyAV imports late, and a confined worker can import nothing more
# any level, also PANIC, lets decoder threads wait for Python's lock at each message, and who frees them waits for them
av.logging.set_level(None)

StreamKind = Literal["audio", "video", "subtitle"]

CONTAINER_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mp3,wav,flac,ogg,aac,mpegts,mpeg,mpegvideo,asf,flv,aiff,amr,caf,w64,au,"
    "ac3,eac3,dts,ape,tta,wv"
)
_SEEKABLE = frozenset({"mov", "matroska", "webm", "mp3", "wav", "w64", "flac", "ogg", "aiff", "caf", "au"})
"""Formats that tell the right time after a jump; others are read from the start."""

_CODECS: dict[StreamKind, str] = {
    "audio": "aac aac_latm ac3 adpcm_g722 adpcm_g726 adpcm_ima_qt adpcm_ima_wav adpcm_ms adpcm_swf adpcm_yamaha alac"
    " amr_nb amr_wb ape cook dts eac3 evrc flac gsm gsm_ms ilbc mace3 mace6 mlp mp1 mp2 mp3 mp4als nellymoser opus"
    " qcelp qdm2 ra_144 ra_288 sipr speex truehd tta vorbis wavpack wmalossless wmapro wmav1 wmav2 wmavoice",
    "video": "av1 cinepak dnxhd dvvideo ffv1 flv1 h261 h263 h264 hevc huffyuv mjpeg mpeg1video mpeg2video mpeg4"
    " msmpeg4v1 msmpeg4v2 msmpeg4v3 prores qtrle rawvideo rpza svq1 svq3 theora vc1 vp6 vp6f vp8 vp9 wmv1 wmv2 wmv3",
    "subtitle": "ass mov_text ssa subrip text webvtt",
}
"""What is decoded of FFmpeg's 557 codecs: those that people have. Besides, all of PCM."""
_KNOWN = frozenset(name for names in _CODECS.values() for name in names.split())
MIN_STREAM_RATE_HZ, MAX_STREAM_RATE_HZ = 1_000, 768_000
"""Samples per second, at least and at most: at 1 Hz a few kilobytes would last for hours, each to be transcribed."""
MAX_CHANNELS = 16
SAME_FRAME_SECONDS = 0.001
"""Seconds by which two times of the same frame may differ."""
_ASIDE = (
    Disposition.comment
    | Disposition.visual_impaired
    | Disposition.descriptions
    | Disposition.karaoke
    | Disposition.clean_effects
    | Disposition.forced
)
"""Streams that are made to go beside another one."""
_TOLD = (Disposition.comment, Disposition.visual_impaired, Disposition.hearing_impaired, Disposition.forced)
_LANGUAGE_LETTERS = 12
"""Of a tag such as `ger` or `zh-Hant`, at most: a longer one is none."""
_OGG_TAIL = 131_072
"""Bytes at the end of an Ogg file in which its last page begins: no page is longer than 65,307."""
_STUMBLES = 100
"""Errors in a row after which the rest of a container is given up."""


class FileView:
    """A file with a reading position of its own, so that several readers can share it. What PyAV wants of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self._size = file.seek(0, 2)

    def read(self, count: int) -> bytes:
        """The next bytes; none at the end."""
        self._file.seek(self._at)
        data = self._file.read(count)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; the new position."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def again(self) -> FileView:
        """The same file with another position, at its beginning."""
        return FileView(self._file)


# PyAV 19 replaces what is no UTF-8 in tags by itself and no longer takes the word for it
_TOLERANT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


@contextlib.contextmanager
def open_container(file: BinaryIO) -> Iterator[InputContainer]:
    """The container in a file, closed afterwards. Raises UnreadableMedia."""
    try:
        container = av.open(
            FileView(file),
            "r",
            options={"format_whitelist": CONTAINER_FORMATS, "protocol_whitelist": "none"},
            **_TOLERANT,
            buffer_size=1 << 16,
            io_open=_refuse,
        )
    except av.FFmpegError as error:
        raise_if_out_of_memory(error)
        raise UnreadableMedia("corrupt", f"it cannot be opened as sound or film ({type(error).__name__})") from error
    with container:
        yield container


def _refuse(url: str, *_: object) -> Any:
    raise UnreadableMedia("unsupported_type", "it is a list of other files")


def readable_streams(container: InputContainer, kind: StreamKind) -> list[Stream]:
    """The streams of a kind whose codec is read here, the one that a player would choose first.

    A cover is no film. Commentaries, descriptions for the blind and forced subtitles come behind the others.
    """
    known = _CODECS[kind].split()
    found = []
    for candidate in _streams(container, kind):
        name = codec_name(candidate)
        if name in known or (kind == "audio" and name.startswith("pcm_")):
            found.append(candidate)
    default = Disposition.default
    return sorted(found, key=lambda one: (bool(one.disposition & _ASIDE), not one.disposition & default, one.index))


def first_stream(container: InputContainer, kind: StreamKind) -> Stream | None:
    """The stream of a kind that a player would choose; None where there is none that is read here."""
    return next(iter(readable_streams(container, kind)), None)


def unread_streams(container: InputContainer, kind: StreamKind) -> list[str]:
    """What the streams of a kind are called whose codec is not read here."""
    known = {stream.index for stream in readable_streams(container, kind)}
    return [stream_name(stream) for stream in _streams(container, kind) if stream.index not in known]


def _streams(container: InputContainer, kind: StreamKind) -> list[Stream]:
    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    return [stream for stream in container.streams if stream.type == kind and not stream.disposition & covers]


def stream_name(stream: Stream) -> str:
    """What a person calls a stream: its number from 1, tags, flags, such as `track 3 (ger, "Signs", forced)`."""
    tags = {name.lower(): " ".join(value.split())[:60] for name, value in stream.metadata.items()}
    language, title = tags.get("language", ""), tags.get("title", "")
    flags = [flag.name or "" for flag in _TOLD if stream.disposition & flag]
    told = [language if language != "und" and len(language) <= _LANGUAGE_LETTERS else "", *flags]
    if title:
        told.insert(1, json.dumps(title, ensure_ascii=False))  # quotes that an author's words cannot leave
    if stream.type == "subtitle" or codec_name(stream) not in _KNOWN:
        told.append(codec_name(stream))
    words = ", ".join(filter(None, told))
    return f"track {stream.index + 1}" + (f" ({words})" if words else "")


def codec_name(stream: Stream) -> str:
    """The name of a stream's format, such as `h264`; empty if FFmpeg has no decoder."""
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


def damage_notes(damaged: int, what: str) -> list[str]:
    """A note on packets that could not be decoded; none if there were none."""
    return [f"{damaged} damaged packets of its {what} were left out."] if damaged else []


class Track:
    """One stream of a container, read forward from any place. Damaged packets are counted and left out."""

    def __init__(self, container: InputContainer, stream: Stream) -> None:
        self._container = container
        self.stream = stream
        self.base = float(stream.time_base or 1 / av.time_base)
        """Seconds of one tick of the stream."""
        self.origin = self._origin()
        """Seconds on the stream's clock at which the document begins."""
        self.damaged = 0
        """Packets that could not be decoded."""
        for other in container.streams:
            other.discard = Discard.default if other is stream else Discard.all
        formats = container.format.name.split(",")
        self.jumps = bool(_SEEKABLE.intersection(formats)) and not ("ogg" in formats and _is_chained(container))
        """Whether the time is right after a jump."""

    @property
    def expected(self) -> float | None:
        """Seconds that the header promises. A hint, never a fact."""
        if not self._container.duration:
            return None
        # what Matroska calls a duration is the time of the end
        late = max(0, self._container.start_time or 0) if "matroska" in self._container.format.name else 0
        return (self._container.duration - late) / av.time_base

    def packets(self, *streams: Stream) -> Iterator[Packet[Any]]:
        """Packets of the stream, or of several, from here on; the last one is empty and flushes the decoder."""
        stumbles = 0
        while stumbles < _STUMBLES:
            try:
                for packet in self._container.demux(*(streams or (self.stream,))):
                    stumbles = 0
                    yield packet
                return
            except (av.FFmpegError, IndexError) as error:  # IndexError: PyAV does not know streams that begin later
                raise_if_out_of_memory(error)
                stumbles += 1
                self.damaged += not isinstance(error, IndexError)

    def decoded(self, packet: Packet[Any] | None) -> list[Any]:
        """The frames of a packet; none of a damaged one. None instead of a packet flushes the decoder."""
        try:
            return list(self.stream.codec_context.decode(packet))  # type: ignore[attr-defined]
        except EOFError:
            return []
        except av.FFmpegError as error:
            raise_if_out_of_memory(error)
            self.damaged += 1
            return []

    def frames(self) -> Iterator[Any]:
        """All frames from here on."""
        for packet in self.packets():
            yield from self.decoded(packet)

    def frames_from(self, seconds: float) -> Iterator[Any]:
        """Frames from the last place before `seconds` at which decoding can begin; from here on if it cannot jump."""
        if not self.jumps:
            return self.frames()
        for place in (seconds, 0.0):
            self.jump(place)
            frames = self.frames()
            first = next(frames, None)
            if first is not None and (self.time(first) or 0.0) <= seconds + SAME_FRAME_SECONDS:
                return itertools.chain([first], frames)
        self.jump(0.0)
        return self.frames()

    def time(self, frame: AudioFrame | VideoFrame) -> float | None:
        """Seconds from the beginning of the document; None for a frame without a time."""
        if frame.pts is None:
            return None
        # what comes out when the decoder is flushed has no clock of its own
        return max(0.0, frame.pts * float(frame.time_base or self.base) - self.origin)

    def keyframe(self, seconds: float) -> float | None:
        """The last time up to `seconds` at which decoding can begin, as the container's index tells it."""
        entries = self.stream.index_entries
        number = entries.search_timestamp(round((seconds + self.origin) / self.base))
        return entries[number].timestamp * self.base - self.origin if 0 <= number < len(entries) else None

    def jump(self, seconds: float) -> None:
        """Go to the last place before `seconds` at which decoding can begin, as far as the format knows it."""
        try:
            self._container.seek(round((seconds + self.origin) / self.base), stream=self.stream)
        except av.FFmpegError as error:
            raise_if_out_of_memory(error)
        self.stream.codec_context.flush_buffers()

    def _origin(self) -> float:
        """The container's beginning; the stream's own where the two differ by no more than an encoder's delay."""
        first = (self._container.start_time or 0) / av.time_base
        own = (self.stream.start_time or 0) * self.base
        return own if abs(own - first) < 0.1 else first


def _is_chained(container: InputContainer) -> bool:
    """Whether an Ogg file is several, one behind the other: its clock starts again with each, and no jump gets there.

    Each stream has a serial number (RFC 3533). That of the last page is none of those with which the file begins.
    """
    file: Any = container.file
    view = file.file.again()
    begin = view.read(_OGG_TAIL)
    view.seek(-_OGG_TAIL, 2)
    end = view.read(_OGG_TAIL)
    return bool(serials := _serials(end)) and serials[-1] not in _serials(begin, first=True)


def _serials(data: bytes, *, first: bool = False) -> list[bytes]:
    """Serial numbers of the pages in some bytes of an Ogg file; `first`: of the pages that begin its streams."""
    found = []
    for match in re.finditer(b"OggS\\0", data):
        page = data[match.start() : match.start() + 18]
        if len(page) < 18 or (first and not page[5] & 2):
            break
        found.append(page[14:18])
    return found


def raise_if_out_of_memory(error: Exception) -> None:
    """Memory that runs out is no damage of one packet: it ends the worker."""
    if isinstance(error, MemoryError):
        raise error
