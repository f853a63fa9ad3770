"""How a text is cut into passages, for `text`: at headings, blank lines, sentences, lines; in this order of liking."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_PASSAGE_CHARACTERS = 1200
"""Characters of the longest passage."""

MIN_PASSAGE_CHARACTERS = 700
"""Characters that a passage has at least where it ends in the middle of a section."""

MIN_SECTION_CHARACTERS = 300
"""Characters that a passage has at least where the next heading ends it; shorter sections stay together."""

MAX_BLOCK_CHARACTERS = 2 * MAX_PASSAGE_CHARACTERS
"""Characters of the longest passage that keeps a table or code whole."""

_BLANK = re.compile(r"\n[ \t\r]*\n\s*")
_CLOSING = r"[\"'\u201d\u2019)\]]*"  # quotation marks and brackets
_FULL_WIDTH = r"\u3002\uff01\uff1f"  # the full stop and marks of Chinese and Japanese
_PARAGRAPH = re.compile(rf"[.!?:…{_FULL_WIDTH}]{_CLOSING}[ \t\r]*\n")
_SENTENCE = re.compile(rf"[.!?…]{_CLOSING}\s+|[{_FULL_WIDTH}]{_CLOSING}\s*")
_LINE = re.compile(r"\r\n|\n|\r")
_OBJECT = re.compile(r"\}\s*,\s*(?=\{)")
_SEPARATOR = re.compile(r"[,;>}\]]\s*")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w")

PassageEnds = Sequence[re.Pattern[str]]
"""Where a passage may end: after a match of the first pattern that has one."""

ENDS_IN_PROSE: PassageEnds = (_BLANK, _PARAGRAPH, _SENTENCE, _LINE, _SPACE)
ENDS_IN_LINES: PassageEnds = (_BLANK, _LINE, _SENTENCE, _SEPARATOR, _SPACE)
ENDS_IN_OBJECTS: PassageEnds = (_BLANK, _LINE, _OBJECT, _SEPARATOR, _SPACE)
ENDS_IN_CELLS: PassageEnds = (re.compile(r" \| "), _SENTENCE, _SPACE)
ENDS_IN_ROWS: PassageEnds = (_LINE, _SEPARATOR, _SPACE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading from `at` to `end` in the text; level 1 is the highest."""

    at: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """Text from `at` to `end` that stays whole where it can, and is else cut at its lines: a table, code."""

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


def cut_passages(
    text: str,
    headings: Sequence[Heading],
    ends: PassageEnds,
    blocks: Sequence[Block] = (),
    least_section: int = MIN_SECTION_CHARACTERS,
) -> Iterator[Passage]:
    """Passages in order. No word is left out, none stands in two but the names of columns; what holds no word is no
    passage. Headings and blocks come in order. A section of fewer than `least_section` characters stays with the next.
    """
    begins = [heading.at for heading in headings]
    trail: list[Heading] = []
    start = done = 0
    while start < len(text):
        end = _end(text, start, begins, ends, least_section)
        if cut := _block_at(blocks, end):
            end = _end_at_block(text, start, cut)
        piece = text[start:end]
        if _WORD.search(piece):
            first = start + len(piece) - len(piece.lstrip())
            last = start + len(piece.rstrip())
            within = bisect_left(begins, last)
            leading = _leading(text, first, headings[done:within]) + done
            step_down(trail, headings[done:leading])
            done = within
            over = trail or headings[leading:done][:1]  # a menu may stand before a page's first heading
            block = _block_at(blocks, first)
            header = (block.at, block.header_end) if block and block.at < block.header_end <= first else None
            yield Passage(first, last, " > ".join(heading.title for heading in over), header)
            step_down(trail, headings[leading:done])
        start = end


def _end(text: str, start: int, begins: Sequence[int], ends: PassageEnds, least_section: int) -> int:
    """Where the passage that begins at `start` ends."""
    limit = start + MAX_PASSAGE_CHARACTERS
    following = bisect_left(begins, start + least_section)
    if following < len(begins) and begins[following] <= limit:
        return begins[following]
    if limit >= len(text):
        return len(text)
    for pattern in ends:
        found = [match.end() for match in pattern.finditer(text, start + MIN_PASSAGE_CHARACTERS, limit)]
        if found:
            return found[-1]
    return limit


def _block_at(blocks: Sequence[Block], at: int) -> Block | None:
    """The block that goes over a place, and does not begin there."""
    before = bisect_left(blocks, at, key=lambda block: block.at) - 1
    return blocks[before] if before >= 0 and at < blocks[before].end else None


def _end_at_block(text: str, start: int, block: Block) -> int:
    """Where a passage ends that would end within a block: before it, behind it, or else between two of its lines."""
    if block.at - start >= MIN_SECTION_CHARACTERS:
        return block.at
    if start <= block.at and block.end - start <= MAX_BLOCK_CHARACTERS:
        return block.end
    limit = start + MAX_PASSAGE_CHARACTERS
    line = text.rfind("\n", max(start, block.header_end), limit) + 1
    return line if line > start else limit


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


_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*\Z)|~{3,})(?P<info>[^\r\n]*)")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+\Z")
_HASHES = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)", re.DOTALL)
_UNDERLINE = re.compile(r"(=+|-{3,}|~{3,})\s*")
_NO_TITLE = re.compile(r"\s|[-=>*+|#`:]")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_FRONT = re.compile(r"(---|\+\+\+)[ \t]*\r?\n.*?^(?:\1|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LEVELS = {"=": 1, "-": 2, "~": 3}


def markdown_headings(text: str) -> list[Heading]:
    """Headings by `#` and by underlines, outside of code and front matter."""
    front = _FRONT.match(text)
    headings = []
    fence, before = "", None
    for line in _LINES.finditer(text, front.end() if front else 0):
        mark = _FENCE.match(line[0])
        if fence:
            if mark and mark["fence"].startswith(fence) and not mark["info"].strip():
                fence = ""
        elif mark and not (before and _is_underlined(before[0], line[0])):
            fence = mark["fence"]
        elif hashes := _HASHES.match(line[0]):
            title = _CLOSING_HASHES.sub("", hashes[2].rstrip()).rstrip()
            headings.append(Heading(line.start(), line.end(), len(hashes[1]), _plain(title)))
        elif before and _UNDERLINE.fullmatch(line[0]) and not _NO_TITLE.match(before[0]):
            headings.append(Heading(before.start(), line.end(), _LEVELS[line[0][0]], _plain(before[0].strip())))
        before = line if not mark and not fence else None
    return [heading for heading in headings if heading.title]


def _is_underlined(title: str, line: str) -> bool:
    """Whether a line of tildes is no fence but the underline of a title, at least as long, as in reStructuredText."""
    return not line.strip().strip("~") and not _NO_TITLE.match(title) and len(line.strip()) >= len(title.strip())


def _plain(title: str) -> str:
    return _LINK.sub(r"\1", title[:500]).replace("`", "").replace("**", "").strip()[:200]
