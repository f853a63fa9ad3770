"""What a message says, as a person reads it: the headers that are shown, and the text of its body.

Places count characters of the source. What is attached is named here, and read by `attachments`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mcp_mmretrieval.media import markup
from mcp_mmretrieval.media.mail.mime import (
    HEADER,
    MAX_PART_DEPTH,
    MimePart,
    decoded_header,
    message_at,
    parts_of,
)
from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.notation.transfer import put_decoded
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, Heading

_START = re.compile(r"\A\s*(?:\d{1,12}[ ]*\r?\n)?(?:>?From [^\n]*\n)?")
_KNOWN = frozenset(
    ["from", "to", "cc", "date", "subject", "message-id", "mime-version", "received", "return-path", "content-type"]
)
_SHOWN = ("from", "to", "cc", "bcc", "reply-to", "date", "subject")
_MAIL_SUFFIXES = frozenset([".eml", ".mbox", ".mbx", ".emlx", ".mht", ".mhtml"])
_PGP = re.compile(r"^-----BEGIN PGP MESSAGE-----\s*$", re.MULTILINE)


def is_mail(source: str, suffix: str) -> bool:
    """Whether a text begins with the headers of a message: two that are known, or four where the name says nothing."""
    at, names = start_of(source), set[str]()
    while (header := HEADER.match(source, at)) and len(names) < 60 and header[0].strip():
        names.add(header[1].lower())
        at = header.end()
    known = len(names & _KNOWN)
    return known >= 2 if suffix in _MAIL_SUFFIXES else suffix in ("", ".txt") and known >= 4 and "from" in names


def start_of(source: str) -> int:
    """Where a message's headers begin: behind the line of a mailbox, and the number of bytes of Apple's files."""
    return _START.match(source).end()  # type: ignore[union-attr]  # it matches the empty string


def read_mail(source: str) -> Rendering:
    """A message, with those within it that are no attached files."""
    reader = _Letter(source)
    reader.message(message_at(source, start_of(source), len(source)), start_of(source))
    mapped = reader.out.mapped()
    if _PGP.search(mapped.text):
        reader.notes.append("What stands between the marks of PGP in it is encrypted.")
    return Rendering(
        mapped=mapped,
        headings=reader.headings,
        ends=ENDS_IN_PROSE,
        title=reader.headings[0].title if reader.headings else "",
        dated=reader.dated[0] if reader.dated else None,
        notes=reader.notes,
        loose=reader.has_html,
    )


@dataclass(slots=True)
class _Letter:
    """One reading of a message."""

    source: str
    out: MapBuilder = field(init=False)
    headings: list[Heading] = field(default_factory=list)
    dated: list[float | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    has_html: bool = False
    _messages: int = 0

    def __post_init__(self) -> None:
        self.out = MapBuilder(self.source)

    def message(self, part: MimePart, first: int) -> None:
        """A message with its headers, which begin at `first`."""
        self._messages += 1
        level = self._messages if self._messages == 1 else part.depth + 1
        for found in HEADER.finditer(self.source, first, part.body):
            name = found[1].lower()
            if name not in _SHOWN or not found[2].strip():
                continue
            at = self.out.length
            self.out.keep(found.start(), found.start(2))
            value = decoded_header(found[2])
            self.out.put(value, found.start(2), found.end(2))
            self.out.put("\n", found.end(2), found.end(2))
            if name == "subject":
                title = " ".join(value.split())[:200]
                self.headings += [Heading(at, self.out.length, level, title)] if title else []
            elif name == "date":
                self.dated.append(parse_date(value))
        self.out.put("\n", part.body, part.body)
        self._part(part)
        self.out.put("\n\n", part.end, part.end)

    def _part(self, part: MimePart) -> None:
        if part.is_multipart and part.depth <= MAX_PART_DEPTH:
            self._parts(part)
        elif part.is_attached or part.depth > MAX_PART_DEPTH:
            self.out.put(f"Attachment: {part.name or part.kind}\n", part.body - 1, part.body)
        elif part.kind == "message/rfc822":
            self.message(message_at(self.source, part.body, part.end, part.number, part.depth + 1), part.body)
        elif part.is_words:
            self._text(part)

    def _parts(self, part: MimePart) -> None:
        """Parts one after the other; of alternatives the plain text, or else the one that is HTML."""
        read = parts_of(self.source, part)
        if part.kind == "multipart/alternative":
            wanted = ("text/plain", "multipart/related", "multipart/mixed", "text/html")
            filled = [each for each in read if self.source[each.body : each.end].strip()]
            read = sorted(filled, key=lambda each: _rank(each.kind, wanted))[:1]
        for each in read:
            self._part(each)
            self.out.put("\n", each.end, each.end)

    def _text(self, part: MimePart) -> None:
        charset = part.headers.get_content_charset() or ""
        if part.kind != "text/html":
            put_decoded(self.out, self.source, part.body, part.end, transfer=part.transfer, charset=charset)
            return
        self.has_html = True
        written = MapBuilder(self.source)
        put_decoded(written, self.source, part.body, part.end, transfer=part.transfer, charset=charset)
        below = written.mapped()
        if below.text.strip():
            read = markup.read_html(below.text)
            self.notes += (note for note in read.notes if note not in self.notes)
            self.out.extend(read.mapped.over(below))


def _rank(kind: str, wanted: tuple[str, ...]) -> int:
    return wanted.index(kind) if kind in wanted else len(wanted)
