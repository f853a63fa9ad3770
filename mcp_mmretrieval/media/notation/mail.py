"""Mail (RFC 5322, MIME) and mailboxes (mbox): the headers that a person reads, and the text of each message.

The standard library decodes headers; it knows no places, so the parts are found here. Attachments are named, not read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser

from mcp_mmretrieval.media import markup
from mcp_mmretrieval.media.charset import codec_named
from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.notation.transfer import put_decoded
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, Heading

_HEADER = re.compile(r"([!-9;-~]{1,76}):[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)(?:\r?\n|\r|\Z)")
_ENCODED_WORDS = re.compile(r"=\?[^?]*+\?[bBqQ]\?.*?\?=(?:\s*=\?[^?]*+\?[bBqQ]\?.*?\?=)*")
_START = re.compile(r"\A\s*(?:\d{1,12}[ ]*\r?\n)?(?:>?From [^\n]*\n)?")
_MBOX = re.compile(r"^From [^\n]{1,300}\n(?=[!-9;-~]{1,76}:)", re.MULTILINE)
_KNOWN = frozenset(
    ["from", "to", "cc", "date", "subject", "message-id", "mime-version", "received", "return-path", "content-type"]
)
_SHOWN = ("from", "to", "cc", "bcc", "reply-to", "date", "subject")
_MAIL_SUFFIXES = frozenset([".eml", ".mbox", ".mbx", ".emlx", ".mht", ".mhtml"])
_DEEPEST = 12
"""Messages and parts in one another, at most."""


def is_mail(source: str, suffix: str) -> bool:
    """Whether a text begins with the headers of a message: two that are known, or four where the name says nothing."""
    at, names = _START.match(source).end(), set[str]()  # type: ignore[union-attr]  # it matches the empty string
    while (header := _HEADER.match(source, at)) and len(names) < 60 and header[0].strip():
        names.add(header[1].lower())
        at = header.end()
    known = len(names & _KNOWN)
    return known >= 2 if suffix in _MAIL_SUFFIXES else suffix in ("", ".txt") and known >= 4 and "from" in names


def read_mail(source: str) -> Rendering:
    """A message, or all messages of a mailbox one after the other."""
    reader = _Mail(source)
    first = _START.match(source)
    assert first is not None  # it matches the empty string
    further = list(_MBOX.finditer(source, first.end())) if "From " in first[0] else []  # else such a line is a body's
    starts = [first.end(), *(found.end() for found in further)]
    ends = [*(found.start() for found in further), len(source)]
    for begin, end in zip(starts, ends, strict=True):
        reader.message(begin, end)
    notes = reader.notes
    if reader.attachments:
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in reader.attachments[:10])
        names += ", ..." if len(reader.attachments) > 10 else ""
        notes.append(f"Attachments were not read: {names}. Save them as files to have them read.")
    single = len(starts) == 1
    return Rendering(
        mapped=reader.out.mapped(),
        headings=reader.headings,
        ends=ENDS_IN_PROSE,
        title=reader.headings[0].title if single and reader.headings else "",
        dated=reader.dated[0] if single and reader.dated else None,
        notes=notes,
        loose=reader.has_html,
    )


@dataclass(slots=True)
class _Mail:
    """One reading of a mailbox."""

    source: str
    out: MapBuilder = field(init=False)
    headings: list[Heading] = field(default_factory=list)
    dated: list[float | None] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    has_html: bool = False

    def __post_init__(self) -> None:
        self.out = MapBuilder(self.source)

    def message(self, first: int, last: int, depth: int = 0) -> None:
        """A message with its headers."""
        body, headers = self._headers(first, last)
        for found in _HEADER.finditer(self.source, first, body):
            name = found[1].lower()
            if name not in _SHOWN or not found[2].strip():
                continue
            at = self.out.length
            self.out.keep(found.start(), found.start(2))
            value = _decoded_header(found[2])
            self.out.put(value, found.start(2), found.end(2))
            self.out.put("\n", found.end(2), found.end(2))
            if name == "subject":
                title = " ".join(value.split())[:200]
                self.headings += [Heading(at, self.out.length, 1 + depth, title)] if title else []
            elif name == "date":
                self.dated.append(parse_date(value))
        self.out.put("\n", body, body)
        self._part(headers, body, last, depth)
        self.out.put("\n\n", last, last)

    def _part(self, headers: Message[str, str], first: int, last: int, depth: int) -> None:
        kind, name = headers.get_content_type(), headers.get_filename()
        if name or headers.get_content_disposition() == "attachment" or depth > _DEEPEST:
            named = _decoded_header(name or kind)
            self.attachments.append(named)
            self.out.put(f"Attachment: {named}\n", first - 1, first)
        elif kind == "message/rfc822":
            self.message(first, last, depth + 1)
        elif headers.get_content_maintype() == "multipart":
            self._parts(headers, first, last, depth)
        elif kind in ("text/html", "text/plain") or (kind.startswith("text/") and kind != "text/calendar"):
            self._text(headers, first, last, is_html=kind == "text/html")

    def _parts(self, headers: Message[str, str], first: int, last: int, depth: int) -> None:
        """Parts one after the other; of alternatives the plain text, or else the one that is HTML."""
        boundary = headers.get_boundary()
        if not boundary:
            self._text(headers, first, last, is_html=False)
            return
        marks = list(
            re.compile(rf"^--{re.escape(boundary)}(--)?[ \t]*\r?$\n?", re.MULTILINE).finditer(self.source, first, last)
        )
        ends = [*(mark.start() for mark in marks[1:]), last][: len(marks)]
        parts = [(mark.end(), end) for mark, end in zip(marks, ends, strict=True) if not mark[1]]
        read = [(*self._headers(begin, end), end) for begin, end in parts]
        if headers.get_content_type() == "multipart/alternative":
            wanted = ("text/plain", "multipart/related", "multipart/mixed", "text/html")
            filled = [part for part in read if self.source[part[0] : part[2]].strip()]
            read = sorted(filled, key=lambda part: _rank(part[1].get_content_type(), wanted))[:1]
        for body, about, end in read:
            self._part(about, body, end, depth + 1)
            self.out.put("\n", end, end)

    def _text(self, headers: Message[str, str], first: int, last: int, *, is_html: bool) -> None:
        transfer = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
        charset = headers.get_content_charset() or ""
        if not is_html:
            put_decoded(self.out, self.source, first, last, transfer=transfer, charset=charset)
            return
        self.has_html = True
        written = MapBuilder(self.source)
        put_decoded(written, self.source, first, last, transfer=transfer, charset=charset)
        below = written.mapped()
        if below.text.strip():
            read = markup.read_html(below.text)
            self.notes += (note for note in read.notes if note not in self.notes)
            self.out.extend(read.mapped.over(below))

    def _headers(self, first: int, last: int) -> tuple[int, Message[str, str]]:
        """Where the body begins, and what the headers say."""
        at = first
        while at < last and (header := _HEADER.match(self.source, at, last)) and header.end() > at:
            at = header.end()
        headers = HeaderParser().parsestr(self.source[first:at])
        blank = re.compile(r"[ \t]*\r?\n").match(self.source, at, last)
        return blank.end() if blank else at, headers


def _rank(kind: str, wanted: tuple[str, ...]) -> int:
    return wanted.index(kind) if kind in wanted else len(wanted)


def _decoded_header(value: str) -> str:
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
