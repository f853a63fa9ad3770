"""Compressed RTF: the examples of the specification, and what is broken."""

import struct

import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.mail import compressed_rtf
from mcp_mmretrieval.media.mail.compressed_rtf import unpack_rtf

HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
"""[MS-OXRTFCP] 4.1.1."""
CROSSING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
"""[MS-OXRTFCP] 4.1.2: a reference to what it writes itself."""


def plain(data: bytes, kind: int = 0x414C454D) -> bytes:
    """RTF as it may stand too, not compressed."""
    return struct.pack("<IIII", len(data) + 12, len(data), kind, 0) + data


def test_the_examples_of_the_specification_are_unpacked() -> None:
    assert unpack_rtf(HELLO) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpack_rtf(CROSSING) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_what_is_not_compressed_is_given_as_it_is() -> None:
    assert unpack_rtf(plain(b"{\\rtf1 x}") + b"more") == b"{\\rtf1 x}"


def test_what_is_cut_off_is_unpacked_as_far_as_it_goes() -> None:
    for length in range(16, len(HELLO)):
        assert b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n".startswith(unpack_rtf(HELLO[:length])[:8])


def test_what_is_damaged_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"short", plain(b"x", kind=7)):
        with pytest.raises(UnreadableMedia) as failure:
            unpack_rtf(data)
        assert failure.value.code == "corrupt"
    monkeypatch.setattr(compressed_rtf, "MAX_RTF_BYTES", 10)
    with pytest.raises(UnreadableMedia) as failure:
        unpack_rtf(HELLO)
    assert failure.value.code == "too_large"
