"""What of a segment gets a vector of its own, and where in the segment that lies. Pure.

A part's number says where it is, whatever the settings are by now: a window of a text and a frame of a film by their
order, a stretch of sound by its beginning and its length. So vectors stay where they belong when a setting changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from mcp_mmretrieval.models import Embedder, Reranker
from mcp_mmretrieval.types import Content, Film, Place, Segment, Sound, VectorKind

SpreadItemT = TypeVar("SpreadItemT")

WORDY_PICTURE_WORDS = 8
"""Words in a picture from which on it is a chart or a document rather than a photo."""
SILENT_STRETCH_PEAK = 1e-3
"""Loudest sample of a stretch in which nothing can be heard (-60 dB)."""
SHORTEST_MOMENT_SECONDS = 1.0
"""Seconds of a cited moment, at least: captions of live broadcasts come and go in hundredths."""
WHOLE_FILM_PART = -1
"""The part that is a stretch of film as a whole, where the model takes in films."""

_LENGTH_BITS = 16
"""Of the number of a stretch of sound: its length in milliseconds, at most a minute; above them its beginning."""


@dataclass(frozen=True, slots=True)
class PartContent:
    """A content that gets one vector."""

    kind: VectorKind
    part: int
    content: Content


def gets_picture_vectors(segment: Segment, embedder: Embedder) -> bool:
    """Whether a segment gets picture vectors: what the model is made to see, and no page of words for one of photos."""
    if not segment.traits.looked_at:
        return False
    if "documents" in embedder.sees:
        return True
    if "photos" not in embedder.sees or segment.traits.looks_like == "document":
        return False
    return segment.traits.looks_like == "photo" or len(segment.text.split()) < WORDY_PICTURE_WORDS


def gets_sound_vectors(segment: Segment, embedder: Embedder) -> bool:
    """Whether a segment gets sound vectors."""
    return embedder.hears > 0 and segment.traits.listened_to


def segment_to_decode(segment: Segment, embedder: Embedder, *, since: float = 0.0) -> Segment | None:
    """The segment with only those frames that have to be decoded for its vectors; None where nothing has to.

    `since`: up to there, in seconds, it was embedded with the window before.
    """
    looked, listened = gets_picture_vectors(segment, embedder), gets_sound_vectors(segment, embedder)
    if not looked and not listened:
        return None
    if segment.traits.content != "film" or not segment.frames or (looked and embedder.films):
        return segment
    frames = tuple(time for time in segment.frames if looked and time >= since)
    if not frames and not listened:
        return None
    return replace(segment, frames=frames or segment.frames[:1])  # without any, one from the middle would be decoded


def decoding_side(segment: Segment, model: Embedder | Reranker) -> int:
    """Longer side, in pixels, at which a segment's picture or frames are decoded for a model that looks at them."""
    return model.frame_side if segment.traits.content == "film" else model.picture_side


def part_contents(
    segment: Segment, content: Content, embedder: Embedder, *, sound_s: float, since: float = 0.0
) -> Iterator[PartContent]:
    """What is embedded of a segment's picture, sound or film, but for what lies before `since` (seconds).

    A picture as it is; sound in overlapping stretches of `sound_s` seconds, or as many as the model hears, without
    those in which nothing can be heard; a film as one, or frame by frame, and its sound.
    """
    if isinstance(content, Film):
        if gets_picture_vectors(segment, embedder):
            yield from _seen(segment, content, embedder, since)
        content = content.sound if content.sound is not None else ""
    elif isinstance(content, np.ndarray) and gets_picture_vectors(segment, embedder):
        yield PartContent("picture", 0, content)
    if isinstance(content, Sound) and gets_sound_vectors(segment, embedder):
        yield from _heard(segment, content, min(sound_s, embedder.hears), since)


def moment_of_part(segment: Segment, kind: VectorKind, part: int) -> Place:
    """Where a part of a segment of sound or film lies: its stretch, or from its frame to the next one.

    The segment's own place for what lies in no time, and for parts that are the whole of it.
    """
    place = segment.place
    if place.start is None or place.end is None or part == WHOLE_FILM_PART:
        return place
    if kind == "sound":
        offset, length = part >> _LENGTH_BITS, part & ((1 << _LENGTH_BITS) - 1)
        start = place.start + offset / 1_000
        return _between(place, start, start + length / 1_000)
    if kind == "picture" and part < len(segment.frames):
        times = (*segment.frames, math.inf)
        # a place counts tenths of a second: it begins before its frame, and ends before the next
        return _between(place, _floor(times[part]), _floor(min(times[part + 1], place.end)))
    return place


