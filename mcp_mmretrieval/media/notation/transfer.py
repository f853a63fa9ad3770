"""Mail's transfer encodings (RFC 2045): quoted-printable and base64, with the place of each letter in the source."""

from __future__ import annotations

import base64
import codecs
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcp_mmretrieval.media.charset import codec_named, encoding_of
from mcp_mmretrieval.media.notation.source_map import MapBuilder

_QUOTED = re.compile(r"=([0-9A-Fa-f]{2})|=[ \t]*(?:\r\n|\n|\r|\Z)|([^=]++)|=")
_WORD = re.compile(r"\S{1,40}\s?|\s")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+")


def put_decoded(out: MapBuilder, source: str, first: int, last: int, *, transfer: str, charset: str) -> None:
    """Add `source[first:last]`, decoded, to a map; as it is written for 7bit, 8bit and what is not known."""
    if transfer == "base64":
        read = _from_base64(source, first, last)
        _put_characters(out, read, codec_named(charset) or encoding_of(bytes(read.data)) or "cp1252")
    elif transfer == "quoted-printable":
        encoding = codec_named(charset) or "utf-8"
        _put_characters(out, _from_quoted(source, first, last, encoding), encoding)
    else:
        out.keep(first, last)


@dataclass(slots=True)
class _Bytes:
    """Bytes, and the range of the source that each comes from."""

    data: bytearray = field(default_factory=bytearray)
    begins: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))

    def add(self, data: bytes, first: int, last: int) -> None:
        self.data += data
        self.begins.extend([first] * len(data))
        self.ends.extend([last] * len(data))


def _from_base64(source: str, first: int, last: int) -> _Bytes:
    at, pieces = array("q"), []
    for found in _BASE64.finditer(source, first, last):
        at.extend(range(*found.span()))
        pieces.append(found[0])
    written = "".join(pieces)
    data = base64.b64decode(written[: len(written) - (len(written) % 4 == 1)] + "===")
    begins = array("q", bytes(8 * len(data)))
    for number in range(3):  # four letters are three bytes, which begin in the first three
        begins[number::3] = at[number::4][: len(range(number, len(data), 3))]
    return _Bytes(bytearray(data), begins, begins[1:] + array("q", [at[-1] + 1])) if data else _Bytes()


def _from_quoted(source: str, first: int, last: int, encoding: str) -> _Bytes:
    out = _Bytes()
    for found in _QUOTED.finditer(source, first, last):
        if found[1]:
            out.add(bytes([int(found[1], 16)]), *found.span())
        elif found[2] and found[2].isascii():
            out.data += found[2].encode()
            out.begins.extend(range(*found.span()))
            out.ends.extend(range(found.start() + 1, found.end() + 1))
        elif found[2] or found[0] == "=":  # as it is written, but for line ends behind a lone "="
            for place, character in enumerate(found[0], found.start()):
                out.add(character.encode(encoding, "replace"), place, place + 1)
    return out


def _put_characters(out: MapBuilder, read: _Bytes, encoding: str) -> None:
    """Characters of bytes, a word at a time; each word comes from where its bytes do."""
    data = bytes(read.data)
    for word, first, last in _words(data, encoding) or _characters(data, encoding):
        out.put(word, read.begins[first], read.ends[last - 1])


def _words(data: bytes, encoding: str) -> list[tuple[str, int, int]]:
    """Words with their ranges of bytes; none where these cannot be told from the words."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return []
    words, at = [], 0
    for found in _WORD.finditer(text):
        length = len(found[0]) if found[0].isascii() else len(found[0].encode(encoding))
        words.append((found[0], at, at + length))
        at += length
    return words if at == len(data) and not encoding.startswith(("iso2022", "hz")) else []


def _characters(data: bytes, encoding: str) -> Iterator[tuple[str, int, int]]:
    """Characters with their ranges of bytes, also where some bytes are none."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    begin = 0
    for at in range(len(data)):
        if text := decoder.decode(data[at : at + 1], at + 1 == len(data)):
            yield text, begin, at + 1
            begin = at + 1
