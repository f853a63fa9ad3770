"""Sound: overlapping windows over a recording, and the samples of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import container, time_windows
from mcp_mmretrieval.media.audio_reader import RUN_UP_SECONDS, SOUND_RATE_HZ, AudioReader, sound_track
from mcp_mmretrieval.media.captions import Captions
from mcp_mmretrieval.media.recording_kind import recording_kind
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.tags import AboutRecording
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, Sound, SplitPart

if TYPE_CHECKING:
    from av.container import InputContainer

SILENCE_PEAK = 1e-3
"""Loudest sample of a stretch in which nothing can be heard (-60 dB)."""
MAX_LOADED_SECONDS = 60.0
"""Seconds of one place that are loaded, at most."""

MAX_TRACKS_HEARD = 3
"""Tracks of sound of one file that are listened to: in two languages, or a film with a comment."""

_ALIKE = 0.95
"""Correlation of the loudness of two tracks from which on they are the same sound."""
_LOUDNESS_SAMPLES = SOUND_RATE_HZ // 20


def recognises(source: Source) -> bool:
    """Whether the bytes are a recording without film; its cover picture does not count."""
    return recording_kind(source) == "audio"


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """Windows over the recording from number `start` (from 0) on: what subtitles say of each, and its samples."""
    with ExitStack() as stack:
        opened = stack.enter_context(container.open_container(source.file))
        captions = stack.enter_context(Captions(source, opened))
        about = AboutRecording(opened)
        yield about.metadata("audio")
        tapes = SoundTracks(stack, source, opened, since=start * time_windows.WINDOW_STEP_SECONDS)
        heard = False
        for begin, end in time_windows.streamed_windows(tapes.read, most=limits.seconds, first=start):
            sounds = tapes.cut(begin, end)
            heard = heard or bool(sounds)
            segment = Segment(
                document=source.document,
                modality="audio",
                place=Place(start=begin, end=time_windows.rounded_up(end)),
                heading=about.title,
            )
            segment = about.told(segment, captions.between(begin, end), last=end >= min(tapes.seconds, limits.seconds))
            yield SplitPart(segment=segment, content=sounds[0] if sounds else None, more=tuple(sounds[1:]))
            tapes.forget(begin + time_windows.WINDOW_STEP_SECONDS)
        if not tapes.seconds:
            raise UnreadableMedia("corrupt", "no sound in it can be decoded")
        if not heard and not start:
            yield DocumentMetadata(note="Nothing can be heard: the recording is silent.")
        notes = [*captions.notes, *tapes.notes, *container.damage_notes(tapes.damaged, "sound")]
        yield from time_windows.closing_metadata(tapes.seconds, limits, notes)


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
    end = min(begin + MAX_LOADED_SECONDS, begin + time_windows.WINDOW_SECONDS if place.end is None else place.end)
    first: Sound | None = None
    for number in range(MAX_TRACKS_HEARD):
        with container.open_container(source.file) as opened:
            if number and number >= len(container.readable_streams(opened, "audio")):
                break
            tape = AudioReader(sound_track(opened, number), since=begin)
            tape.read(end + RUN_UP_SECONDS)
            sound = tape.cut(begin, end)
        if is_audible(sound):
            return sound
        first = sound if first is None else first
    assert first is not None
    return first


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
