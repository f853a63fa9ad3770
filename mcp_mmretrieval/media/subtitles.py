"""Subtitles: cues out of .srt, .vtt, .ass, .ssa and .lrc files, and the plain words of a cue.

Standalone files are `text.py`'s.
"""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.types import Cue

MAX_SUBTITLE_BYTES = 10_000_000
"""Of a longer file only so much is read."""

SHOWN_SECONDS = 4.0
"""Seconds for which a cue is shown that does not say for how long."""
_LONGEST_LYRIC = 15.0
"""Seconds for which a line of a song is shown, at most: what follows is music."""

_CLOCK = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_ASS_FIELDS = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
_ASS_CLOCK = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})[.:,](\d{1,3})")
_LRC_TIME = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_LRC_TIMES = re.compile(rf"\s*(?:{_LRC_TIME.pattern}\s*)+")
_LRC_OFFSET = re.compile(r"\[offset:\s*([+-]?\d{1,9})\s*\]", re.IGNORECASE)
_DRAWING = re.compile(r"\{[^{}]{0,200}\\p[1-9][^{}]{0,200}\}.*?(?=\{[^{}]{0,200}\\p0|$)", re.DOTALL)
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}|\{[a-z]:[^{}]{0,200}\}", re.IGNORECASE)


def parse_cues(data: bytes) -> list[Cue]:
    """The cues of a file of subtitles or lyrics in order of time; none if it is neither.

    Tolerant as players are: numbers may be missing, blank lines too, and the encoding may be an old one. Comments and
    styles have no time and so fall out by themselves.
    """
    lines = decode_text(data[:MAX_SUBTITLE_BYTES]).splitlines()
    cues = list(_blocks(lines)) or list(_dialogue(lines)) or list(_lyrics(lines))
    return sorted(cues, key=lambda cue: cue.start)


def _blocks(lines: list[str]) -> Iterator[Cue]:
    """Of .srt and .vtt: a line with two times, and the lines below it."""
    below: list[str] = []
    span: tuple[float, float] | None = None
    for line in [*lines, "00:00.0 --> 00:00.0"]:
        timing = _TIMING.fullmatch(line)
        if timing is None:
            below.append(line)
            continue
        if span is not None and span[0] < span[1] and (text := cue_words("\n".join(_block(below)))):
            yield Cue(*span, text)
        span, below = (_seconds(*timing.groups()[:4]), _seconds(*timing.groups()[4:])), []


def _dialogue(lines: list[str]) -> Iterator[Cue]:
    """Of .ass and .ssa: one line a cue, its fields as the line `Format:` lists them, the text last."""
    fields = _ASS_FIELDS
    events = False
    for line in lines:
        name, _, value = line.partition(":")
        match name.strip().lower():
            case "format" if events:
                fields = [field.strip().lower() for field in value.split(",")]
            case "dialogue":
                told = dict(zip(fields, value.split(",", len(fields) - 1), strict=False))
                start, end = (_ASS_CLOCK.fullmatch(told.get(edge, "").strip()) for edge in ("start", "end"))
                text = cue_words(told.get("text", ""))
                if start and end and text and _seconds(*start.groups()) < _seconds(*end.groups()):
                    yield Cue(_seconds(*start.groups()), _seconds(*end.groups()), text)
            case _ if line.strip().startswith("["):
                events = line.strip().lower() == "[events]"


def _lyrics(lines: list[str]) -> Iterator[Cue]:
    """Of .lrc: lines with a time, or several, in front. Each is shown until the next one."""
    found: list[tuple[float, str]] = []
    earlier = 0.0
    for line in lines:
        if offset := _LRC_OFFSET.fullmatch(line.strip()):
            earlier = int(offset[1]) / 1000
        times = _LRC_TIMES.match(line)
        if times is not None:
            text = cue_words(line[times.end() :])
            found += [(_seconds(None, *stamp.groups(default="0")), text) for stamp in _LRC_TIME.finditer(times[0])]
    found.sort(key=lambda one: one[0])
    ends = [after[0] for _, after in pairwise(found)] + [found[-1][0] + SHOWN_SECONDS] if found else []
    for (start, text), end in zip(found, ends, strict=True):
        start, end = max(0.0, start - earlier), max(0.0, min(end, start + _LONGEST_LYRIC) - earlier)
        if text and start < end:
            yield Cue(start, end, text)


def cue_words(text: str) -> str:
    """The words of a cue: no tags, no styles, no drawings, no entities, one line for each line shown."""
    text = _DRAWING.sub("", text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "))
    return "\n".join(
        filter(None, (" ".join(line.split()) for line in html.unescape(_MARKUP.sub("", text)).split("\n")))
    )


def spoken_between(cues: Iterable[Cue], start: float, end: float) -> list[Cue]:
    """What is said from `start` to `end`, a line each, with the seconds of its cue.

    A line that is shown again, as live captions do, counts once, as long as it is shown.
    """
    lines: list[Cue] = []
    for cue in cues:
        if cue.start >= end or cue.end <= start:
            continue
        for text in cue.text.split("\n"):
            shown = next((at for at in range(len(lines))[-2:] if lines[at].text == text), None)
            if shown is None:
                lines.append(Cue(cue.start, cue.end, text))
            else:
                lines[shown] = Cue(lines[shown].start, max(lines[shown].end, cue.end), text)
    return lines


def _block(lines: list[str]) -> Iterator[str]:
    """The lines that belong to a timing: up to a blank one, or else up to the next cue's number."""
    for number, line in enumerate(lines):
        if not line.strip() and number:
            return
        if line.strip().isdecimal() and number == len(lines) - 1 and number:
            return
        yield line


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000
