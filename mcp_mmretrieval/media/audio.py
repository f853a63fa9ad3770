"""Sound: overlapping windows over a recording, and the samples of one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import av
import numpy as np

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import container
from mcp_mmretrieval.media.captions import Captions
from mcp_mmretrieval.media.container import Track
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.tags import AboutRecording
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, Sound, SplitPart

if TYPE_CHECKING:
    from typing import Any

    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from numpy.typing import NDArray

SOUND_RATE_HZ = 16_000
"""Samples per second of all sound that is handed on: what speech recognition wants."""
SILENCE_PEAK = 1e-3
"""Loudest sample of a stretch in which nothing can be heard (-60 dB)."""
MAX_LOADED_SECONDS = 60.0
"""Seconds of one place that are loaded, at most."""

MAX_TRACKS_HEARD = 3
"""Tracks of sound of one file that are listened to: in two languages, or a film with a comment."""

_CENTRE, _SIDE, _SURROUND = 1.0, 0.7071, 0.5
_WEIGHTS = {"FC": _CENTRE, "FL": _SIDE, "FR": _SIDE, "LFE": 0.0, "LFE2": 0.0}
_NAMED = frozenset(
    {
        *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "LFE2", "WL", "WR", "SDL", "SDR"),
        *("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "TSL", "TSR", "DL", "DR"),
    }
)
"""Channels that have a place in a room, by FFmpeg's names."""
_CANCELLED = 0.1
"""Of the loudness of the difference of two channels: a mix that is quieter cancels what they hold."""
_ALIKE = 0.95
"""Correlation of the loudness of two tracks from which on they are the same sound."""
_LOUDNESS_SAMPLES = SOUND_RATE_HZ // 20

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
_RUN_UP = 1.0
"""Seconds before a place at which decoding begins, so that decoder and resampler have settled."""


def recognises(source: Source) -> bool:
    """Whether the bytes are a recording without film; its cover picture does not count."""
    return container.recording_kind(source) == "audio"


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """Windows over the recording from number `start` (from 0) on: what subtitles say of each, and its samples."""
    with ExitStack() as stack:
        opened = stack.enter_context(container.open_container(source.file))
        captions = stack.enter_context(Captions(source, opened))
        about = AboutRecording(opened)
        yield about.metadata("audio")
        tapes = SoundTracks(stack, source, opened, since=start * container.WINDOW_STEP_SECONDS)
        heard = False
        for begin, end in container.streamed_windows(tapes.read, most=limits.seconds, first=start):
            sounds = tapes.cut(begin, end)
            heard = heard or bool(sounds)
            segment = Segment(
                document=source.document,
                modality="audio",
                place=Place(start=begin, end=container.rounded_up(end)),
                heading=about.title,
            )
            segment = about.told(segment, captions.between(begin, end), last=end >= min(tapes.seconds, limits.seconds))
            yield SplitPart(segment=segment, content=sounds[0] if sounds else None, more=tuple(sounds[1:]))
            tapes.forget(begin + container.WINDOW_STEP_SECONDS)
        if not tapes.seconds:
            raise UnreadableMedia("corrupt", "no sound in it can be decoded")
        if not heard and not start:
            yield DocumentMetadata(note="Nothing can be heard: the recording is silent.")
        notes = [*captions.notes, *tapes.notes, *container.damage_notes(tapes.damaged, "sound")]
        yield from container.closing_metadata(tapes.seconds, limits, notes)


def load(source: Source, segment: Segment, limits: Limits) -> Sound:
    """The samples of a place as `split` gave them; of a whole recording the first window.

    Raises UnreadableMedia where there is nothing to hear.
    """
    sound = sound_at(source, segment.place)
    if not len(sound.samples):
        raise UnreadableMedia("corrupt", f"there is no sound at {segment.place.fragment or 'its beginning'}")
    return sound


def sound_at(source: Source, place: Place) -> Sound:
    """The samples of a place, at most a minute; none beyond the end. Of the first track where anything can be heard."""
    begin = place.start or 0.0
    end = min(begin + MAX_LOADED_SECONDS, begin + container.WINDOW_SECONDS if place.end is None else place.end)
    first: Sound | None = None
    for number in range(MAX_TRACKS_HEARD):
        with container.open_container(source.file) as opened:
            if number and number >= len(container.readable_streams(opened, "audio")):
                break
            tape = AudioReader(sound_track(opened, number), since=begin)
            tape.read(end + _RUN_UP)
            sound = tape.cut(begin, end)
        if is_audible(sound):
            return sound
        first = sound if first is None else first
    assert first is not None
    return first


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


def is_audible(sound: Sound) -> bool:
    """Whether there is anything to hear."""
    return bool(len(sound.samples)) and float(np.abs(sound.samples).max()) >= SILENCE_PEAK


