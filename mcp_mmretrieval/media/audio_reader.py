"""The sound of one track as samples: read forward, mixed to one channel, resampled, kept to the recording's clock."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import av
import numpy as np

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import container
from mcp_mmretrieval.media.container import Track
from mcp_mmretrieval.media.downmix import downmixed, mixing_weights, uncancelled
from mcp_mmretrieval.types import Sound

if TYPE_CHECKING:
    from typing import Any

    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from numpy.typing import NDArray

SOUND_RATE_HZ = 16_000
"""Samples per second of all sound that is handed on: what speech recognition wants."""

_PACKED_BLOCKS = 64
"""Pieces that are mixed at once: numpy takes as long for a few samples as for many."""
_GAP = 0.1
"""Seconds by which a frame may come later than expected before silence is put in between."""
_LEAP = 0.06
"""Seconds that the clock may gain or lose within a frame; more is a leap, which says nothing of its pace."""
_MEASURED = 0.8
"""Seconds over which a pace is measured, at least."""
_FASTEST = 1.5
"""A pace beyond is no clock that runs slow, but one that is broken."""
_LONGEST_GAP = 600.0
"""Seconds of a gap beyond which the clock is wrong and not the recording."""
RUN_UP_SECONDS = 1.0
"""Seconds before a place at which decoding begins, so that decoder and resampler have settled."""


def sound_track(opened: InputContainer, number: int = 0) -> Track:
    """The sound of a container, or another track of it in the order of `readable_streams`.

    Raises UnreadableMedia where there is none, or none that is read here.
    """
    streams = container.readable_streams(opened, "audio")
    if number >= len(streams):
        names = ", ".join(filter(None, map(container.codec_name, opened.streams)))
        reason = f"its streams ({names}) are not read" if names else "it holds no sound"
        raise UnreadableMedia("unsupported_type", reason)
    context: Any = streams[number].codec_context
    _check(context.sample_rate, context.layout.nb_channels)
    return Track(opened, streams[number])


class AudioReader:
    """A recording as 16 kHz mono, read forward from `since`; holds what was read and not yet forgotten.

    Times are the recording's own: where packets are missing there is silence, so that what follows stays in place.
    """

    def __init__(self, track: Track, *, since: float = 0.0) -> None:
        self._track = track
        self._held: list[NDArray[np.float32]] = []
        self._packed: list[NDArray[np.float32]] = []
        self._first = round(since * SOUND_RATE_HZ)
        self._end = 0
        self._clock = 0.0
        self._pace = _Pace()
        self._weights = np.ones(1, np.float32)
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[object, ...] = ()
        self._frames = self._frames_from(since)

    @property
    def seconds(self) -> float:
        """Seconds from the beginning to the last sample read."""
        return self._end / SOUND_RATE_HZ

    @property
    def damaged(self) -> int:
        """Packets that could not be decoded."""
        return self._track.damaged

    def read(self, until: float) -> float:
        """Read on to `until` seconds, or to the end; how many seconds there are so far."""
        while self._end < until * SOUND_RATE_HZ:
            frame = next(self._frames, None)
            if frame is None:
                self._flush()
                break
            self._feed(frame)
        return self.seconds

    def cut(self, start: float, end: float) -> Sound:
        """The samples from `start` to `end`, as far as they were read and not forgotten."""
        first, last = (max(0, round(time * SOUND_RATE_HZ) - self._first) for time in (start, end))
        return Sound(uncancelled(self._joined()[:, first:last]).copy(), SOUND_RATE_HZ)

    def forget(self, before: float) -> None:
        """Let go of what lies before."""
        count = max(0, round(before * SOUND_RATE_HZ) - self._first)
        self._held = [self._joined()[:, count:].copy()]
        self._first += count

    def _joined(self) -> NDArray[np.float32]:
        self._mix()
        self._held = [np.concatenate(self._held, axis=1)] if self._held else [np.zeros((2, 0), np.float32)]
        return self._held[0]

    def _frames_from(self, since: float) -> Iterator[AudioFrame]:
        """Frames from a little before `since` where the format allows it, or else from the beginning."""
        if since <= RUN_UP_SECONDS:
            return self._track.frames()
        lead = list(itertools.islice(self._track.frames(), 2)) if self._track.jumps else []
        frames = self._track.frames_from(since - RUN_UP_SECONDS)
        first = next(frames, None)
        if first is None:
            return frames
        frames = itertools.chain([first], frames)
        time = self._track.time(first)
        if time is None or time > since:
            return frames
        # the resampler must meet the samples in the phase in which it met them on the way from the beginning
        step = first.sample_rate // math.gcd(first.sample_rate, SOUND_RATE_HZ)
        index = _in_step(round(time * first.sample_rate), lead, first.sample_rate * self._track.base)
        skip = -index % step
        self._clock = (index + skip) / first.sample_rate
        self._end = round(self._clock * SOUND_RATE_HZ)
        return _without(frames, skip)

    def _feed(self, frame: AudioFrame) -> None:
        _check(frame.sample_rate, frame.layout.nb_channels)
        time = self._track.time(frame)
        late = 0.0 if time is None else time - self._clock
        gap = late if _GAP < late <= _LONGEST_GAP else 0.0
        rate = round(frame.sample_rate * self._pace.at(time, self._clock))
        form = (frame.format.name, frame.layout.name, rate)
        if gap or form != self._form or self._resampler is None:
            self._flush()
            self._clock += gap
            self._silence(round(self._clock * SOUND_RATE_HZ) - self._end)
            # packed, as PyAV cannot show the planes of many channels
            self._resampler, self._form = av.AudioResampler("flt", frame.layout, SOUND_RATE_HZ), form
            self._weights = mixing_weights(frame.layout)
        self._clock += frame.samples / rate
        frame.sample_rate = rate
        try:
            for resampled in self._resampler.resample(frame):
                self._push(resampled.to_ndarray())
        except av.FFmpegError as error:
            container.raise_if_out_of_memory(error)
            self._track.damaged += 1
            self._resampler = None

    def _flush(self) -> None:
        if self._resampler is not None:
            for resampled in self._resampler.resample(None):
                self._push(resampled.to_ndarray())
        self._resampler = None

    def _silence(self, count: int) -> None:
        """Take in so many samples of silence; none where the count is below zero."""
        self._mix()
        self._end += max(0, count)
        self._hold(np.zeros((2, max(0, count)), np.float32))

    def _push(self, packed: NDArray[Any]) -> None:
        """Take in samples, all channels side by side, shape (1, n * channels)."""
        self._packed.append(packed)
        self._end += packed.shape[1] // len(self._weights)
        if len(self._packed) == _PACKED_BLOCKS:
            self._mix()

    def _mix(self) -> None:
        """Hold what was taken in, mixed down."""
        if not self._packed:
            return
        packed = np.concatenate(self._packed, axis=1).reshape(-1, len(self._weights))
        self._packed.clear()
        self._hold(downmixed(packed, self._weights))

    def _hold(self, rows: NDArray[np.float32]) -> None:
        """Keep the last samples up to the end, but for those that nobody asked for."""
        begin = self._end - rows.shape[1]
        if self._end > self._first:
            self._held.append(rows[:, max(0, self._first - begin) :])


class _Pace:
    """How much faster the samples come than the recording's clock goes: 1 but for a clock that runs slow.

    Its times are what the rest of the document keeps to. So the samples are played that much faster.
    """

    def __init__(self) -> None:
        self._factor = 1.0
        self._since: tuple[float, float] | None = None
        self._early = 0.0

    def at(self, time: float | None, clock: float) -> float:
        """The factor, where the recording's clock says `time` and the samples so far say `clock`, in seconds."""
        if time is None:
            return self._factor
        early, before = clock - time, self._early
        self._early = early
        if self._since is None or abs(early - before) > _LEAP:
            self._since, self._factor = (time, clock), 1.0
            return self._factor
        passed, played = time - self._since[0], clock - self._since[1]
        if played - passed > _GAP and passed >= _MEASURED and self._factor * played / passed <= _FASTEST:
            self._factor *= played / passed
            self._since = time, clock
        return self._factor


