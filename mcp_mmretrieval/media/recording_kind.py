"""Whether a file is sound or film, by its first bytes and by what its container holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.container import first_stream, open_container

if TYPE_CHECKING:
    from mcp_mmretrieval.media.source import Source

_STILLS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"crx "})
_SOUND_MARKS = (
    *(b"ID3", b"fLaC", b"OggS", b"caff", b".snd", b"riff", b"#!AMR"),
    *(b"MAC ", b"TTA1", b"wvpk", b"\x7f\xfe\x80\x01"),
)
_FILM_MARKS = (b"\x1aE\xdf\xa3", b"0&\xb2u", b"FLV\x01", b"\0\0\x01\xba", b"\0\0\x01\xb3")


def recording_kind(source: Source) -> Literal["audio", "video"] | None:
    """Whether the bytes are sound or film; None if neither. A broken file is what its first bytes promise."""
    source.file.seek(0)
    promised = _promise(source.file.read(400))
    if promised is None:
        return None
    try:
        with open_container(source.file) as container:
            return "video" if first_stream(container, "video") else "audio"
    except UnreadableMedia:
        return promised


def _promise(head: bytes) -> Literal["audio", "video"] | None:
    """What the first bytes are a sign of. FFmpeg alone would find a film in many a text."""
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILLS else "audio" if head[8:11] in (b"M4A", b"M4B") else "video"
    if head[:4] in (b"RIFF", b"RF64", b"FORM"):
        return "audio" if head[8:12] in (b"WAVE", b"AIFF", b"AIFC") else "video" if head[8:12] == b"AVI " else None
    if head.startswith(_SOUND_MARKS) or _is_mpeg_sound(head) or _is_dolby_sound(head):
        return "audio"
    if head.startswith(_FILM_MARKS) or (head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") and head[0] == 0):
        return "video"
    if len(head) <= 388 or head.isascii():  # a text may well have the letter G in all three places
        return None
    packets = head[0] == head[188] == head[376] or head[4] == head[196] == head[388]
    return "video" if packets and 0x47 in (head[0], head[4]) else None


def _is_mpeg_sound(head: bytes) -> bool:
    """A frame of MPEG layer II or III or of AAC. Layer I is left out: it is also the mark of UTF-16."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    if head[1] & 0xF6 == 0xF0:
        return True
    return (head[1] >> 1) & 3 in (1, 2) and head[2] >> 4 != 15 and (head[2] >> 2) & 3 != 3


def _is_dolby_sound(head: bytes) -> bool:
    """A frame of AC-3 or E-AC-3: the mark, a rate, and a version up to 16 (ATSC A/52)."""
    return head[:2] == b"\x0bw" and len(head) > 5 and head[4] >> 6 != 3 and 6 <= head[5] >> 3 <= 16