def is_same_sound(one: Sound, other: Sound) -> bool:
    """Whether two tracks sound alike: the same in stereo and in surround, and not a comment or another language."""
    count = min(len(one.samples), len(other.samples)) // _LOUDNESS_SAMPLES * _LOUDNESS_SAMPLES
    if not count:
        return False
    first, second = (
        np.sqrt(np.square(sound.samples[:count].reshape(-1, _LOUDNESS_SAMPLES)).mean(axis=1)) for sound in (one, other)
    )
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return bool(scale) and float(first @ second) / scale >= _ALIKE


class SoundTracks:
    """The sound of a recording or film, all tracks of it up to `MAX_TRACKS_HEARD`, each through a reader of its own."""

    def __init__(self, stack: ExitStack, source: Source, opened: InputContainer, *, since: float = 0.0) -> None:
        """`stack` closes what is opened. Raises UnreadableMedia where there is no sound that is read here."""
        streams = container.readable_streams(opened, "audio")
        self._tapes: list[AudioReader] = []
        for number in range(max(1, min(len(streams), MAX_TRACKS_HEARD))):
            own = stack.enter_context(container.open_container(source.file))
            self._tapes.append(AudioReader(sound_track(own, number), since=since))
        self.notes = sound_notes(opened)
        """What is not heard."""

    @property
    def seconds(self) -> float:
        """Seconds from the beginning to the last sample read."""
        return max(tape.seconds for tape in self._tapes)

    @property
    def damaged(self) -> int:
        """Packets that could not be decoded."""
        return sum(tape.damaged for tape in self._tapes)

    def read(self, until: float) -> float:
        """Read on to `until` seconds, or to the end; how many seconds there are so far."""
        return max(tape.read(until) for tape in self._tapes)

    def cut(self, start: float, end: float) -> list[Sound]:
        """What can be heard from `start` to `end` on each track, the default one first; what sounds alike only once."""
        found: list[Sound] = []
        for tape in self._tapes:
            sound = tape.cut(start, end)
            if is_audible(sound) and not any(is_same_sound(sound, other) for other in found):
                found.append(sound)
        return found

    def forget(self, before: float) -> None:
        """Let go of what lies before."""
        for tape in self._tapes:
            tape.forget(before)


def sound_notes(opened: InputContainer) -> list[str]:
    """A note on the tracks of sound that nobody hears; none where there are none."""
    beyond = container.readable_streams(opened, "audio")[MAX_TRACKS_HEARD:]
    left = [*map(container.stream_name, beyond), *container.unread_streams(opened, "audio")]
    return [f"Sound that was not heard: {', '.join(left)}."] if left else []


def mixing_weights(layout: av.AudioLayout) -> NDArray[np.float32]:
    """What each channel counts for in the mono mix: as ITU-R BS.775 says, but adding up to 1 so that nothing clips.

    Channels that nobody named (several microphones in one file) count alike. Shape (channels,).
    """
    names = [channel.name for channel in layout.channels]
    weights = np.array([_WEIGHTS.get(name, _SURROUND) for name in names], np.float32)
    if not set(names) <= _NAMED or not weights.any():
        weights = np.ones(len(names), np.float32)
    return np.asarray(weights / weights.sum(), np.float32)


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
        mixed, difference = self._joined()[:, first:last]
        cancelled = float(np.linalg.norm(mixed)) < _CANCELLED * float(np.linalg.norm(difference))
        return Sound((difference if cancelled else mixed).copy(), SOUND_RATE_HZ)

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
        if since <= _RUN_UP:
            return self._track.frames()
        lead = list(itertools.islice(self._track.frames(), 2)) if self._track.jumps else []
        frames = self._track.frames_from(since - _RUN_UP)
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
        """Hold what was taken in as its mix and, of two channels, half their difference."""
        if not self._packed:
            return
        packed = np.concatenate(self._packed, axis=1).reshape(-1, len(self._weights))
        self._packed.clear()
        rows = np.zeros((2, len(packed)), np.float32)
        channels = np.nan_to_num(packed, copy=False, posinf=1.0, neginf=-1.0)
        np.clip(channels @ self._weights, -1.0, 1.0, out=rows[0])
        if len(self._weights) == 2:
            np.clip((channels[:, 0] - channels[:, 1]) / 2, -1.0, 1.0, out=rows[1])
        self._hold(rows)

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
    if rate > container.MAX_STREAM_RATE_HZ or channels > container.MAX_CHANNELS:
        most = f"at most {container.MAX_STREAM_RATE_HZ} Hz and {container.MAX_CHANNELS} channels are read"
        raise UnreadableMedia("unsupported_type", f"its sound has {rate} Hz and {channels} channels; {most}")
