"""The text of an RTF document in reading order, with all that stands aside: notes, comments, margins, boxes."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.blocks import DocumentBlock
from mcp_mmretrieval.media.office.gathered import Gathered, MemoryParts
from mcp_mmretrieval.media.office.rich_text.rtf_flow import RtfFlow, distinct_margins, joined_pieces
from mcp_mmretrieval.media.office.rich_text.rtf_tables import RtfTables
from mcp_mmretrieval.media.office.rich_text.rtf_tokens import USUAL_CODEC, Token, codec_of_code_page, tokens
from mcp_mmretrieval.media.office.rich_text.rtf_words import (
    PICTURE_SUFFIXES,
    SKIPPED_DESTINATIONS,
    STARRED_DESTINATIONS,
    SYMBOLS_FOR_LETTERS,
    WORDS_FOR_LETTERS,
)
from mcp_mmretrieval.media.office.symbols import symbol_letter
from mcp_mmretrieval.types import DocumentMetadata

_MAX_GROUPS = 1_000
"""Groups within groups."""
_ENDS = frozenset(["\n", "\r"])
_SAID = ("title", "author", "subject", "keywords", "doccomm", "category", "creatim")
_DESCRIPTION = "wzDescription"
"""The property of a shape with its alternative text."""


@dataclass(slots=True)
class _State:
    """What holds within a group, and those within it."""

    flow: RtfFlow | None
    """Where text goes; nowhere if None."""
    capture: list[str] | None = None
    """Where text goes that is no text of the document."""
    ends: Callable[[], None] | None = None
    """What is done when this group ends."""
    codec: str = ""
    symbols: bool = False
    skip: int = 1
    """How many letters stand in for a letter of Unicode."""
    hidden: bool = False
    deleted: bool = False
    white: bool = False
    in_table: bool = False
    level: int = 0
    """Of a heading, from 1; 0 of other text."""
    is_title: bool = False


class RtfReader:
    """Reads one document, piece by piece."""

    def __init__(self) -> None:
        self._body = RtfFlow()
        self._margins: dict[str, list[list[DocumentBlock]]] = {"header": [], "footer": []}
        self._files: dict[str, bytes] = {}
        self.gathered = Gathered(MemoryParts(self._files))
        self.objects = 0
        """Objects of other programs."""
        self._codec = USUAL_CODEC
        self._tables = RtfTables()
        self._said: dict[str, str] = {}
        self._title = ""
        self._heading = ""
        self._author = ""
        self._notes = 0
        self._state = _State(self._body)
        self._stack: list[_State] = []
        self._bytes = bytearray()
        self._skipping = 0
        """Letters to be passed over: they stand in for one of Unicode."""
        self._starred = False
        self._listed = False
        """Whether the paragraph is an item of a list."""
        self._font_named = 0
        self._in_styles = False
        self._property = ""
        """The name of the property of a shape that comes next."""
        self._picture: tuple[list[str], list[str], list[str]] | None = None

    def read(self, source: str) -> None:
        """Take the whole document."""
        for token in tokens(source):
            self._take(token)
        self._flush()
        self._end_paragraph(self._body)
        self._body.end_table()

    def blocks(self) -> Iterator[DocumentBlock]:
        """Headers, the body, footers."""
        yield from distinct_margins(self._margins["header"])
        yield from self._body.blocks
        yield from distinct_margins(self._margins["footer"])

    def about(self) -> DocumentMetadata:
        """What it says of itself."""
        said, title = self._said, self._title or self._said.get("title", "") or self._heading
        others = (said.get(name, "") for name in ("author", "keywords", "subject", "category", "doccomm"))
        words = dict.fromkeys(filter(None, (*others, said.get("title", "") if said.get("title") != title else "")))
        return DocumentMetadata(
            title=title[:200], keywords="\n".join(words)[:5_000], dated=_moment(said.get("creatim", ""))
        )

    # -- pieces --------------------------------------------------------------------------------------------------------

    def _take(self, token: Token) -> None:
        kind = token.kind
        if kind == "text":
            text = token.text[self._skipping :]
            self._skipping = max(0, self._skipping - len(token.text))
            self._bytes += text.encode("latin-1")
        elif kind == "byte":
            if self._skipping:
                self._skipping -= 1
            else:
                self._bytes += token.text.encode("latin-1")
        elif kind == "word":
            self._flush()
            self._word(token.text, token.number)
        elif kind == "open":
            self._open()
        elif kind == "close":
            self._close()
        elif kind == "symbol":
            self._symbol(token.text)
        elif self._picture is not None and self._state.capture is self._picture[0]:
            self._flush()
            self._picture[0].append(token.text.encode("latin-1").hex())

    def _open(self) -> None:
        self._flush()
        self._skipping = 0
        if len(self._stack) >= _MAX_GROUPS:
            raise UnreadableMedia("corrupt", "its groups are nested too deeply")
        self._stack.append(self._state)
        self._state = copy(self._state)
        self._state.ends = None

    def _close(self) -> None:
        self._flush()
        self._skipping = 0
        if self._state.ends is not None:
            self._state.ends()
        if self._stack:
            self._state = self._stack.pop()

    def _flush(self) -> None:
        """Decode the bytes that have come together."""
        if not self._bytes:
            return
        data, state = bytes(self._bytes), self._state
        self._bytes.clear()
        if state.symbols:
            self._put("".join(symbol_letter("Symbol", f"{letter:x}") for letter in data))
        else:
            self._put(data.decode(state.codec or self._codec, "replace"))

    def _put(self, text: str) -> None:
        state = self._state
        if state.capture is not None:
            state.capture.append(text)
        elif state.flow is not None:
            if state.deleted:
                self.gathered.deleted += _letters(text)
            elif state.hidden or (state.white and not state.in_table and state.flow is self._body):
                self.gathered.hidden += _letters(text)
            else:
                state.flow.text.append(text)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._flush()
            self._starred = True
        elif self._skipping:
            self._skipping -= 1
        elif symbol in _ENDS:
            self._flush()
            self._word("par", None)
        elif symbol in SYMBOLS_FOR_LETTERS:
            self._bytes += SYMBOLS_FOR_LETTERS[symbol].encode("latin-1")

    # -- control words -------------------------------------------------------------------------------------------------

    def _word(self, word: str, number: int | None) -> None:
        starred, self._starred = self._starred, False
        state = self._state
        if word == "u" and number is not None:
            self._put(chr(number % 0x10000))
            self._skipping = state.skip
        elif self._skipping:
            self._skipping -= 1
        elif word in WORDS_FOR_LETTERS:
            self._put(WORDS_FOR_LETTERS[word])
        elif word in _PROPERTIES:
            _PROPERTIES[word](self, number)
        elif word in _DESTINATIONS:
            if state.flow is not None or word in _SAID:
                _DESTINATIONS[word](self, word)
        elif (
            word in SKIPPED_DESTINATIONS
            or (starred and word not in STARRED_DESTINATIONS)
            or (word.startswith("m") and word.endswith("Pr"))
        ):
            state.flow = state.capture = None
        elif word in PICTURE_SUFFIXES and self._picture is not None:
            self._picture[1].append(PICTURE_SUFFIXES[word])

    def _font(self, number: int | None) -> None:
        self._font_named = number or 0
        self._write_in(self._state, self._font_named)

    def _write_in(self, state: _State, font: int) -> None:
        state.symbols, state.codec = self._tables.writing(font)

    def _charset(self, number: int | None) -> None:
        self._tables.charsets[self._font_named] = number or 0

    def _code_page(self, number: int | None) -> None:
        self._codec = codec_of_code_page(number or 0)

    def _plain(self, _: int | None) -> None:
        state = self._state
        state.hidden = state.deleted = state.white = False
        self._write_in(state, self._tables.default_font)

    def _pard(self, _: int | None) -> None:
        self._state.in_table, self._state.level, self._state.is_title = False, 0, False

    def _style(self, number: int | None) -> None:
        state = self._state
        if self._in_styles:
            self._captured(partial(self._define_style, number or 0))
            state.level = 0
            return
        style = self._tables.style(number or 0)
        state.level, state.is_title = style.level, style.is_title

    def _define_style(self, number: int, name: str) -> None:
        self._tables.add_style(number, name, self._state.level)

    def _outline(self, number: int | None) -> None:
        self._state.level = number + 1 if number is not None and 0 <= number < 9 else 0

    def _number(self, number: int | None) -> None:
        """A number of a colour or of a date, kept as text."""
        if self._state.capture is not None:
            self._state.capture.append(f"{number or 0} ")

    def _colour(self, number: int | None) -> None:
        self._state.white = self._tables.is_white(number or 0)

    def _ground(self, number: int | None) -> None:
        if number:
            self._state.white = False

    def _par(self, _: int | None) -> None:
        flow = self._state.flow
        if flow is not None and self._state.capture is None:
            self._end_paragraph(flow)
            if not self._state.in_table:
                flow.end_table()

    def _cell(self, _: int | None) -> None:
        flow = self._state.flow
        if flow is not None:
            self._state.in_table = True
            self._end_paragraph(flow)
            flow.end_cell()

    def _row(self, _: int | None) -> None:
        if self._state.flow is not None:
            self._state.flow.end_row()

    def _header_row(self, _: int | None) -> None:
        if self._state.flow is not None:
            self._state.flow.head()

    def _end_paragraph(self, flow: RtfFlow) -> None:
        state = self._state
        title = flow.end_paragraph(in_table=state.in_table, level=state.level, item=self._listed)
        self._heading = self._heading or title
        if state.is_title:
            self._title = self._title or title
        self._listed = False

    # -- destinations --------------------------------------------------------------------------------------------------

    def _captured(self, then: Callable[[str], None]) -> None:
        """The text of this group is none of the document's."""
        found: list[str] = []
        self._state.capture = found
        self._state.ends = lambda: then(joined_pieces(found))

    def _aside(self, then: Callable[[list[DocumentBlock]], None]) -> None:
        """The text of this group stands elsewhere."""
        flow = RtfFlow()
        self._state = _State(flow, codec=self._state.codec, skip=self._state.skip)

        def end() -> None:
            self._end_paragraph(flow)
            flow.end_table()
            then(flow.blocks)

        self._state.ends = end

    def _margin(self, word: str) -> None:
        self._aside(self._margins["header" if word.startswith("header") else "footer"].append)

    def _note(self, _: str) -> None:
        self._notes += 1
        outer, mark = self._state.flow, f"[{self._notes}]"
        assert outer is not None
        if not outer.text or outer.text[-1] != mark:
            outer.text.append(mark)
        self._aside(partial(outer.follow, mark))

    def _comment(self, _: str) -> None:
        outer, author = self._state.flow, self._author
        assert outer is not None
        self._author = ""
        self._aside(partial(outer.follow, f"Comment ({author}):" if author else "Comment:"))

    def _box(self, _: str) -> None:
        outer = self._state.flow
        assert outer is not None
        self._aside(outer.after.extend)

    def _comment_author(self, _: str) -> None:
        def keep(text: str) -> None:
            self._author = " ".join(text.split())

        self._captured(keep)

    def _info(self, word: str) -> None:
        def keep(text: str) -> None:
            self._said[word] = " ".join(text.split())

        self._captured(keep)

    def _ignored(self, _: str) -> None:
        self._state.flow = self._state.capture = None

    def _object(self, _: str) -> None:
        self.objects += 1

    def _list_text(self, _: str) -> None:
        self._listed = True

    def _font_table(self, _: str) -> None:
        def end(_: str) -> None:
            for state in self._stack:
                self._write_in(state, self._tables.default_font)

        self._captured(end)

    def _style_sheet(self, _: str) -> None:
        def end(_: str) -> None:
            self._in_styles = False

        self._in_styles = True
        self._captured(end)

    def _colour_table(self, _: str) -> None:
        self._captured(self._tables.add_colours)

    def _property_name(self, _: str) -> None:
        def keep(text: str) -> None:
            self._property = text.strip()

        self._captured(keep)

    def _property_value(self, _: str) -> None:
        name, flow = self._property, self._state.flow

        def keep(text: str) -> None:
            words = " ".join(text.split())
            if name != _DESCRIPTION or not words or flow is None:
                return
            if self._picture is not None:
                self._picture[2].append(words)
            else:
                flow.text.append(f" [{words}] ")

        self._captured(keep)

    def _pict(self, _: str) -> None:
        digits: list[str] = []
        kinds: list[str] = []
        said: list[str] = []
        outer, self._picture = self._picture, (digits, kinds, said)
        flow = self._state.flow
        assert flow is not None
        self._state.capture = digits

        def end() -> None:
            self._picture = outer
            self._keep_picture(flow, "".join(digits), next(iter(kinds), ".bmp"), "; ".join(said))

        self._state.ends = end

    def _keep_picture(self, flow: RtfFlow, digits: str, suffix: str, words: str) -> None:
        try:
            data = binascii.unhexlify("".join(digits.split()))
        except (binascii.Error, ValueError):
            data = b""
        name = f"picture{len(self._files) + 1}{suffix}"
        self._files[name] = data
        self.gathered.picture(name, words)
        if words:
            flow.text.append(f" [{words}] ")


