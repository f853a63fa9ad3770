"""What a recording or film says of itself: title, people and album, comment, date, chapters.

ID3, MP4, Vorbis, RIFF and Matroska have names of their own for the same things; FFmpeg brings most of them to one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import av

from mcp_mmretrieval.media.time_windows import WINDOW_STEP_SECONDS
from mcp_mmretrieval.types import Cue, DocumentMetadata, Segment

if TYPE_CHECKING:
    from av.container import InputContainer

_TAGS_IN_STREAMS = "ogg"
"""The format that keeps a file's tags with its streams; elsewhere those name a track ("Surround 5.1")."""
_KEYWORD_TAGS = (
    *("artist", "author", "album_artist", "composer", "performer", "conductor", "director", "narrator", "actor"),
    *("album", "show", "series", "episode_id", "subtitle", "tit3", "grouping", "genre", "keywords", "subject"),
    *("written_by", "producer", "publisher", "category", "tdes"),
    *("location", "comment", "description", "synopsis", "summary", "lyrics", "unsyncedlyrics"),
)
"""Names of tags whose values are words about the whole, in the order in which they are told."""
_TAKEN_DATES = ("com.apple.quicktime.creationdate", "date_recorded", "origination_date", "creation_time")
_WORK_DATES = ("date", "date_released", "tdrc", "tdrl", "originaldate", "year", "tyer")
_DATE = re.compile(r"(\d{4})(?:[-:/.](\d{1,2})(?:[-:/.](\d{1,2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(.*))?)?)?")
_COMPACT_DATE = re.compile(r"^(\d{4})(\d\d)(\d\d)(?!\d)")
"""As downloaders write the day of a film: 20240131."""
_NO_WORDS = re.compile(r"[\s\d:.,\-_/]*|(?:\s*[\dA-Fa-f]{8,})+")
"""Numbers, volumes, checksums and clocks that programs keep in comments and names of chapters."""
_SAME_CLOCK = 0.1
"""Seconds by which a container may begin late because of an encoder's delay alone."""
_FIRST_YEAR = 1850
"""No sound is older. Clocks that were never set say 1904."""


def title(container: InputContainer) -> str:
    """What the tags call the recording or film; empty if they say nothing."""
    return _one_line(_tags(container).get("title", ""))[:200]


def keywords(container: InputContainer) -> str:
    """Words about the whole: who, which album, what the comment says. One tag a line."""
    return words_of(_tags(container))


def words_of(tags: Mapping[str, str]) -> str:
    """The values of those tags, by their names in lower case, that are words about the whole; one a line."""
    found: dict[str, None] = {}
    for wanted in _KEYWORD_TAGS:
        for name, value in tags.items():  # comments and lyrics come with their language: `lyrics-eng`
            line = _one_line(value)
            if (name == wanted or name.startswith(f"{wanted}-")) and not _NO_WORDS.fullmatch(line):
                found[line] = None
    return "\n".join(found)[:20_000]


def date_of(tags: Mapping[str, str]) -> float | None:
    """When it was recorded, in seconds since 1970; of a published work (with artist or album) when that came out.

    None where no tag (by its name in lower case) says it, or only a clock that was never set. Times without a zone are
    taken as UTC.
    """
    clock = " ".join(filter(None, (tags.get("origination_date"), tags.get("origination_time"))))
    tags = {**tags, "origination_date": clock}
    published = bool({"artist", "album", "album_artist"} & tags.keys())
    order = (*_WORK_DATES, *_TAKEN_DATES) if published else (*_TAKEN_DATES, *_WORK_DATES)
    return next((date for name in order if (date := _date(tags.get(name, ""))) is not None), None)


def chapters(container: InputContainer) -> list[Cue]:
    """Chapters that have a title, in order, in seconds from the beginning of the document."""
    origin = (container.start_time or 0) / av.time_base
    origin = origin if abs(origin) >= _SAME_CLOCK else 0.0
    found = []
    for chapter in container.chapters():
        named = _one_line(_lower(chapter["metadata"]).get("title", ""))[:200]
        tick = float(chapter["time_base"] or 0)
        start, end = chapter["start"] * tick - origin, chapter["end"] * tick - origin
        if named and not _NO_WORDS.fullmatch(named) and end > max(start, 0.0):
            found.append(Cue(max(0.0, start), end, named))
    return sorted(found, key=lambda cue: cue.start)


class AboutRecording:
    """What the tags say of a recording or film and of its places."""

    def __init__(self, container: InputContainer) -> None:
        self.title = title(container)
        """What it is called; empty where no tag says it."""
        self._keywords = keywords(container)
        self._dated = date_of(_tags(container))
        self._chapters = chapters(container)

    def metadata(self, modality: Literal["audio", "video"]) -> DocumentMetadata:
        """The first step of `split`."""
        return DocumentMetadata(modality=modality, title=self.title, dated=self._dated, keywords=self._keywords)

    def told(self, segment: Segment, cues: Iterable[Cue], *, last: bool) -> Segment:
        """A window with what is known of it before anybody listens: its chapters, then the lines of `cues`.

        Windows overlap. So a chapter is told in the window that holds more of it; in the `last` one there is no next.
        """
        start, end = segment.place.start or 0.0, segment.place.end or 0.0
        until = end if last else start + WINDOW_STEP_SECONDS
        begun = [chapter for chapter in self._chapters if start <= chapter.start < until]
        lines = [*(Cue(one.start, min(one.end, end), one.text) for one in begun), *cues]
        return replace(
            segment,
            text="\n".join(line.text for line in lines),
            times=tuple((line.start, line.end) for line in lines),
            label=next((one.text for one in reversed(self._chapters) if one.start < until and one.end > start), ""),
        )


def _tags(container: InputContainer) -> dict[str, str]:
    """Tags of the whole, by their name in lower case."""
    told = _lower(container.metadata)
    if container.format.name == _TAGS_IN_STREAMS:
        for stream in container.streams:
            told = _lower(stream.metadata) | told
    return told


def _lower(tags: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in tags.items()}


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _date(value: str) -> float | None:
    match = _DATE.match(_COMPACT_DATE.sub(r"\1-\2-\3", value.strip()))
    if match is None:
        return None
    year, month, day, clock, zone = match.groups()
    zone = re.sub(r"^([+-]\d\d)(\d\d)$", r"\1:\2", zone or "").replace("Z", "")
    text = f"{year}-{int(month or 1):02}-{int(day or 1):02}T{clock or '00:00'}{zone or '+00:00'}"
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    latest = datetime.now(UTC).year + 1
    unset = (date.year, date.month, date.day) in ((1904, 1, 1), (1970, 1, 1)) and clock is not None
    return date.timestamp() if _FIRST_YEAR <= date.year <= latest and not unset else None
