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

_GAP = 0.1
"""Seconds by which a frame may come later than expected before silence is put in between."""
_LONGEST_GAP = 600.0
"""Seconds of a gap beyond which the clock is wrong and not the recording."""
_RUN_UP = 1.0
"""Seconds before a place at which decoding begins, so that decoder and resampler have settled."""


def recognises(source: Source) -> bool:
    """Whether the bytes are a recording without film; its cover picture does not count."""
    return container.recording_kind(source) == "audio"


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """Windows over the recording from number `start` (from 0) on: what subtitles say of each, or else its samples."""
    with ExitStack() as stack:
        opened = stack.enter_context(container.open_container(source.file))
        captions = stack.enter_context(Captions(source, opened))
        title = container.tagged_title(opened)
        yield DocumentMetadata(modality="audio", title=title)
        tape = AudioReader(sound_track(opened), since=start * container.WINDOW_STEP_SECONDS)
        heard = False
        for begin, end in container.streamed_windows(tape.read, most=limits.seconds, first=start):
            sound = tape.cut(begin, end)
            heard = heard or is_audible(sound)
            text = captions.between(begin, end)
            place = Place(start=begin, end=container.rounded_up(end))
            segment = Segment(document=source.document, modality="audio", place=place, text=text, heading=title)
            yield SplitPart(segment=segment, content=sound if is_audible(sound) and not text else None)
            tape.forget(begin + container.WINDOW_STEP_SECONDS)
        if not tape.seconds:
            raise UnreadableMedia("corrupt", "no sound in it can be decoded")
        if not heard and not start:
            yield DocumentMetadata(note="Nothing can be heard: the recording is silent.")
        notes = [*captions.notes, *container.damage_notes(tape.damaged, "sound")]
        yield from container.closing_metadata(tape.seconds, limits, notes)


def load(source: Source, segment: Segment, limits: Limits) -> Sound:
    """The samples of a place as `split` gave them; of a whole recording the first window.

    Raises UnreadableMedia where there is nothing to hear.
    """
    with container.open_container(source.file) as opened:
        sound = sound_at(opened, segment.place)
    if not len(sound.samples):
        raise UnreadableMedia("corrupt", f"there is no sound at {segment.place.fragment or 'its beginning'}")
    return sound


def sound_at(opened: InputContainer, place: Place) -> Sound:
    """The samples of a place, at most a minute; none beyond the end."""
    begin = place.start or 0.0
    end = min(begin + MAX_LOADED_SECONDS, begin + container.WINDOW_SECONDS if place.end is None else place.end)
    tape = AudioReader(sound_track(opened), since=begin)
    tape.read(end + _RUN_UP)
    return tape.cut(begin, end)


def sound_track(opened: InputContainer) -> Track:
    """The sound of a container. Raises UnreadableMedia where there is none, or none that is read here."""
    stream = container.first_stream(opened, "audio")
    if stream is None:
        names = ", ".join(filter(None, map(container.codec_name, opened.streams)))
        reason = f"its streams ({names}) are not read" if names else "it holds no sound"
        raise UnreadableMedia("unsupported_type", reason)
    context: Any = stream.codec_context
    _check(context.sample_rate, context.layout.nb_channels)
    return Track(opened, stream)


def is_audible(sound: Sound) -> bool:
    """Whether there is anything to hear."""
    return bool(len(sound.samples)) and float(np.abs(sound.samples).max()) >= SILENCE_PEAK


class AudioReader:
    """A recording as 16 kHz mono, read forward from `since`; holds what was read and not yet forgotten.

    Times are the recording's own: where packets are missing there is silence, so that what follows stays in place.
    """

    def __init__(self, track: Track, *, since: float = 0.0) -> None:
        self._track = track
        self._held: list[NDArray[np.float32]] = []
        self._first = round(since * SOUND_RATE_HZ)
        self._end = 0
        self._clock = 0.0
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
        joined = self._joined()
        first, last = (max(0, round(time * SOUND_RATE_HZ) - self._first) for time in (start, end))
        return Sound(joined[first:last].copy(), SOUND_RATE_HZ)

    def forget(self, before: float) -> None:
        """Let go of what lies before."""
        count = max(0, round(before * SOUND_RATE_HZ) - self._first)
        self._held = [self._joined()[count:].copy()]
        self._first += count

    def _joined(self) -> NDArray[np.float32]:
        self._held = [np.concatenate(self._held)] if self._held else [np.zeros(0, np.float32)]
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
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if gap or form != self._form or self._resampler is None:
            self._flush()
            self._clock += gap
            self._push(np.zeros(max(0, round(self._clock * SOUND_RATE_HZ) - self._end), np.float32))
            self._resampler, self._form = av.AudioResampler("flt", "mono", SOUND_RATE_HZ), form
        self._clock += frame.samples / frame.sample_rate
        try:
            for resampled in self._resampler.resample(frame):
                self._push(resampled.to_ndarray()[0])
        except av.FFmpegError as error:
            container.raise_if_out_of_memory(error)
            self._track.damaged += 1
            self._resampler = None

    def _flush(self) -> None:
        if self._resampler is not None:
            for resampled in self._resampler.resample(None):
                self._push(resampled.to_ndarray()[0])
        self._resampler = None

    def _push(self, samples: NDArray[Any]) -> None:
        begin, self._end = self._end, self._end + len(samples)
        if self._end > self._first:
            wanted = samples[max(0, self._first - begin) :].astype(np.float32)
            self._held.append(np.clip(np.nan_to_num(wanted, posinf=1.0, neginf=-1.0), -1.0, 1.0))


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
            step = skip if frame.format.is_planar else skip * frame.layout.nb_channels
            rest: Any = np.ascontiguousarray(frame.to_ndarray()[:, step:])
            kept = av.AudioFrame.from_ndarray(rest, frame.format.name, frame.layout.name)
            kept.sample_rate = frame.sample_rate
            skip = 0
            yield kept
        else:
            yield frame


def _check(rate: int, channels: int) -> None:
    if rate > container.MAX_STREAM_RATE_HZ or channels > container.MAX_CHANNELS:
        most = f"at most {container.MAX_STREAM_RATE_HZ} Hz and {container.MAX_CHANNELS} channels are read"
        raise UnreadableMedia("unsupported_type", f"its sound has {rate} Hz and {channels} channels; {most}")