def _letters(text: str) -> int:
    return sum(not letter.isspace() for letter in text)


def _moment(written: str) -> float | None:
    numbers = [int(piece) for piece in written.split()]
    try:
        return datetime(*numbers, tzinfo=UTC).timestamp() if len(numbers) >= 3 else None  # type: ignore[misc, arg-type]
    except (ValueError, OverflowError):
        return None


def _switch(name: str) -> Callable[[RtfReader, int | None], None]:
    """A property of letters that is on without a number, and off with 0."""

    def turn(reader: RtfReader, number: int | None) -> None:
        setattr(reader._state, name, number != 0)

    return turn


def _unicode_skip(reader: RtfReader, number: int | None) -> None:
    reader._state.skip = min(max(number or 0, 0), 100)


def _default_font(reader: RtfReader, number: int | None) -> None:
    reader._tables.default_font = number or 0


_PROPERTIES: Mapping[str, Callable[[RtfReader, int | None], None]] = {
    "f": RtfReader._font,
    "deff": _default_font,
    "fcharset": RtfReader._charset,
    "ansicpg": RtfReader._code_page,
    "mac": lambda reader, _: reader._code_page(10000),
    "pc": lambda reader, _: reader._code_page(437),
    "pca": lambda reader, _: reader._code_page(850),
    "uc": _unicode_skip,
    "plain": RtfReader._plain,
    "pard": RtfReader._pard,
    "par": RtfReader._par,
    "sect": RtfReader._par,
    "s": RtfReader._style,
    "outlinelevel": RtfReader._outline,
    "v": _switch("hidden"),
    "deleted": _switch("deleted"),
    "intbl": _switch("in_table"),
    "cf": RtfReader._colour,
    "highlight": RtfReader._ground,
    "chcbpat": RtfReader._ground,
    "cbpat": RtfReader._ground,
    "cb": RtfReader._ground,
    "cell": RtfReader._cell,
    "row": RtfReader._row,
    "trhdr": RtfReader._header_row,
    **dict.fromkeys(("red", "green", "blue", "yr", "mo", "dy", "hr", "min"), RtfReader._number),
}
_DESTINATIONS: Mapping[str, Callable[[RtfReader, str], None]] = {
    "fonttbl": RtfReader._font_table,
    "stylesheet": RtfReader._style_sheet,
    "colortbl": RtfReader._colour_table,
    "info": RtfReader._ignored,
    **dict.fromkeys(_SAID, RtfReader._info),
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), RtfReader._margin),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), RtfReader._margin),
    "footnote": RtfReader._note,
    "annotation": RtfReader._comment,
    "atnauthor": RtfReader._comment_author,
    "shptxt": RtfReader._box,
    "dptxbxtext": RtfReader._box,
    "sn": RtfReader._property_name,
    "sv": RtfReader._property_value,
    "pict": RtfReader._pict,
    "object": RtfReader._object,
    "listtext": RtfReader._list_text,
    "pntext": RtfReader._list_text,
}
