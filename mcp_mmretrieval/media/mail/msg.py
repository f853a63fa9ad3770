"""Outlook's messages ([MS-OXMSG] in [MS-CFB] containers): what they say, and what is attached to them.

A message is a storage of streams, one a property; recipients and attachments are storages in it, and so are messages
that are attached. They have no order of MIME, so the body counts as the first part, and what is attached follows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO

from olefile import OleFileIO  # type: ignore[import-untyped]

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import markup
from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.media.compound import MAX_DEPTH, CompoundStep, InnerFile, TextPart
from mcp_mmretrieval.media.mail.appointments import END, LOCATION, START, appointment_numbers
from mcp_mmretrieval.media.mail.attachments import ENCRYPTED, alternative_texts, is_decoration
from mcp_mmretrieval.media.mail.compressed_rtf import unpack_rtf
from mcp_mmretrieval.media.office.blocks import write_blocks
from mcp_mmretrieval.media.office.rich_text.rtf_text import RtfReader
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.roots.secrets import is_secret
from mcp_mmretrieval.types import DocumentMetadata, part_name

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROPERTIES = "__properties_version1.0"
_ATTACHMENT = "__attach_version1.0_#"
_RECIPIENT = "__recip_version1.0_#"
_OF_ROOT, _OF_MESSAGE, _OF_OTHERS = 32, 24, 8
"""Bytes before the properties of fixed length, in each kind of storage (2.4.1)."""
_NAMES, _NAME_SETS, _NAME_ENTRIES = "__nameid_version1.0", 2, 3
_BY_VALUE, _EMBEDDED_MESSAGE, _OLE_OBJECT = 1, 5, 6
_DAYS_TO_1970 = 134_774

_SUBJECT, _BODY, _HTML, _RTF, _CLASS = 0x0037, 0x1000, 0x1013, 0x1009, 0x001A
_SENT, _DELIVERED, _CODEPAGES = 0x0039, 0x0E06, (0x3FDE, 0x3FFD)
_SENDERS = ((0x0C1A, (0x5D01, 0x0C1F)), (0x0042, (0x5D02, 0x0065)))
"""Who sent it, by name and address; else for whom it was sent."""
_NAME, _ADDRESSES, _ROLE = 0x3001, (0x39FE, 0x3003), 0x0C15
_ROLES = {1: "To", 2: "Cc", 3: "Bcc"}
_DISPLAYED = {"To": 0x0E04, "Cc": 0x0E03, "Bcc": 0x0E02}
_OF_CONTACTS = {
    "Company": 0x3A16,
    "Job title": 0x3A17,
    "Phone (work)": 0x3A08,
    "Phone (mobile)": 0x3A1C,
    "Phone (home)": 0x3A09,
}
_DATA, _METHOD, _FILE_NAMES, _CONTENT_ID = 0x3701, 0x3705, (0x3707, 0x3704, 0x3001), 0x3712
_CODEPAGE_LABELS = {65001: "utf-8", 20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 50220: "iso-2022-jp"} | {
    28_590 + part: f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15)
}


def recognises(source: Source) -> bool:
    """Whether it is a container that holds the properties of a message."""
    source.file.seek(0)
    if source.file.read(len(_MAGIC)) != _MAGIC:
        return False
    try:
        return bool(_opened(source.file, source.name).exists(_PROPERTIES))
    except UnreadableMedia:
        return False


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The message, then what is attached to it."""
    file = _opened(source.file, source.name)
    message = _Message(_Storage(file, (), _children(file), _OF_ROOT), limits)
    yield message.metadata()
    yield from message.parts()


