"""Compressed RTF ([MS-OXRTFCP]): how Outlook keeps the body of a message."""

from __future__ import annotations

import struct

from mcp_mmretrieval.errors import UnreadableMedia

MAX_RTF_BYTES = 50_000_000
"""Bytes of a body, unpacked."""
_BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What the dictionary begins with (2.1.2.1)."""
_DICTIONARY = 4096
_HEADER = struct.Struct("<IIII")
_PACKED = 0x75465A4C
_PLAIN = 0x414C454D


def unpack_rtf(data: bytes) -> bytes:
    """The RTF. What is cut off is unpacked as far as it goes. Raises UnreadableMedia."""
    if len(data) < _HEADER.size:
        raise UnreadableMedia("corrupt", "the body is damaged")
    _, length, kind, _ = _HEADER.unpack_from(data)
    if length > MAX_RTF_BYTES:
        raise UnreadableMedia("too_large", f"the body unpacks to {length / 1e6:,.0f} MB")
    if kind == _PLAIN:
        return data[_HEADER.size : _HEADER.size + length]
    if kind != _PACKED:
        raise UnreadableMedia("corrupt", "the body is damaged")
    return _unpacked(data, length)


def _unpacked(data: bytes, length: int) -> bytes:
    """LZ77 with a ring of 4,096 bytes: what was written stands in it, behind what it begins with."""
    out = bytearray(_BEGINNING)
    end, at = len(_BEGINNING) + length, _HEADER.size
    while at < len(data) and len(out) < end:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data) or len(out) >= end:
                break
            if not control >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            reference = int.from_bytes(data[at : at + 2], "big")
            at += 2
            back = (len(out) - (reference >> 4)) % _DICTIONARY
            if back == 0 or back > len(out):  # the place of writing marks the end
                return bytes(out[len(_BEGINNING) :])
            for _ in range((reference & 15) + 2):
                out.append(out[-back])
    return bytes(out[len(_BEGINNING) : end])
