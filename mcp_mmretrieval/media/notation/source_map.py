"""A source map: text as it is read, and from where in the source each character of it comes.

A citation is a range of characters of the source, and a passage shows what is read of it. Pieces are in order, in the
text and in the source. What lies between two pieces of the source is not shown; a piece from nowhere is as long as
nothing in the source.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field


def _numbers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class MappedText:
    """Text, piece by piece, each with its range of the source."""

    text: str
    begins: array[int] = field(default_factory=_numbers)
    """Where each piece begins in `text`."""
    sources: array[int] = field(default_factory=_numbers)
    """Where each piece begins in the source."""
    source_ends: array[int] = field(default_factory=_numbers)

    @classmethod
    def as_written(cls, source: str) -> MappedText:
        """A source that is read as it is written."""
        return cls(source, array("q", [0]), array("q", [0]), array("q", [len(source)]))

    @property
    def is_as_written(self) -> bool:
        """Whether text and source are the same."""
        return len(self.begins) == 1 and self.sources[0] == 0 and self.source_ends[0] == len(self.text)

    def source_of(self, first: int, last: int) -> tuple[int, int]:
        """The range of the source that `text[first:last]` comes from; it must not be empty."""
        head = bisect_right(self.begins, first) - 1
        tail = bisect_right(self.begins, last - 1) - 1
        begin = min(self.sources[head] + first - self.begins[head], self.source_ends[head])
        inside = last - self.begins[tail]
        whole = inside == self._end(tail) - self.begins[tail]
        end = self.source_ends[tail] if whole else min(self.sources[tail] + inside, self.source_ends[tail])
        return begin, end

    def range_of(self, first: int, last: int) -> tuple[int, int]:
        """The range of `text` that comes from a range of the source: the inverse of `source_of`."""
        head = bisect_right(self.source_ends, first)
        tail = bisect_left(self.sources, last) - 1
        if head > tail:
            return 0, 0
        begin = self.begins[head] + max(0, first - self.sources[head])
        whole = last >= self.source_ends[tail]
        end = self._end(tail) if whole else min(self.begins[tail] + last - self.sources[tail], self._end(tail))
        return min(begin, self._end(head)), max(begin, end)

    def moved(self, by: int) -> MappedText:
        """The same, where the source is a piece of a longer one that begins at `by`."""
        sources = array("q", (at + by for at in self.sources))
        return MappedText(self.text, self.begins, sources, array("q", (at + by for at in self.source_ends)))

    def over(self, below: MappedText) -> MappedText:
        """This map, whose source is the text of another one, as a map to the source of that one."""
        if below.is_as_written:
            return self
        if self.is_as_written:
            return below
        out = MapBuilder(below.text)
        for piece, begin in enumerate(self.begins):
            first, last, end = self.sources[piece], self.source_ends[piece], self._end(piece)
            if end - begin != last - first:
                source = below.source_of(first, last) if last > first else (below.position(first),) * 2
                out.put(self.text[begin:end], *source)
                continue
            while first < last:  # character for character, over as many pieces as lie below
                stop = min(last, below._end(bisect_right(below.begins, first) - 1))
                out.put(self.text[begin : begin + stop - first], *below.source_of(first, stop))
                begin, first = begin + stop - first, stop
        return out.mapped()

    def position(self, at: int) -> int:
        """The place in the source of a gap in the text."""
        return self.source_of(at - 1, at)[1] if at else 0

    def _end(self, piece: int) -> int:
        return self.begins[piece + 1] if piece + 1 < len(self.begins) else len(self.text)


class MapBuilder:
    """Makes a map, from front to back."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces: list[str] = []
        self._map = MappedText("")
        self.length = 0
        """Characters so far."""

    def keep(self, first: int, last: int) -> None:
        """Go on with `source[first:last]` as it is written."""
        if first < last:
            self.put(self._source[first:last], first, last)

    def put(self, text: str, first: int, last: int) -> None:
        """Go on with a text that comes from a range of the source, or from nowhere before `first`."""
        if not text:
            return
        ends, begins, sources = self._map.source_ends, self._map.begins, self._map.sources
        written = len(text) == last - first
        if ends and written and ends[-1] == first and self.length - begins[-1] == first - sources[-1]:
            ends[-1] = last
        else:
            begins.append(self.length)
            sources.append(first)
            ends.append(last)
        self._pieces.append(text)
        self.length += len(text)

    def extend(self, other: MappedText) -> None:
        """Go on with a map to the same source."""
        for piece, begin in enumerate(other.begins):
            end = other.begins[piece + 1] if piece + 1 < len(other.begins) else len(other.text)
            self.put(other.text[begin:end], other.sources[piece], other.source_ends[piece])

    def mapped(self) -> MappedText:
        """What was put together."""
        self._map.text = "".join(self._pieces)
        return self._map


def substitute(pattern: re.Pattern[str], read: Callable[[re.Match[str]], str], source: str) -> MappedText:
    """A source in which each match is read as what `read` returns; nothing is left out between them."""
    out, done = MapBuilder(source), 0
    for match in pattern.finditer(source):
        text = read(match)
        if text != match[0]:
            out.keep(done, match.start())
            out.put(text, match.start(), match.end())
            done = match.end()
    if not done:
        return MappedText.as_written(source)
    out.keep(done, len(source))
    return out.mapped()
