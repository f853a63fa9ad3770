"""Mail's transfer encodings (RFC 2045): quoted-printable and base64, with the place of each letter in the source."""

from __future__ import annotations

import base64
import codecs
import re
from array import array
from dataclasses import dataclass, field

from mcp_mmretrieval.media.charset import codec_named, encoding_of
from mcp_mmretrieval.media.notation.source_map import MapBuilder

_QUOTED = re.compile(r"=([0-9A-Fa-f]{2})|=[ \t]*(?:\r\n|\n|\r|\Z)|([^=]++)|=")
_BASE64 = re.compile(r"[A-Za-z0-9+/]")


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
    at = [found.start() for found in _BASE64.finditer(source, first, last)]
    written = "".join(source[place] for place in at)
    data = base64.b64decode(written[: len(written) - (len(written) % 4 == 1)] + "===")
    begins = array("q", (at[byte * 4 // 3] for byte in range(len(data))))
    return _Bytes(bytearray(data), begins, begins[1:] + array("q", [at[-1] + 1 if at else first]) if data else begins)


def _from_quoted(source: str, first: int, last: int, encoding: str) -> _Bytes:
    out = _Bytes()
    for found in _QUOTED.finditer(source, first, last):
        if found[1]:
            out.add(bytes([int(found[1], 16)]), *found.span())
        elif found[2] or found[0] == "=":  # as it is written, but for line ends behind a lone "="
            for place, character in enumerate(found[0], found.start()):
                out.add(character.encode(encoding, "replace"), place, place + 1)
    return out


def _put_characters(out: MapBuilder, read: _Bytes, encoding: str) -> None:
    """Characters of bytes; each comes from where its bytes do."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    begin = 0
    for at in range(len(read.data)):
        if text := decoder.decode(read.data[at : at + 1], at + 1 == len(read.data)):
            out.put(text, read.begins[begin], read.ends[at])
            begin = at + 1
