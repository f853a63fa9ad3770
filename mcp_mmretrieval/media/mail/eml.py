"""Messages (RFC 5322, MIME; also Apple's .emlx and web archives): their text, and the files that they hold."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.mail.attachments import attached_files
from mcp_mmretrieval.media.mail.letter import is_mail, read_mail, start_of
from mcp_mmretrieval.media.mail.mime import end_of_words, message_at
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.source_text import SourceText, decode_source
from mcp_mmretrieval.types import DocumentMetadata

MAX_MESSAGE_BYTES = 300_000_000
"""Bytes of one message, with all that is attached."""
_HEAD = 65_536
_LENGTH = re.compile(rb"\s*(\d{1,12})[ ]*\r?\n")


def recognises(source: Source) -> bool:
    """Whether it begins with headers that mails have; how many it takes depends on its name."""
    source.file.seek(0)
    return is_mail(decode_text(source.file.read(_HEAD)), PurePath(source.name).suffix.lower())


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The message's text, whose places count the file's characters, then each file that it holds."""
    source.file.seek(0)
    data = source.file.read(MAX_MESSAGE_BYTES)
    if source.file.read(1):
        yield DocumentMetadata(note=f"Only the first {MAX_MESSAGE_BYTES / 1e6:,.0f} MB of the message were read.")
    length = _LENGTH.match(data)
    if length:  # of Apple's files: behind the message stands a list of its flags
        data = data[: length.end() + int(length[1])]
    decoded = decode_source(replace(source, file=io.BytesIO(data)), limits)
    if decoded.cut:
        source_of_bytes = data.decode("latin-1")
        message = message_at(source_of_bytes, start_of(source_of_bytes), len(source_of_bytes))
        decoded = replace(decoded, cut=end_of_words(source_of_bytes, message) > limits.characters)
    read = read_mail(decoded.text)
    yield from decoded.metadata(read, limits)
    yield TextPart(text=SourceText(read, len(decoded.text), source.name))
    yield from attached_files(data)
