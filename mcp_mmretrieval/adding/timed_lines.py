"""Lines of a stretch of sound or film with their seconds: of captions, of speech, of what stands in frames. Pure.

The same sentence is not told twice. Captions and speech never agree letter by letter, so that they are compared by
pieces of three letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mcp_mmretrieval.types import Cue, Segment

_PIECE = 3
"""Letters of a piece."""
_SAME = 0.5
"""Share of the pieces of what is heard that stand in the captions beside it, from which on the two say the same."""
_BESIDE = 2.0
"""Seconds by which a caption may come early or late."""
_LONG = 8.0
"""Seconds of a cue beyond which its sentences get times of their own."""
_SLACK = 1.0
"""Seconds by which the time of such a sentence may be wrong: it is reckoned by the share of its letters."""
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=\S)|(?<=[\u3002\uff01\uff1f])\s*(?=\S)")


def known_lines(segment: Segment) -> list[Cue]:
    """The lines of a segment's text that have their seconds."""
    texts = segment.text.split("\n")
    return [Cue(start, end, text) for (start, end), text in zip(segment.times, texts, strict=False)]


def heard_lines(cues: Iterable[Cue], segment: Segment, told: Sequence[Cue]) -> Iterator[Cue]:
    """What was heard in a segment, a sentence or so a line, without what `told` says already.

    `cues` are in seconds from the segment's beginning; what comes out is in those of the document.
    """
    begin, end = segment.place.start or 0.0, segment.place.end
    for cue in cues:
        for line in _sentences(cue):
            start = begin + max(0.0, line.start)
            until = max(start, begin + line.end)
            if end is not None:
                start, until = min(start, end), min(until, end)
            moved = Cue(round(start, 2), round(until, 2), line.text)
            if not is_told(moved, told):
                yield moved


def is_told(line: Cue, told: Iterable[Cue]) -> bool:
    """Whether captions at the same time say roughly what a line says."""
    pieces = _pieces(line.text)
    beside = [one.text for one in told if one.start < line.end + _BESIDE and one.end > line.start - _BESIDE]
    return bool(pieces) and len(pieces & _pieces(" ".join(beside))) >= _SAME * len(pieces)


def shown_lines(frames: Mapping[float, str], end: float) -> list[Cue]:
    """What stands in the frames of a window, by their time in order: each line once, from the first frame that shows it
    until the one after the last, or `end`.
    """
    times = [*frames, max([end, *frames])]
    lines: dict[str, Cue] = {}
    for number, text in enumerate(frames.values()):
        for line in filter(str.strip, text.splitlines()):
            first = lines[line].start if line in lines else times[number]
            lines[line] = Cue(first, times[number + 1], line)
    return list(lines.values())


def _sentences(cue: Cue) -> Iterator[Cue]:
    """A cue of one line; one that is long by its sentences, each with about its seconds."""
    text = " ".join(cue.text.split())
    parts = _SENTENCE_END.split(text) if cue.end - cue.start > _LONG else [text]
    letters = sum(map(len, parts))
    before = 0
    for part in parts:
        if not part:
            continue
        start, end = (cue.start + (cue.end - cue.start) * at / letters for at in (before, before + len(part)))
        before += len(part)
        if len(parts) > 1:
            start, end = max(cue.start, start - _SLACK), min(cue.end, end + _SLACK)
        yield Cue(start, end, part)


def _pieces(text: str) -> set[str]:
    letters = "".join(filter(str.isalnum, text.casefold()))
    return {letters[at : at + _PIECE] for at in range(max(1, len(letters) - _PIECE + 1))} - {""}
