"""Rich Text Format in pieces (specification 1.9.1): groups, control words, text; and the encodings of its letters."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(
    r"\\(?:(?P<word>[a-zA-Z]{1,40})(?P<number>-?\d{1,10})?\ ?|'(?P<hex>[0-9a-fA-F]{2})|(?P<symbol>.))"
    r"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+",
    re.DOTALL | re.VERBOSE,
)

TokenKind = Literal["open", "close", "word", "symbol", "byte", "text", "binary"]


@dataclass(slots=True)
class Token:
    """One piece. Text and bytes are written as Latin-1 letters: what they mean, the font says."""

    kind: TokenKind
    text: str
    number: int | None = None


def tokens(source: str) -> Iterator[Token]:
    """The pieces of a document, which is read as Latin-1."""
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:  # a lone backslash at the end
            return
        at = found.end()
        if (word := found["word"]) is not None:
            number = int(found["number"]) if found["number"] else None
            if word == "bin" and number and number > 0:
                yield Token("binary", source[at : at + number])
                at += number
            else:
                yield Token("word", word, number)
        elif found["text"] is not None:
            yield Token("text", found["text"])
        elif found["hex"] is not None:
            yield Token("byte", chr(int(found["hex"], 16)))
        elif found["brace"] is not None:
            yield Token("open" if found["brace"] == "{" else "close", found["brace"])
        elif found["symbol"] is not None:
            yield Token("symbol", found["symbol"])


SYMBOL_CHARSET = 2
"""The character set of fonts whose letters are signs of their own."""
_CHARSETS = {
    0: "cp1252",
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_CODE_PAGES = {65001: "utf-8", 10000: "mac_roman", 1361: "johab", 936: "gbk"}
USUAL_CODEC = "cp1252"
"""What letters are written in where nothing is said."""


def codec_of_charset(number: int) -> str | None:
    """The encoding of a font's character set; None where the document's own holds."""
    return _CHARSETS.get(number)


def codec_of_code_page(number: int) -> str:
    """The encoding with the number of a code page of Windows; the usual one for an unknown number."""
    name = _CODE_PAGES.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return USUAL_CODEC
