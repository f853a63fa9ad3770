"""How a text is cut into passages, for `text`: at headings, blank lines, sentences, lines; in this order of liking."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

MAX_PASSAGE_CHARACTERS = 1200
"""Characters of the longest passage."""

MIN_PASSAGE_CHARACTERS = 700
"""Characters that a passage has at least where it ends in the middle of a section."""

MIN_SECTION_CHARACTERS = 300
"""Characters that a passage has at least where the next heading ends it; shorter sections stay together."""

MAX_BLOCK_CHARACTERS = 2 * MAX_PASSAGE_CHARACTERS
"""Characters of the longest passage that keeps a table or code whole."""

MAX_HEADER_CHARACTERS = 600
"""Characters of the names of columns that are said again in each passage of a table."""

_BLANK = re.compile(r"\n[ \t\r]*\n\s*")
_CLOSING = r"[\"'\u201d\u2019)\]]*"  # quotation marks and brackets
_FULL_WIDTH = r"\u3002\uff01\uff1f"  # the full stop and marks of Chinese and Japanese
_PARAGRAPH = re.compile(rf"[.!?:…{_FULL_WIDTH}]{_CLOSING}[ \t\r]*\n")
_SENTENCE = re.compile(rf"[.!?…]{_CLOSING}\s+|[{_FULL_WIDTH}]{_CLOSING}\s*")
_LINE = re.compile(r"\r\n|\n|\r")
_OBJECT = re.compile(r"\}\s*,\s*(?=\{)")
_SEPARATOR = re.compile(r"[,;>}\]]\s*")
_SPACE = re.compile(r"\s+")
_AT = attrgetter("at")
_WORD = re.compile(r"\w")
_BLANKS = re.compile(r"\s*")

PassageEnds = Sequence[re.Pattern[str]]
"""Where a passage may end: after a match of the first pattern that has one."""

ENDS_IN_PROSE: PassageEnds = (_BLANK, _PARAGRAPH, _SENTENCE, _LINE, _SPACE)
ENDS_IN_LINES: PassageEnds = (_BLANK, _LINE, _SENTENCE, _SEPARATOR, _SPACE)
ENDS_IN_OBJECTS: PassageEnds = (_BLANK, _LINE, _OBJECT, _SEPARATOR, _SPACE)
ENDS_IN_CELLS: PassageEnds = (re.compile(r" \| "), _SENTENCE, _SPACE)
ENDS_IN_ROWS: PassageEnds = (_LINE, _SEPARATOR, _SPACE)
_PARAGRAPHS: PassageEnds = (_BLANK,)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading from `at` to `end` in the text; level 1 is the highest."""

    at: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """Text from `at` to `end` that stays whole where it can, and is else cut at its lines: a table, code, an item."""

    at: int
    end: int
    header_end: int = 0
    """Where the rows end that name the columns of a table; they belong to each passage of it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """`text[first:last]`, without white space around it, and the headings over it: `Guide > Setup`."""

    first: int
    last: int
    heading: str
    header: tuple[int, int] | None = None
    """The range of the rows that name the columns, where the passage goes on with a table."""

    def shown(self, text: str) -> str:
        """What the passage says, of the text that it was cut from."""
        passage = text[self.first : self.last]
        return passage if self.header is None else f"{text[slice(*self.header)].rstrip()}\n{passage}"


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage as it is cited: its place, what it says there, and the headings over it."""

    first: int
    last: int
    text: str
    heading: str


def outermost(blocks: Iterable[Block]) -> list[Block]:
    """The blocks that lie in no other one, in order."""
    kept: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.at, -block.end)):
        if block.at < block.end and (not kept or block.at >= kept[-1].end):
            kept.append(block)
    return kept


def header_over(blocks: Sequence[Block], at: int) -> tuple[int, int] | None:
    """The range of the rows that name the columns, where what begins at `at` goes on with a table behind them."""
    block = _block_at(blocks, at)
    if block is None or not block.at < block.header_end <= at:
        return None
    return block.at, min(block.header_end, block.at + MAX_HEADER_CHARACTERS)