def narrow_to_place(segment: Segment, place: Place) -> Segment:
    """The segment narrowed to the time that it shares with a place: the frames there, or one from the middle.

    Of its text the lines of that time, and those whose time is not known. As it is where one of the two lies in no
    time.
    """
    own = segment.place
    if own.start is None or own.end is None or place.start is None or place.end is None:
        return segment
    start, end = max(own.start, place.start), min(own.end, place.end)
    if start >= end:
        return segment
    frames = tuple(time for time in segment.frames if start <= time < end)
    if segment.traits.content == "film" and not frames:
        frames = ((start + end) / 2,)
    text, times = _lines_between(segment, start, end)
    return replace(segment, place=replace(own, start=start, end=end), frames=frames, text=text, times=times)


def place_of_lines(segment: Segment, lines: Iterable[int]) -> Place:
    """Where some lines of a segment's text are said or shown, in tenths of a second; the segment's own for none."""
    times = [segment.times[line] for line in lines]
    if not times or segment.place.start is None:
        return segment.place
    start = min(start for start, _ in times)
    return _between(segment.place, start, max(start + SHORTEST_MOMENT_SECONDS, *(end for _, end in times)))


def text_around(segment: Segment, place: Place) -> tuple[str, str]:
    """The lines of a segment's text that end before a place in it, and those that begin behind it."""
    if place.start is None or place.end is None:
        return "", ""
    lines = list(zip(segment.text.split("\n"), segment.times, strict=False))
    before = [line for line, (_, end) in lines if end <= place.start]
    after = [line for line, (start, _) in lines if start >= place.end]
    return "\n".join(before), "\n".join(after)


def _lines_between(segment: Segment, start: float, end: float) -> tuple[str, tuple[tuple[float, float], ...]]:
    """The lines of a segment's text in a time, with their times; lines without a time stay."""
    lines = segment.text.split("\n")
    count = min(len(lines), len(segment.times))
    kept = [at for at in range(count) if segment.times[at][0] < end and segment.times[at][1] > start]
    text = "\n".join([*(lines[at] for at in kept), *lines[count:]])
    return text, tuple(segment.times[at] for at in kept)


def evenly_spread(items: Sequence[SpreadItemT], most: int) -> list[SpreadItemT]:
    """At most so many of them, evenly spread from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(at)] for at in np.linspace(0, len(items) - 1, most)]


def overlapping_stretches(seconds: float, length: float) -> list[tuple[float, float]]:
    """Beginning and end of stretches of a length over so many seconds, each half over the one before.

    The last one ends with the sound and may be shorter; never shorter than half, unless the sound is.
    """
    step = length / 2
    count = max(1, math.ceil(round((seconds - length) / step, 6)) + 1)
    return [(at * step, min(at * step + length, seconds)) for at in range(count)]


def _heard(segment: Segment, sound: Sound, length: float, since: float) -> Iterator[PartContent]:
    begin = segment.place.start or 0.0
    for start, end in overlapping_stretches(len(sound.samples) / sound.rate, length):
        samples = sound.samples[round(start * sound.rate) : round(end * sound.rate)]
        if begin + end > since + 1e-6 and len(samples) and float(np.abs(samples).max()) >= SILENT_STRETCH_PEAK:
            milliseconds = max(1, math.ceil(1_000 * (end - start)))
            yield PartContent("sound", round(1_000 * start) << _LENGTH_BITS | milliseconds, Sound(samples, sound.rate))


def _seen(segment: Segment, film: Film, embedder: Embedder, since: float) -> Iterator[PartContent]:
    if embedder.films:
        shown = evenly_spread(list(zip(film.pictures, film.times, strict=True)), embedder.films)
        if shown:
            yield PartContent(
                "picture", WHOLE_FILM_PART, Film([picture for picture, _ in shown], tuple(time for _, time in shown))
            )
        return
    for picture, time in zip(film.pictures, film.times, strict=True):
        if not segment.frames or time >= since - 1e-3:
            part = min(range(len(segment.frames)), key=lambda at: abs(segment.frames[at] - time), default=0)
            yield PartContent("picture", part, picture)


def _between(place: Place, start: float, end: float) -> Place:
    """A stretch within a place, in tenths of a second; the place itself where nothing is left of it."""
    assert place.start is not None and place.end is not None
    start, end = max(place.start, _floor(start)), min(place.end, math.ceil(round(end * 10, 6)) / 10)
    return replace(place, start=start, end=end) if start < end else place


def _floor(seconds: float) -> float:
    return math.floor(round(seconds * 10, 6)) / 10
