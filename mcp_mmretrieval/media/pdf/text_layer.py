"""The text layer of one page, its lines in reading order.

PDFium's own text is right for most pages. Where a look at a few letters shows that it may not be, every letter is asked
where it stands, which costs as much as all the rest of a page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from mcp_mmretrieval.media.pdf.cleaning import LINE_END_HYPHEN
from mcp_mmretrieval.media.pdf.reading_order import Piece, in_reading_order
from mcp_mmretrieval.media.pdf.vertical_writing import CJK, Letter, is_vertical, vertical_text

MAX_PAGE_CHARACTERS = 100_000
"""Characters kept of one page."""

_GAP = 1.2
"""Of a line's height: a blank as wide as this parts columns."""
_SAMPLES = 8
"""Long lines that are looked at for a wide blank inside."""
_LONG = 30
"""Characters of a line that may be two lines of two columns, at least."""
_COLUMN_WORDS = 3
"""Words on either side of such a blank, at least."""
_WORD = re.compile(r"\S+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_BLANKS = " \t\xa0"
"""What is taken off a line's ends: Python's own blanks have the codes of TeX's ligatures among them."""
_HIGH, _LOW = 0xD800, 0xDC00
"""Where the first and the second halves of characters begin."""
_CHARACTERS = {code: chr(code) for code in range(0x800)} | {2: LINE_END_HYPHEN}
_MARK = "\x02"
"""What some of PDFium's functions give for a hyphen at the end of a line."""

_Box = tuple[float, float, float, float]


def read_text_layer(page: pypdfium2.PdfPage) -> str:
    """The text of a page as PDFium has it, lines in reading order; to be cleaned. At most `MAX_PAGE_CHARACTERS`."""
    textpage = page.get_textpage()
    try:
        text: str = textpage.get_text_bounded()
        if text:
            # without bounds what lies beyond the page's edge is there too, but letters that stand alone stay apart
            whole = textpage.get_text_range().replace(_MARK, LINE_END_HYPHEN)
            look = _Look(textpage, whole, page.get_bbox())
            text = _laid_out(textpage) if look.suspicious else look.text()
    finally:
        textpage.close()
    return text[:MAX_PAGE_CHARACTERS]


class _Look:
    """The lines of a page, by where a few of their letters stand."""

    def __init__(self, textpage: pypdfium2.PdfTextPage, text: str, edges: _Box) -> None:
        self._textpage = textpage
        self._text = text
        self._boxes: dict[int, _Box] = {}
        self._lines: list[tuple[int, int]] = []
        self._cut = False
        if len(text) != textpage.count_chars():  # else the numbers of letters and those of boxes differ
            return
        start = 0
        for line in text.split("\r\n"):
            if kept := line.strip(_BLANKS):
                first = start + line.index(kept[0])
                last = first + len(kept)
                inside = [_inside(self._box(at), edges) for at in (first, last - 1)]
                self._cut |= inside[0] != inside[1]
                if any(inside):
                    self._lines.append((first, last))
            start += len(line) + 2

    @property
    def suspicious(self) -> bool:
        """Whether lines may be something else than lines: two columns, text that is turned or runs downwards, cut."""
        if self._cut or len(self._text) != self._textpage.count_chars():
            return True
        return self._turned() or self._vertical() or self._columns()

    def text(self) -> str:
        """The lines in reading order."""
        pieces = []
        for start, end in self._lines:
            first, last = self._box(start), self._box(end - 1)
            left, right = min(first[0], last[0]), max(first[2], last[2])
            pieces.append(Piece(self._text[start:end], left, first[1], right, first[3]))
        return in_reading_order(pieces)

    def _box(self, index: int) -> _Box:
        if index not in self._boxes:
            self._boxes[index] = _box(self._textpage, index)
        return self._boxes[index]

    def _sample(self) -> list[tuple[int, int]]:
        return self._lines[:: max(1, len(self._lines) // _SAMPLES)]

    def _turned(self) -> bool:
        sample = self._sample()
        return sum(abs(_angle(self._textpage, start)) > 0.1 for start, _ in sample) > len(sample) / 2

    def _vertical(self) -> bool:
        """Whether lines of a script that can be written downwards run downwards, or hold one letter each."""
        if not re.search(CJK, self._text):
            return False
        sample = self._sample()
        down = [end - start == 1 or self._box(start)[1] >= self._box(end - 1)[3] for start, end in sample]
        return sum(down) > len(down) / 2

    def _columns(self) -> bool:
        """Whether some long lines have a wide blank amid words, behind which some of them go on amid a sentence."""
        long = [(start, end) for start, end in self._lines if end - start >= _LONG]
        if sum(self._gap(start, end) is not None for start, end in long[:: max(1, len(long) // _SAMPLES)]) < 2:
            return False
        behind = [self._text[gap] for start, end in long if (gap := self._gap(start, end)) is not None]
        return any(letter.islower() or letter.lower() == letter.upper() for letter in behind)

    def _gap(self, start: int, end: int) -> int | None:
        """Where words go on behind a wide blank."""
        words = list(_WORD.finditer(self._text, start, end))
        for before, after in pairwise(words[_COLUMN_WORDS - 1 : len(words) - _COLUMN_WORDS + 1]):
            one, other = self._box(before.end() - 1), self._box(after.start())
            if other[0] - one[2] > _GAP * (one[3] - one[1]):
                right = words[words.index(after) :]
                if sum(word[0][0].isalpha() for word in right) >= 0.75 * len(right):
                    return after.start()
        return None


def _laid_out(textpage: pypdfium2.PdfTextPage) -> str:
    """The text by where each letter stands; what is turned alike is read together."""
    turns: dict[int, list[Letter]] = {}
    for turn, letter in _letters(textpage):
        turns.setdefault(turn, []).append(letter)
    groups = sorted(turns.items(), key=lambda group: -len(group[1]))
    return "\n".join(filter(None, (_upright_text(letters, turn != 0) for turn, letters in groups)))


def _upright_text(letters: list[Letter], turned: bool) -> str:
    if is_vertical(letters):
        return vertical_text(letters)
    pieces = list(_pieces(letters))
    if turned and sum(after.middle > before.middle for before, after in pairwise(pieces)) > len(pieces) / 2:
        pieces.sort(key=lambda piece: (-piece.middle, piece.left))  # PDFium sorts lines that run down from the left
    return in_reading_order(pieces)


def _pieces(letters: list[Letter]) -> Iterator[Piece]:
    """The lines as PDFium has them, cut at wide blanks."""
    piece: list[Letter] = []
    for letter in letters:
        ends = letter.text == "\n"
        if ends and piece and piece[-1].text == "\r":
            piece.pop()  # alone it would be a ligature of TeX's
        last = next((one for one in reversed(piece) if one.text != " "), None)
        if last is not None and (ends or _apart(last, letter)):
            yield _piece(piece)
            piece = []
        if not ends and (piece or letter.text != " "):
            piece.append(letter)
    if piece:
        yield _piece(piece)


def _apart(one: Letter, other: Letter) -> bool:
    if other.text == " " or _RIGHT_TO_LEFT.match(one.text) or _RIGHT_TO_LEFT.match(other.text):
        return False
    return other.left - one.right > _GAP * one.height > 0


def _piece(letters: list[Letter]) -> Piece:
    seen = [letter for letter in letters if letter.seen] or letters
    return Piece(
        "".join(letter.text for letter in letters).strip(_BLANKS),
        min(letter.left for letter in seen),
        median(letter.bottom for letter in seen),
        max(letter.right for letter in seen),
        median(letter.top for letter in seen),
    )


def _letters(textpage: pypdfium2.PdfTextPage) -> Iterator[tuple[int, Letter]]:
    """Every letter on the page with the quarter by which it is turned, its box as if it were not."""
    edges = textpage.page.get_bbox()
    turn, high = 0, ""
    for index in range(min(textpage.count_chars(), MAX_PAGE_CHARACTERS)):
        code = pdfium.FPDFText_GetUnicode(textpage.raw, index)
        if _HIGH <= code < _LOW:
            high = chr(code)
            continue
        text = _CHARACTERS.get(code) or _character(high, code)
        high = ""
        box = _box(textpage, index)
        if not text.isspace():
            if not _inside(box, edges):
                continue
            turn = round(_angle(textpage, index) / (math.pi / 2)) % 4
        yield turn, Letter(text, *_upright(box, turn)) if turn else Letter(text, *box)


def _character(high: str, code: int) -> str:
    """The character of a code, which may be the second half of one."""
    return (high + chr(min(code, 0x10FFFF))).encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _upright(box: _Box, turn: int) -> _Box:
    left, bottom, right, top = box
    match turn:
        case 1:  # runs down the page
            return -top, left, -bottom, right
        case 2:
            return -right, -top, -left, -bottom
        case 3:
            return bottom, -right, top, -left
    return box


def _inside(box: _Box, edges: _Box) -> bool:
    """Whether the middle of a letter lies on the page."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return edges[0] <= x <= edges[2] and edges[1] <= y <= edges[3]


def _box(textpage: pypdfium2.PdfTextPage, index: int) -> _Box:
    """Left, bottom, right, top: the letter's advance and the height of its line."""
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box)
    return box.left, box.bottom, box.right, box.top


def _angle(textpage: pypdfium2.PdfTextPage, index: int) -> float:
    """Radians by which a letter is turned clockwise."""
    return float(pdfium.FPDFText_GetCharAngle(textpage.raw, index))
