"""What a message is made of (RFC 5322, MIME): its parts, numbered as IMAP does (RFC 3501, 6.4.5), and where they stand.

The standard library's parser knows no places, and has no bound for parts in parts. It reads the headers alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser

from mcp_mmretrieval.media.charset import codec_named

HEADER = re.compile(r"([!-9;-~]{1,76}):[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)(?:\r?\n|\r|\Z)")
"""One header: its name and its value, with the lines that it is folded into."""
MAX_PART_DEPTH = 12
"""Messages and parts in one another, at most."""

_MAX_HEADERS = 1_000_000
"""Characters of headers that are parsed for what they say of a part."""
_WORD = r"=\?[^?\s]{1,75}\?[bBqQ]\?(?:(?!\?=|=\?[^?\s]{1,75}\?[bBqQ]\?).)*+\?="
_ENCODED_WORDS = re.compile(rf"{_WORD}(?:\s*{_WORD})*")
_RECORDS = frozenset(["text/calendar", "text/vcard", "text/x-vcard", "text/directory"])
"""Texts for programs, which are files even where they have no name."""
_BLANK = re.compile(r"[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class MimePart:
    """A part of a message, or the message itself."""

    headers: Message[str, str]
    number: str
    """`2.1`; of a message that has several parts, that of what it lies in."""
    body: int
    """Where it begins behind its headers."""
    end: int
    depth: int

    @property
    def kind(self) -> str:
        """`text/plain`."""
        return self.headers.get_content_type()

    @property
    def name(self) -> str:
        """What it is called as a file (RFC 2231, RFC 2047); empty for what has no name."""
        return decoded_header(self.headers.get_filename() or "")

    @property
    def is_attached(self) -> bool:
        """Whether it is a file, and no piece of the message."""
        return bool(self.name) or self.headers.get_content_disposition() == "attachment"

    @property
    def is_multipart(self) -> bool:
        """Whether it has parts."""
        return self.headers.get_content_maintype() == "multipart" and bool(self.headers.get_boundary())

    @property
    def is_words(self) -> bool:
        """Whether it is what the message says, and no file."""
        of_many = self.headers.get_content_maintype() == "multipart"
        written = of_many or (self.kind.startswith("text/") and self.kind not in _RECORDS)
        return written and not self.is_multipart and not self.is_attached

    @property
    def transfer(self) -> str:
        """Its transfer encoding."""
        return str(self.headers.get("Content-Transfer-Encoding", "")).strip().lower()


def message_at(source: str, first: int, last: int, within: str = "", depth: int = 0) -> MimePart:
    """The message that stands in a range of a source; `within`: the number of the part that it is."""
    body, headers = _headers(source, first, last)
    part = MimePart(headers, within, body, last, depth)
    if part.is_multipart:
        return part
    return MimePart(headers, f"{within}.1" if within else "1", body, last, depth)


def parts_of(source: str, part: MimePart) -> Sequence[MimePart]:
    """The parts of a part that has some."""
    boundary = part.headers.get_boundary() or ""
    mark = re.compile(rf"^--{re.escape(boundary)}(--)?[ \t]*\r?$\n?", re.MULTILINE)
    marks = list(mark.finditer(source, part.body, part.end))
    ends = [*(mark.start() for mark in marks[1:]), part.end][: len(marks)]
    found = [(mark.end(), end) for mark, end in zip(marks, ends, strict=True) if not mark[1]]
    default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
    parts = []
    for number, (first, last) in enumerate(found, 1):
        body, headers = _headers(source, first, last)
        headers.set_default_type(default)
        numbered = f"{part.number}.{number}" if part.number else f"{number}"
        parts.append(MimePart(headers, numbered, body, last, part.depth + 1))
    return parts


def end_of_words(source: str, part: MimePart) -> int:
    """Where the last of what a message says ends; behind it stand files alone."""
    if part.depth > MAX_PART_DEPTH:
        return part.body
    if part.is_multipart:
        return max((end_of_words(source, each) for each in parts_of(source, part)), default=part.body)
    if part.kind == "message/rfc822" and not part.is_attached:
        return end_of_words(source, message_at(source, part.body, part.end, part.number, part.depth + 1))
    return part.end if part.is_words else part.body


def decoded_header(value: str) -> str:
    """A header as it is read: encoded words decoded (RFC 2047), on one line."""
    unfolded = re.sub(r"\r?\n[ \t]+", " ", value)
    if "=?" not in unfolded:
        return unfolded
    return " ".join(_ENCODED_WORDS.sub(lambda found: _decoded_words(found[0]), unfolded).split())


def _decoded_words(encoded: str) -> str:
    """What a run of encoded words says; as it is written where it is broken."""
    try:
        words = decode_header(encoded)
    except (HeaderParseError, ValueError):
        return encoded
    return "".join(
        word if isinstance(word, str) else word.decode(codec_named(charset or "") or "utf-8", "replace")
        for word, charset in words
    )


def _headers(source: str, first: int, last: int) -> tuple[int, Message[str, str]]:
    """Where the body begins, and what the headers say."""
    at = first
    while at < last and (header := HEADER.match(source, at, last)) and header.end() > at:
        at = header.end()
    headers = HeaderParser().parsestr(source[first : min(at, first + _MAX_HEADERS)])
    blank = _BLANK.match(source, at, last)
    return blank.end() if blank else at, headers
