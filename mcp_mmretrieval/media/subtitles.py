"""Subtitles: cues out of .srt and .vtt files, and the plain words of a cue. Standalone files are `text.py`'s."""

import html
import re
from collections.abc import Iterable, Iterator

from mcp_mmretrieval.types import Cue

MAX_SUBTITLE_BYTES = 10_000_000
"""Of a longer file only so much is read."""

_CLOCK = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}|\{[a-z]:[^{}]{0,200}\}", re.IGNORECASE)


def parse_cues(data: bytes) -> list[Cue]:
    """The cues of an .srt or .vtt file in order of time; none if it is neither.

    Tolerant as players are: numbers may be missing, blank lines too, and the encoding may be an old one. Comments and
    styles have no time and so fall out by themselves.
    """
    cues = []
    lines: list[str] = []
    span: tuple[float, float] | None = None
    for line in [*_decode(data[:MAX_SUBTITLE_BYTES]).splitlines(), "00:00.0 --> 00:00.0"]:
        timing = _TIMING.fullmatch(line)
        if timing is None:
            lines.append(line)
            continue
        if span is not None and span[0] < span[1] and (text := cue_words("\n".join(_block(lines)))):
            cues.append(Cue(*span, text))
        span, lines = (_seconds(*timing.groups()[:4]), _seconds(*timing.groups()[4:])), []
    return sorted(cues, key=lambda cue: cue.start)


def cue_words(text: str) -> str:
    """The words of a cue: no tags, no styles, no entities, one line for each line shown."""
    text = html.unescape(_MARKUP.sub("", text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")))
    return "\n".join(line for line in (" ".join(line.split()) for line in text.splitlines()) if line)


def spoken_between(cues: Iterable[Cue], start: float, end: float) -> str:
    """What is said from `start` to `end`; a line that is shown again (as live captions do) counts once."""
    lines: list[str] = []
    for cue in cues:
        if cue.start < end and cue.end > start:
            lines.extend(line for line in cue.text.splitlines() if line not in lines[-2:])
    return "\n".join(lines)


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


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
