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
from mcp_mmretrieval.types import About, Part, Place, Segment, Sound

if TYPE_CHECKING:
    from typing import Any

    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from numpy.typing import NDArray

RATE = 16_000
"""Samples per second of all sound that is handed on: what speech recognition wants."""
SILENCE = 1e-3
"""Loudest sample of a stretch in which nothing can be heard (-60 dB)."""
LONGEST = 60.0
"""Seconds of one place that are loaded, at most."""

_GAP = 0.1
"""Seconds by which a frame may come later than expected before silence is put in between."""
_LONGEST_GAP = 600.0
"""Seconds of a gap beyond which the clock is wrong and not the recording."""
_RUN_UP = 1.0
"""Seconds before a place at which decoding begins, so that decoder and resampler have settled."""


def recognises(source: Source) -> bool:
    """Whether the bytes are a recording without film; its cover picture does not count."""
    return container.kind(source) == "audio"


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[Part | About]:
    """Windows over the recording from number `start` (from 0) on: what subtitles say of each, or else its samples."""
    with ExitStack() as stack:
        opened = stack.enter_context(container.opened(source.file))
        captions = stack.enter_context(Captions(source, opened))
        title = container.title(opened)
        yield About(modality="audio", title=title)
        tape = Tape(track(opened), since=start * container.STEP)
        heard = False
        for begin, end in container.stretches(tape.read, most=limits.seconds, first=start):
            sound = tape.cut(begin, end)
            heard = heard or audible(sound)
            text = captions.between(begin, end)
            place = Place(start=begin, end=container.rounded_up(end))
            segment = Segment(document=source.document, modality="audio", place=place, text=text, heading=title)
            yield Part(segment=segment, content=sound if audible(sound) and not text else None)
            tape.forget(begin + container.STEP)
        if not tape.seconds:
            raise UnreadableMedia("corrupt", "no sound in it can be decoded")
        if not heard and not start:
            yield About(note="Nothing can be heard: the recording is silent.")
        notes = [*captions.notes, *container.losses(tape.damaged, "sound")]
        yield from container.conclusion(tape.seconds, limits, notes)


def load(source: Source, segment: Segment, limits: Limits) -> Sound:
    """The samples of a place as `split` gave them; of a whole recording the first window.

    Raises UnreadableMedia where there is nothing to hear.
    """
    with container.opened(source.file) as opened:
        sound = stretch(opened, segment.place)
    if not len(sound.samples):
        raise UnreadableMedia("corrupt", f"there is no sound at {segment.place.fragment or 'its beginning'}")
    return sound


def stretch(opened: InputContainer, place: Place) -> Sound:
    """The samples of a place, at most a minute; none beyond the end."""
    begin = place.start or 0.0
    end = min(begin + LONGEST, begin + container.LENGTH if place.end is None else place.end)
    tape = Tape(track(opened), since=begin)
    tape.read(end + _RUN_UP)
    return tape.cut(begin, end)


def track(opened: InputContainer) -> Track:
    """The sound of a container. Raises UnreadableMedia where there is none, or none that is read here."""
    stream = container.stream(opened, "audio")
    if stream is None:
        names = ", ".join(filter(None, map(container.codec, opened.streams)))
        reason = f"its streams ({names}) are not read" if names else "it holds no sound"
        raise UnreadableMedia("unsupported_type", reason)
    context: Any = stream.codec_context
    _check(context.sample_rate, context.layout.nb_channels)
    return Track(opened, stream)


def audible(sound: Sound) -> bool:
    """Whether there is anything to hear."""
    return bool(len(sound.samples)) and float(np.abs(sound.samples).max()) >= SILENCE


class Tape:
    """A recording as 16 kHz mono, read forward from `since`; holds what was read and not yet forgotten.

    Times are the recording's own: where packets are missing there is silence, so that what follows stays in place.
    """

    def __init__(self, track: Track, *, since: float = 0.0) -> None:
        self._track = track
        self._held: list[NDArray[np.float32]] = []
        self._first = round(since * RATE)
        self._end = 0
        self._clock = 0.0
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[object, ...] = ()
        self._frames = self._frames_from(since)

    @property
    def seconds(self) -> float:
        """Seconds from the beginning to the last sample read."""
        return self._end / RATE

    @property
    def damaged(self) -> int:
        """Packets that could not be decoded."""
        return self._track.damaged

    def read(self, until: float) -> float:
        """Read on to `until` seconds, or to the end; how many seconds there are so far."""
        while self._end < until * RATE:
            frame = next(self._frames, None)
            if frame is None:
                self._flush()
                break
            self._feed(frame)
        return self.seconds

    def cut(self, start: float, end: float) -> Sound:
        """The samples from `start` to `end`, as far as they were read and not forgotten."""
        joined = self._joined()
        first, last = (max(0, round(time * RATE) - self._first) for time in (start, end))
        return Sound(joined[first:last].copy(), RATE)

    def forget(self, before: float) -> None:
        """Let go of what lies before."""
        count = max(0, round(before * RATE) - self._first)
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
        step = first.sample_rate // math.gcd(first.sample_rate, RATE)
        index = _in_step(round(time * first.sample_rate), lead, first.sample_rate * self._track.base)
        skip = -index % step
        self._clock = (index + skip) / first.sample_rate
        self._end = round(self._clock * RATE)
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
            self._push(np.zeros(max(0, round(self._clock * RATE) - self._end), np.float32))
            self._resampler, self._form = av.AudioResampler("flt", "mono", RATE), form
        self._clock += frame.samples / frame.sample_rate
        try:
            for resampled in self._resampler.resample(frame):
                self._push(resampled.to_ndarray()[0])
        except av.FFmpegError as error:
            container.raise_if_memory(error)
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
    if rate > container.RATE or channels > container.CHANNELS:
        most = f"at most {container.RATE} Hz and {container.CHANNELS} channels are read"
        raise UnreadableMedia("unsupported_type", f"its sound has {rate} Hz and {channels} channels; {most}")
