"""Mailboxes (mbox, RFC 4155): each message is a file within, whose text and attachments are its own places.

A line `From ...` with a time stands before each message. In its body such a line has a `>` before it (mboxrd), which is
taken away. Finding the messages takes one look at each byte; parsed is only the one that is asked for.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.media.compound import CompoundStep, InnerFile
from mcp_mmretrieval.media.mail.eml import MAX_MESSAGE_BYTES
from mcp_mmretrieval.media.mail.mime import HEADER, decoded_header
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, part_name

MAX_MESSAGES = 50_000
"""Messages of one mailbox that are read."""
_BLOCK = 1 << 20
_LONGEST_LINE = 1_000
_HEADERS = 65_536
_MARK = b"\nFrom "
_BEGIN = re.compile(rb"From [^\r\n]{0,250}\d:\d\d[^\r\n]{0,50}\r?\n(?=[!-9;-~]{1,76}:)")
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)


def recognises(source: Source) -> bool:
    """Whether it begins as each message of a mailbox does."""
    source.file.seek(0)
    return _BEGIN.match(source.file.read(_LONGEST_LINE).lstrip(b"\r\n")) is not None


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The messages in order."""
    further = 0
    for number, (first, last) in enumerate(_messages(source.file), 1):
        if number > MAX_MESSAGES:
            further += 1
            continue
        yield InnerFile(
            part=part_name("part", number),
            name=f"message {number}.eml",
            data=partial(_message, source.file, first, last),
            heading=partial(_heading, source.file, first, last),
            counted=False,
        )
    if further:
        yield DocumentMetadata(
            note=f"Only the first {MAX_MESSAGES:,} of {MAX_MESSAGES + further:,} messages were read."
        )


def _messages(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Where each message begins behind its first line, and where it ends."""
    first, size = -1, file.seek(0, io.SEEK_END)
    for at, line in _lines_that_may_begin(file):
        if found := _BEGIN.match(line):
            if first >= 0:
                yield first, at
            first = at + found.end()
    if first >= 0:
        yield first, size


def _lines_that_may_begin(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Where lines begin with `From `, each with what follows."""
    at, data = 0, b"\n"
    while True:
        file.seek(at)
        block = file.read(_BLOCK)
        if not block:
            return
        begin, data, at = at - len(data), data + block, at + len(block)
        found = data.find(_MARK)
        while found >= 0:
            line = data[found + 1 : found + _LONGEST_LINE]
            if found + _LONGEST_LINE > len(data):
                file.seek(begin + found + 1)
                line = file.read(_LONGEST_LINE)
            yield begin + found + 1, line
            found = data.find(_MARK, found + 1)
        data = data[1 - len(_MARK) :]


def _message(file: BinaryIO, first: int, last: int) -> bytes:
    if last - first > MAX_MESSAGE_BYTES:
        raise UnreadableMedia("too_large", f"the message has {(last - first) / 1e6:,.0f} MB")
    file.seek(first)
    return _QUOTED.sub(b"", file.read(last - first))


def _heading(file: BinaryIO, first: int, last: int) -> str:
    """`Subject — Sender — Date`, as far as they are told."""
    file.seek(first)
    head = decode_text(file.read(min(last - first, _HEADERS)))
    told, at = dict.fromkeys(("subject", "from", "date"), ""), 0
    while (found := HEADER.match(head, at)) and found.end() > at:
        name, at = found[1].lower(), found.end()
        if name in told and not told[name]:
            told[name] = " ".join(decoded_header(found[2]).split())[:200]
    return " — ".join(filter(None, told.values()))