@dataclass(slots=True)
class _Storage:
    """A storage with its properties."""

    file: OleFileIO
    path: tuple[str, ...]
    children: Mapping[tuple[str, ...], list[str]]
    """The names in each storage."""
    offset: int
    _fixed: dict[int, bytes] | None = None

    def storages(self, beginning: str) -> list[str]:
        """The names of those in it that begin in a way, in order."""
        return sorted(name for name in self.children.get(self.path, []) if name.startswith(beginning))

    def within(self, name: str, offset: int) -> _Storage:
        """One that lies in it."""
        return _Storage(self.file, (*self.path, name), self.children, offset)

    def binary(self, number: int) -> bytes | None:
        """The bytes of a property; None where it has none."""
        return self._stream(f"__substg1.0_{number:04X}0102")

    def text(self, *numbers: int) -> str:
        """The first of some properties that has words."""
        for number in numbers:
            wide = self._stream(f"__substg1.0_{number:04X}001F")
            if wide is not None:
                said = wide.decode("utf-16-le", "replace")
            else:
                said = decode_text(self._stream(f"__substg1.0_{number:04X}001E") or b"", self.codepage)
            if said := said.strip("\0 \r\n\t"):
                return said
        return ""

    def number(self, number: int) -> int | None:
        """A property that is a whole number of 32 bits."""
        value = self.fixed.get(number)
        return None if value is None else int(struct.unpack("<i", value[:4])[0])

    def moment(self, *numbers: int) -> float | None:
        """The first of some properties that is a time: seconds since 1970."""
        for number in numbers:
            ticks = int.from_bytes(self.fixed.get(number, b""), "little")  # of 100 ns, since 1601
            if ticks:
                return ticks / 1e7 - _DAYS_TO_1970 * 86_400
        return None

    @property
    def appointment(self) -> dict[str, str]:
        """When and where it takes place, where it is an appointment."""
        names = _Storage(self.file, (_NAMES,), self.children, 0)
        numbers = appointment_numbers(names.binary(_NAME_ENTRIES) or b"", names.binary(_NAME_SETS) or b"")
        times = [self.moment(numbers[name]) for name in (START, END) if name in numbers]
        where = self.text(numbers[LOCATION]) if LOCATION in numbers else ""
        when = " to ".join(_written(time) for time in times if time is not None)
        return {name: said for name, said in (("When", when), ("Where", where)) if said}

    @property
    def codepage(self) -> str:
        """The name of the encoding of texts that are not Unicode."""
        page = next((page for number in _CODEPAGES if (page := self.number(number))), 0)
        return _CODEPAGE_LABELS.get(page, f"cp{page}")

    @property
    def fixed(self) -> dict[int, bytes]:
        """Eight bytes a property of fixed length, by its number."""
        if self._fixed is None:
            data = (self._stream(_PROPERTIES) or b"")[self.offset :]
            rows = struct.iter_unpack("<HHI8s", data[: len(data) // 16 * 16])
            self._fixed = {number: value for _, number, _, value in rows}
        return self._fixed

    def _stream(self, name: str) -> bytes | None:
        if name not in self.children.get(self.path, []):
            return None
        try:
            return bytes(self.file.openstream([*self.path, name]).read())
        except (OSError, ValueError, IndexError) as error:
            raise UnreadableMedia("corrupt", "a part of the message is damaged") from error


@dataclass(slots=True)
class _Message:
    """A message, or one that is attached to one."""

    storage: _Storage
    limits: Limits
    part: str = ""
    depth: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """Its subject, on one line."""
        return " ".join(self.storage.text(_SUBJECT).split())

    def metadata(self) -> DocumentMetadata:
        """Title and date."""
        return DocumentMetadata(title=self.subject[:200], dated=self.storage.moment(_SENT, _DELIVERED))

    def parts(self) -> Iterator[CompoundStep]:
        """Its text, then what is attached."""
        page = self._page()
        yield TextPart(text=self._text(page).built(), part=self.part, heading=self.subject[:200] if self.part else "")
        if self.storage.text(_CLASS).upper().startswith("IPM.NOTE.SMIME"):
            self.notes.append(ENCRYPTED)
        for note in self.notes:
            yield DocumentMetadata(note=note)
        alts = alternative_texts(page)
        for number, name in enumerate(self.storage.storages(_ATTACHMENT), 2):
            yield from self._attached(self.storage.within(name, _OF_OTHERS), part_name("part", number), alts)

    def _attached(self, storage: _Storage, number: str, alts: Mapping[str, str]) -> Iterator[CompoundStep]:
        part = "&".join(filter(None, (self.part, number)))
        name = storage.text(*_FILE_NAMES)
        method = storage.number(_METHOD) or _BY_VALUE
        inner = f"__substg1.0_{_DATA:04X}000D"
        if method == _EMBEDDED_MESSAGE and storage.storages(inner):
            if self.depth >= MAX_DEPTH:
                yield DocumentMetadata(note=f"{name or number} was not read: it is a file within {MAX_DEPTH} others.")
                return
            within = storage.within(inner, _OF_MESSAGE)
            yield from _Message(within, self.limits, part, self.depth + 1).parts()
        elif method == _OLE_OBJECT:
            yield DocumentMetadata(note=f"{name or number} was not read: it is an object of another program.")
        elif (data := storage.binary(_DATA)) is None:
            yield DocumentMetadata(note=f"{name or number} was not read: the message only says where it lies.")
        elif is_secret(name, is_folder=False):
            yield DocumentMetadata(note=f"{name} was left out: it is named like keys and passwords.")
        else:
            content_id = storage.text(_CONTENT_ID).strip("<>")
            if content_id in alts and is_decoration(data):
                return
            yield InnerFile(
                part=part,
                name=name or number,
                data=partial(bytes, data),
                heading=" > ".join(
                    filter(None, (self.subject[:200] if self.part else "", alts.get(content_id) or name))
                ),
            )

    def _text(self, page: str) -> TextBuilder:
        """Headers as a mail shows them, then the body."""
        text, storage = TextBuilder(), self.storage
        text.heading(self.subject, 1)
        for name, addresses in _SENDERS:
            if sender := _addressed(storage.text(name), storage.text(*addresses)):
                text.line(f"From: {sender}")
                break
        for role, people in self._recipients().items():
            text.line(f"{role}: {', '.join(people)}")
        if moment := storage.moment(_SENT, _DELIVERED):
            text.line(f"Date: {_written(moment)}")
        for what, said in storage.appointment.items():
            text.line(f"{what}: {said}")
        for field_name, number in _OF_CONTACTS.items():
            if said := storage.text(number):
                text.line(f"{field_name}: {said}")
        self._body(text, page)
        return text

    def _body(self, text: TextBuilder, page: str) -> None:
        plain = self.storage.text(_BODY)
        if plain:
            text.paragraph(plain[: self.limits.characters])
        elif page:
            self._put_page(text, page)
        elif packed := self.storage.binary(_RTF):
            try:
                rtf = RtfReader()
                rtf.read(unpack_rtf(packed).decode("latin-1"))
                write_blocks(rtf.blocks(), text, self.limits.characters)
            except UnreadableMedia as failure:
                self.notes.append(f"The body of the message could not be read: {failure}.")

    def _put_page(self, text: TextBuilder, page: str) -> None:
        read = markup.read_html(page[: self.limits.characters])
        self.notes += read.notes
        words, at = read.mapped.text, 0
        for heading in read.headings:
            text.paragraph(markup.tidy_blanks(words[at : heading.at]))
            text.heading(heading.title, heading.level + 1)
            at = heading.end
        text.paragraph(markup.tidy_blanks(words[at:]))

    def _page(self) -> str:
        """The body as HTML; empty where it has none."""
        written = self.storage.binary(_HTML)
        return decode_text(written, self.storage.codepage) if written else self.storage.text(_HTML)

    def _recipients(self) -> dict[str, list[str]]:
        """Who it goes to, by role."""
        found: dict[str, list[str]] = {}
        for name in self.storage.storages(_RECIPIENT):
            recipient = self.storage.within(name, _OF_OTHERS)
            role = _ROLES.get((recipient.number(_ROLE) or 1) & 15, "To")
            if person := _addressed(recipient.text(_NAME), recipient.text(*_ADDRESSES)):
                found.setdefault(role, []).append(person)
        if not found:
            found = {role: [said] for role, number in _DISPLAYED.items() if (said := self.storage.text(number))}
        return found


def _opened(file: BinaryIO, name: str) -> OleFileIO:
    file.seek(0)
    try:
        return OleFileIO(file)
    except (OSError, ValueError, IndexError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise UnreadableMedia("corrupt", f"{name}: the container of the message is damaged") from error


def _children(file: OleFileIO) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for path in file.listdir(streams=True, storages=True):
        found.setdefault(tuple(path[:-1]), []).append(path[-1])
    return found


def _addressed(name: str, address: str) -> str:
    """`Ann Oar <ann@example.org>`; addresses of an Exchange server (`/o=...`) tell nobody anything."""
    address = "" if address.startswith("/") else address
    return f"{name} <{address}>" if name and address and name != address else name or address


def _written(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "unknown"
