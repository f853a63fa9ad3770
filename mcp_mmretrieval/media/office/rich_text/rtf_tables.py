"""What an RTF document says at its beginning for later: its fonts, styles and colours, each by its number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcp_mmretrieval.media.office.rich_text.rtf_tokens import SYMBOL_CHARSET, codec_of_charset

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class RtfStyle:
    """What counts of a style of paragraphs."""

    level: int = 0
    """Of a heading, from 1; 0 of other text."""
    is_title: bool = False


class RtfTables:
    """The tables of one document, filled while it is read."""

    def __init__(self) -> None:
        self.charsets: dict[int, int] = {}
        """Of each font."""
        self.default_font = 0
        self._styles: dict[int, RtfStyle] = {}
        self._colours: list[tuple[int, int, int]] = []

    def writing(self, font: int) -> tuple[bool, str]:
        """Whether a font has symbols for letters, and the codec of its letters; empty where it does not say."""
        charset = self.charsets.get(font)
        return charset == SYMBOL_CHARSET, (codec_of_charset(charset) if charset is not None else None) or ""

    def style(self, number: int) -> RtfStyle:
        """The style of this number, or a plain one."""
        return self._styles.get(number, RtfStyle())

    def add_style(self, number: int, name: str, level: int) -> None:
        """A style by its name, which makes it a heading where no `level` says so."""
        name = name.strip().rstrip(";").strip()
        named = _HEADING.fullmatch(name)
        is_title = name.casefold() == "title"
        self._styles[number] = RtfStyle(level or (int(named[1]) if named else int(is_title)), is_title)

    def add_colours(self, text: str) -> None:
        """The table of colours: red, green and blue of each, a semicolon behind it."""
        for entry in text.split(";")[:-1]:
            red, green, blue, *_ = [*map(int, entry.split()), 0, 0, 0]
            self._colours.append((red, green, blue))

    def is_white(self, colour: int) -> bool:
        """Whether a colour is white; the first one is the reader's own choice."""
        return 0 < colour < len(self._colours) and self._colours[colour] == _WHITE
