"""Film: overlapping windows, a few frames that stand for each, and their sound."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio, container, hdr, time_windows
from mcp_mmretrieval.media.audio import SoundTracks
from mcp_mmretrieval.media.captions import Captions
from mcp_mmretrieval.media.container import Track
from mcp_mmretrieval.media.recording_kind import recording_kind
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.tags import AboutRecording
from mcp_mmretrieval.types import DocumentMetadata, Film, Place, Segment, Sound, SplitPart

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    from mcp_mmretrieval.types import Picture

_CHANGE = 0.25
"""Distance of two colour histograms, in [0, 1], from which on a frame shows something else."""
_STILL = 5.0
"""Seconds after which a frame is taken even if nothing changed."""
_CLOSEST = 2.0
"""Seconds between two frames that are taken, at least."""
_LOOK = 0.25
"""Seconds between two frames that are looked at."""
_KEYFRAMES = 5.0
"""Seconds between keyframes up to which nothing else is decoded: scene cuts are keyframes as a rule."""
_PROBE = 20.0
"""Seconds of film in which the keyframes are counted."""
_CHEAP = 300.0
"""Seconds from the beginning within which sound is loaded even where a format cannot jump."""
_WIDENING = 7.0
"""Logarithm of a long film over its first frames: with spacings of t * 7 / 128, 128 frames reach 4 hours."""
_THREADS = 2


def recognises(source: Source) -> bool:
    """Whether the bytes are a film, with sound or without."""
    return recording_kind(source) == "video"


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """Windows over the film from number `start` (from 0) on: frames, sound, and what subtitles say."""
    since = start * time_windows.WINDOW_STEP_SECONDS
    with ExitStack() as stack:
        opened = stack.enter_context(container.open_container(source.file))
        captions = stack.enter_context(Captions(source, opened))
        about = AboutRecording(opened)
        yield about.metadata("video")
        reel = VideoReader(_track(opened, limits), limits, since=since, keyframes=_keyframes_suffice(source))
        tapes = SoundTracks(stack, source, opened, since=since) if container.first_stream(opened, "audio") else None

        def read(until: float) -> float:
            return max(reel.read(until), tapes.read(until) if tapes else 0.0)

        for begin, end in time_windows.streamed_windows(read, most=limits.seconds, first=start):
            film, more = reel.cut(begin, end), tapes.cut(begin, end) if tapes else []
            film = replace(film, sound=more.pop(0) if more else None)
            segment = Segment(
                document=source.document,
                modality="video",
                place=Place(start=begin, end=time_windows.rounded_up(end)),
                heading=about.title,
                frames=film.times,
            )
            segment = about.told(segment, captions.between(begin, end), last=end >= min(read(0.0), limits.seconds))
            yield SplitPart(segment=segment, content=film if film.pictures or film.sound else None, more=tuple(more))
            reel.forget(begin + time_windows.WINDOW_STEP_SECONDS)
            if tapes:
                tapes.forget(begin + time_windows.WINDOW_STEP_SECONDS)
        seconds = read(0.0)
        if not seconds:
            raise UnreadableMedia("corrupt", "neither picture nor sound in it can be decoded")
        notes = [*captions.notes, *_picture_notes(opened), *container.damage_notes(reel.damaged, "pictures")]
        if tapes:
            notes += [*tapes.notes, *container.damage_notes(tapes.damaged, "sound")]
        else:
            notes += audio.sound_notes(opened)
        yield from time_windows.closing_metadata(seconds, limits, notes)


def load(source: Source, segment: Segment, limits: Limits) -> Film:
    """The frames of a place (one from its middle where `split` took none) with its sound where that is quick.

    Raises UnreadableMedia where no frame can be decoded.
    """
    place = segment.place
    begin = place.start or 0.0
    end = begin + time_windows.WINDOW_SECONDS if place.end is None else place.end
    with container.open_container(source.file) as opened:
        track = _track(opened, limits)
        wanted = [(time, time) for time in segment.frames] or [(begin, (begin + end) / 2)]
        shown = [(time, picture_of_frame(frame, limits.side, _shape(track))) for time, frame in _shots(track, wanted)]
    if not shown:
        raise UnreadableMedia("corrupt", f"no frame at {place.fragment or 'its beginning'} can be decoded")
    return Film([picture for _, picture in shown], tuple(time for time, _ in shown), _sound(source, place))


def picture_of_frame(frame: VideoFrame, side: int, shape: float = 1.0) -> Picture:
    """A frame upright as RGB, its longer side at most `side`; `shape` is the width of a pixel over its height."""
    width, height = frame.width * max(1.0, shape), frame.height * max(1.0, 1.0 / shape)
    scale = min(1.0, side / max(width, height))
    width, height = (max(1, min(side, round(length * scale))) for length in (width, height))
    if hdr.is_hdr(frame):
        return _upright(hdr.tone_mapped(frame, width, height), frame)
    pixels: Any = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()
    return _upright(pixels, frame)


def _upright(pixels: Picture, frame: VideoFrame) -> Picture:
    """The pixels as they are to be shown: turned in quarters, and mirrored, as the frame's display matrix says.

    It brings x to a x + c y, and y to b x + d y (ISO 14496-12). A turn by less than an eighth is left out.
    """
    try:
        side_data: Any = frame.side_data
    except ValueError:  # PyAV 18 has no name for EXIF, which the frames of some cameras carry; quarter turns it knows
        return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
    told = side_data.get("DISPLAYMATRIX")
    if told is None or told.buffer_size < 20:
        return np.ascontiguousarray(pixels)
    a, b, _, c, d = struct.unpack_from("=5i", bytes(told))
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, across, down = pixels.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


class VideoReader:
    """A film, read forward from `since`; holds the frames that stand for it and were not yet forgotten.

    A frame is taken when it shows something else than the last one taken, or after a while; never so many that the
    whole film would have more than `limits.frames`.
    """

    def __init__(self, track: Track, limits: Limits, *, since: float = 0.0, keyframes: bool = False) -> None:
        """`keyframes`: whether they follow each other so closely that nothing else need be decoded."""
        self._track = track
        self._side = limits.side
        self._since = since
        self._expected = min(track.expected, limits.seconds) if track.expected else None
        self._most = limits.frames
        self._left = limits.frames - (int(since / self._spacing(since)) if since else 0)
        self._held: list[tuple[float, Picture]] = []
        self._taken: tuple[float, NDArray[np.float64]] | None = None
        self._looked = -_LOOK
        self._seconds = 0.0
        self._frames = self._keyframes() if keyframes else self._all()
        if since and track.jumps:
            track.jump(since)

    @property
    def damaged(self) -> int:
        """Packets that could not be decoded."""
        return self._track.damaged

    def read(self, until: float) -> float:
        """Read on to `until` seconds, or to the end; how many seconds there are so far."""
        while self._seconds < until:
            frame = next(self._frames, None)
            if frame is None:
                break
            if (time := self._track.time(frame)) is not None:
                self._look(time, frame)
        return self._seconds

    def cut(self, start: float, end: float) -> Film:
        """The frames from `start` to `end`, without sound."""
        held = [(time, picture) for time, picture in self._held if start <= time < end]
        return Film([picture for _, picture in held], tuple(time for time, _ in held))

    def forget(self, before: float) -> None:
        """Let go of the frames before."""
        self._held = [(time, picture) for time, picture in self._held if time >= before]

    def _look(self, time: float, frame: VideoFrame) -> None:
        """Take the frame if it is worth it."""
        if time < self._since or not self._left:
            return
        colours = None
        if self._taken is not None:
            last, before = self._taken
            if time - last < self._spacing(time) or time - self._looked < _LOOK:
                return
            self._looked = time
            colours = colour_histogram(frame)
            if time - last < _STILL and float(np.abs(colours - before).sum()) / 2 < _CHANGE:
                return
        self._taken = time, colour_histogram(frame) if colours is None else colours
        self._held.append((round(time, 3), picture_of_frame(frame, self._side, _shape(self._track))))
        self._left -= 1

    def _spacing(self, time: float) -> float:
        """Seconds between two frames, at least: evenly over the film, or ever wider where its length is not known."""
        if self._expected is not None:
            return max(_CLOSEST, self._expected / self._most)
        return max(_CLOSEST, time * _WIDENING / self._most)

    def _all(self) -> Iterator[VideoFrame]:
        """Every frame (but those that no other depends on)."""
        for packet in self._track.packets():
            yield from self._track.decoded(packet)
            self._advance(packet)

    def _keyframes(self) -> Iterator[VideoFrame]:
        """Keyframes, each decoded by itself, so that it comes at once and not when the next ones have been read."""
        context = self._track.stream.codec_context
        done = -math.inf
        for packet in self._track.packets():
            time = None if packet.pts is None else packet.pts * self._track.base
            if packet.is_keyframe and packet.size and (time is None or time - done >= _LOOK):
                yield from [*self._track.decoded(packet), *self._track.decoded(None)]
                context.flush_buffers()
                done = done if time is None else time
            self._advance(packet)

    def _advance(self, packet: Packet[Any]) -> None:
        """The film lasts at least to the end of this packet."""
        if packet.pts is not None and packet.size:
            end = (packet.pts + (packet.duration or 0)) * self._track.base - self._track.origin
            self._seconds = max(self._seconds, end)


def colour_histogram(frame: VideoFrame) -> NDArray[np.float64]:
    """The share of the pixels in each sixteenth of red, green and blue; shape (48,), a sum of 1."""
    pixels: Any = frame.reformat(width=96, height=96, format="rgb24").to_ndarray()
    bins = (pixels.reshape(-1, 3) >> 4) + np.array([0, 16, 32], np.uint8)
    shares: NDArray[np.float64] = np.bincount(bins.reshape(-1), minlength=48) / bins.size
    return shares


def _track(opened: InputContainer, limits: Limits) -> Track:
    """The pictures of a film. Raises UnreadableMedia where there are none, or too large ones."""
    stream = container.first_stream(opened, "video")
    if stream is None:
        raise UnreadableMedia("unsupported_type", "it holds no pictures in a format that is read")
    context: Any = stream.codec_context
    if context.width * context.height > limits.pixels:
        raise UnreadableMedia("too_large", f"its pictures have {context.width} x {context.height} pixels")
    context.thread_type, context.thread_count = "AUTO", _THREADS
    context.skip_frame = "NONREF"  # nothing is lost by leaving out frames between frames
    return Track(opened, stream)


def _picture_notes(opened: InputContainer) -> list[str]:
    """A note on pictures that nobody looks at, such as those of a second camera; none where there are none."""
    beyond = container.readable_streams(opened, "video")[1:]
    left = [*map(container.stream_name, beyond), *container.unread_streams(opened, "video")]
    return [f"Pictures that were not looked at: {', '.join(left)}."] if left else []


def _sound(source: Source, place: Place) -> Sound | None:
    with container.open_container(source.file) as opened:
        stream = container.first_stream(opened, "audio")
        if stream is None or not (Track(opened, stream).jumps or (place.end or 0.0) <= _CHEAP):
            return None
    sound = audio.sound_at(source, place)
    return sound if audio.is_audible(sound) else None


def _shots(track: Track, wanted: list[tuple[float, float]]) -> Iterator[tuple[float, VideoFrame]]:
    """For each (first, last), in order: the last frame between them at which decoding can begin, or the next one.

    For one frame of a known time the two are the same. Of a film that ends before: its last frame.
    """
    frames = track.frames()
    position = -1.0
    for first, last in wanted:
        found = None
        if track.jumps and ((keyframe := track.keyframe(last)) is None or keyframe > position):
            frames = track.frames_from(last)
        for frame in frames:
            time = track.time(frame)
            if time is not None:
                found, position = (round(time, 3), frame), time
                if time >= first - container.SAME_FRAME_SECONDS:
                    break
        if found is not None:
            yield found


def _keyframes_suffice(source: Source) -> bool:
    """Whether keyframes follow each other closely in the first seconds."""
    last = widest = 0.0
    count = 0
    with container.open_container(source.file) as opened:
        stream = container.first_stream(opened, "video")
        if stream is None:
            return False
        track = Track(opened, stream)
        for packet in track.packets():
            time = 0.0 if packet.pts is None else packet.pts * track.base - track.origin
            widest = max(widest, time - last)
            if packet.is_keyframe:
                last, count = time, count + 1
            if time > _PROBE:
                break
    return count > 1 and widest <= _KEYFRAMES


def _shape(track: Track) -> float:
    """Width of a pixel over its height; 1 where it is not told, or hard to believe."""
    told = getattr(track.stream, "sample_aspect_ratio", None)
    return float(told) if told and 0.25 <= told <= 4 else 1.0