def cut_passages(
    text: str,
    headings: Sequence[Heading],
    ends: PassageEnds,
    blocks: Sequence[Block] = (),
    least_section: int = MIN_SECTION_CHARACTERS,
) -> Iterator[Passage]:
    """Passages in order. No word is left out, none stands in two but the names of columns; what holds no word is no
    passage. None ends with a heading. Headings and blocks come in order, and no block lies in another one. A section of
    fewer than `least_section` characters stays with the next.
    """
    begins = [heading.at for heading in headings]
    sections = _sections(text, headings)
    trail: list[Heading] = []
    start = done = 0
    while start < len(text):
        end = _end(text, start, sections, ends, least_section)
        if cut := _block_at(blocks, end):
            end = _end_at_block(text, start, cut)
        if end < len(text):
            end = _before_heading(sections, start, end)
        piece = text[start:end]
        if _WORD.search(piece):
            first = start + len(piece) - len(piece.lstrip())
            last = start + len(piece.rstrip())
            within = bisect_left(begins, last)
            leading = _leading(text, first, headings[done:within]) + done
            step_down(trail, headings[done:leading])
            done = within
            over = trail or headings[leading:done][:1]  # a menu may stand before a page's first heading
            yield Passage(first, last, " > ".join(heading.title for heading in over), header_over(blocks, first))
            step_down(trail, headings[leading:done])
        start = end


@dataclass(frozen=True, slots=True)
class _Sections:
    """Where headings begin, those that stand one under the other as one, and where the text under them begins."""

    begins: list[int]
    texts: list[int]


def _sections(text: str, headings: Sequence[Heading]) -> _Sections:
    sections = _Sections([], [])
    for heading in headings:
        blank = _BLANKS.match(text, heading.end)
        behind = blank.end() if blank else heading.end
        if sections.texts and heading.at <= sections.texts[-1]:
            sections.texts[-1] = behind
        else:
            sections.begins.append(heading.at)
            sections.texts.append(behind)
    return sections


def _end(text: str, start: int, sections: _Sections, ends: PassageEnds, least_section: int) -> int:
    """Where the passage that begins at `start` ends."""
    limit = start + MAX_PASSAGE_CHARACTERS
    following = bisect_left(sections.begins, start + least_section)
    if following < len(sections.begins) and sections.begins[following] <= limit:
        return sections.begins[following]
    if limit >= len(text):
        return len(text)
    if end := _last(text, ends[:1], start + MIN_PASSAGE_CHARACTERS, limit):
        return end
    paragraph = _last(text, _PARAGRAPHS, start + MIN_SECTION_CHARACTERS, start + MIN_PASSAGE_CHARACTERS)
    over = paragraph + MAX_PASSAGE_CHARACTERS
    if paragraph and (over >= len(text) or _BLANK.search(text, paragraph, over)):
        return paragraph  # the next one stays whole only where it begins a passage
    return _last(text, ends[1:], start + MIN_PASSAGE_CHARACTERS, limit) or limit


def _last(text: str, ends: PassageEnds, least: int, limit: int) -> int:
    """The last place in a range where a passage may end; 0 where there is none."""
    for pattern in ends:
        end = 0
        for match in pattern.finditer(text, least, limit):
            end = match.end()
        if end:
            return end
    return 0


def _block_at(blocks: Sequence[Block], at: int) -> Block | None:
    """The block that goes over a place, and does not begin there."""
    before = bisect_left(blocks, at, key=_AT) - 1
    return blocks[before] if before >= 0 and at < blocks[before].end else None


def _end_at_block(text: str, start: int, block: Block) -> int:
    """Where a passage ends that would end within a block: before it, behind it, or else between two of its lines."""
    if block.at - start >= MIN_SECTION_CHARACTERS:
        return block.at
    if start <= block.at and block.end - start <= MAX_BLOCK_CHARACTERS:
        return block.end
    limit = start + MAX_PASSAGE_CHARACTERS
    if not block.header_end and (paragraph := _last(text, _PARAGRAPHS, start + MIN_PASSAGE_CHARACTERS, limit)):
        return paragraph
    least = max(start + MIN_SECTION_CHARACTERS, block.header_end + 2)
    return text.rfind("\n", least, limit) + 1 or _last(text, ENDS_IN_ROWS, least, limit) or limit


def _before_heading(sections: _Sections, start: int, end: int) -> int:
    """The end of a passage, before the headings that it would end with."""
    over = bisect_left(sections.begins, end) - 1
    if over >= 0 and start < sections.begins[over] and end <= sections.texts[over]:
        return sections.begins[over]
    return end


def _leading(text: str, first: int, headings: Sequence[Heading]) -> int:
    """How many of the headings up to a passage's end stand over it: those before it, and those that it begins with."""
    leading = 0
    while leading < len(headings) and headings[leading].at <= first:
        first = max(first, headings[leading].end)
        while first < len(text) and text[first].isspace():
            first += 1
        leading += 1
    return leading


def step_down(trail: list[Heading], headings: Sequence[Heading]) -> None:
    """Let the headings over a place, the highest first, be those over the place behind some more headings."""
    for heading in headings:
        while trail and trail[-1].level >= heading.level:
            trail.pop()
        trail.append(heading)