def _in_step(index: int, lead: list[AudioFrame], tick: float) -> int:
    """The sample with which a frame begins, of which the clock tells only to a `tick` of so many samples.

    Matroska counts milliseconds. But frames are all equally long, so that the `lead` from the beginning tells the rest.
    """
    if len(lead) < 2:
        return index
    first, size = lead[0].samples, lead[1].samples
    exact = first + round((index - first) / size) * size
    return exact if abs(exact - index) <= tick else index


def _without(frames: Iterator[AudioFrame], skip: int) -> Iterator[AudioFrame]:
    """The frames without their first `skip` samples."""
    for frame in frames:
        if skip >= frame.samples:
            skip -= frame.samples
        elif skip:
            yield from _cut_off(frame, skip)
            skip = 0
        else:
            yield frame


def _cut_off(frame: AudioFrame, skip: int) -> Iterator[AudioFrame]:
    """A frame without its first samples. Packed on the way, as PyAV cannot show the planes of many channels."""
    form, layout, rate, samples = frame.format, frame.layout, frame.sample_rate, frame.samples
    packed = av.AudioResampler(form.packed.name, layout, rate).resample(frame)
    joined: Any = np.concatenate([part.to_ndarray() for part in packed], axis=1)
    rest = np.ascontiguousarray(joined[:, skip * (joined.shape[1] // samples) :])
    kept = av.AudioFrame.from_ndarray(rest, form.packed.name, layout.name)
    kept.sample_rate = rate
    yield from av.AudioResampler(form.name, layout, rate).resample(kept)


def _check(rate: int, channels: int) -> None:
    least, most = container.MIN_STREAM_RATE_HZ, container.MAX_STREAM_RATE_HZ
    known = rate != 0  # some formats tell it with the first samples only
    if (known and not least <= rate <= most) or channels > container.MAX_CHANNELS:
        read = f"{least:,} to {most:,} Hz and at most {container.MAX_CHANNELS} channels are read"
        raise UnreadableMedia("unsupported_type", f"its sound has {rate:,} Hz and {channels} channels; {read}")
