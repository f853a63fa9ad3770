"""The files that a message holds: what is attached to it, and the pictures that its text shows."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from functools import partial

from PIL import Image

from mcp_mmretrieval.media.charset import codec_named, decode_text
from mcp_mmretrieval.media.compound import InnerFile
from mcp_mmretrieval.media.mail.letter import start_of
from mcp_mmretrieval.media.mail.mime import MAX_PART_DEPTH, MimePart, message_at, parts_of
from mcp_mmretrieval.roots.secrets import is_secret
from mcp_mmretrieval.types import DocumentMetadata, part_name

_SIGNATURES = frozenset(["application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"])
_CRYPTOGRAMS = frozenset(["application/pkcs7-mime", "application/x-pkcs7-mime"])
_SUFFIXES = {
    "message/rfc822": ".eml",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/directory": ".vcf",
    "text/csv": ".csv",
    "text/markdown": ".md",
}
"""What a file's name ends with that has none."""
_IMAGE = re.compile(r"<img\b[^>]{0,10000}>", re.IGNORECASE)
_CONTENT_ID = re.compile(r"""\bsrc\s*=\s*["']?cid:([^"'\s>]+)""", re.IGNORECASE)
_ALT = re.compile(r"""(?<![\w-])alt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_DECORATION_SIDE = 16
"""Pixels of the shorter side of a picture that only decorates."""
ENCRYPTED = "It is encrypted: only its headers were read. Save it decrypted in your mail program to have it read."


def attached_files(data: bytes) -> Iterator[InnerFile | DocumentMetadata]:
    """The files of a message in order, each numbered as IMAP does, and what is not read of them."""
    found = _Attachments(data.decode("latin-1"))
    yield from found.files()


@dataclass(slots=True)
class _Attachments:
    """One walk through a message's parts. The source has a character a byte."""

    source: str

    def files(self) -> Iterator[InnerFile | DocumentMetadata]:
        """All of the message."""
        message = message_at(self.source, start_of(self.source), len(self.source))
        yield from self._within(message, self._alternative_texts(message))

    def _within(self, part: MimePart, alts: dict[str, str]) -> Iterator[InnerFile | DocumentMetadata]:
        if part.kind == "multipart/encrypted":
            yield DocumentMetadata(note=ENCRYPTED)
        elif part.depth > MAX_PART_DEPTH:
            yield DocumentMetadata(note=f"Parts of it lie within more than {MAX_PART_DEPTH} others, and were not read.")
        elif part.is_multipart:
            for each in parts_of(self.source, part):
                yield from self._within(each, alts)
        elif part.kind == "message/rfc822" and not part.is_attached:
            inner = message_at(self.source, part.body, part.end, part.number, part.depth + 1)
            yield from self._within(inner, alts)
        elif not part.is_words:
            yield from self._file(part, alts)

    def _file(self, part: MimePart, alts: dict[str, str]) -> Iterator[InnerFile | DocumentMetadata]:
        kind, name = part.kind, _as_written(part.name)
        if kind in _SIGNATURES:
            return
        if kind in _CRYPTOGRAMS:
            signed = str(part.headers.get_param("smime-type", "")).lower() == "signed-data"
            hidden = "It lies within its signature (S/MIME), which is not opened: only its headers were read."
            yield DocumentMetadata(note=hidden if signed else ENCRYPTED)
        elif kind == "application/ms-tnef" or name.lower() == "winmail.dat":
            yield DocumentMetadata(
                note=f"{name or 'winmail.dat'} was not read: Outlook's own wrapping of attachments. Save them from "
                "Outlook, or have the mail sent again as plain text or HTML."
            )
        elif kind == "message/external-body":
            yield DocumentMetadata(note="A part of it lies elsewhere, and was not fetched.")
        elif is_secret(name, is_folder=False):
            yield DocumentMetadata(note=f"{name} was left out: it is named like keys and passwords.")
        else:
            yield from self._inner(part, name, alts)

    def _inner(self, part: MimePart, name: str, alts: dict[str, str]) -> Iterator[InnerFile]:
        content_id = str(part.headers.get("Content-ID", "")).strip().strip("<>")
        is_shown = part.headers.get_content_disposition() != "attachment" or content_id in alts
        if part.headers.get_content_maintype() == "image" and is_shown and is_decoration(self._bytes(part)):
            return
        suffix = _SUFFIXES.get(part.kind, ".txt" if part.headers.get_content_maintype() == "text" else "")
        named = name if "." in name else (name or f"part {part.number}") + suffix
        yield InnerFile(
            part=part_name("part", part.number),
            name=named,
            data=partial(self._file_bytes, part),
            heading=alts.get(content_id, "") or name,
        )

    def _bytes(self, part: MimePart) -> bytes:
        """A part, decoded by the standard library, which takes broken base64 too."""
        written = self.source[part.body : part.end]
        if part.depth:  # the line end before a boundary belongs to the boundary (RFC 2046, 5.1.1)
            written = re.sub(r"\r?\n\Z", "", written)
        carrier = Message()
        carrier["Content-Transfer-Encoding"] = part.transfer
        carrier.set_payload(written)
        if part.transfer in ("base64", "quoted-printable", "x-uuencode", "uuencode", "uue", "x-uue"):
            decoded = carrier.get_payload(decode=True)
            assert isinstance(decoded, bytes)
            return decoded
        return written.encode("latin-1")

    def _file_bytes(self, part: MimePart) -> bytes:
        """A part as a file; a text in UTF-8 where the mail names its encoding, for the file itself does not."""
        data = self._bytes(part)
        charset = codec_named(part.headers.get_content_charset() or "")
        if part.headers.get_content_maintype() != "text" or charset in (None, "utf-8"):
            return data
        try:
            return data.decode(charset or "").encode()
        except UnicodeDecodeError:
            return data

    def _alternative_texts(self, part: MimePart) -> dict[str, str]:
        """What the pages of a message say of the pictures that they show, by the picture's id."""
        if part.is_multipart and part.depth <= MAX_PART_DEPTH and part.kind != "multipart/encrypted":
            return {
                content_id: alt
                for each in parts_of(self.source, part)
                for content_id, alt in self._alternative_texts(each).items()
            }
        if part.kind != "text/html" or not part.is_words:
            return {}
        return alternative_texts(decode_text(self._bytes(part), part.headers.get_content_charset() or ""))


def alternative_texts(page: str) -> dict[str, str]:
    """What a page says of the pictures of its mail that it shows, by their `Content-ID`."""
    return {
        html.unescape(shown[1]): " ".join(html.unescape(alt[1] or alt[2] or "").split()) if alt else ""
        for image in _IMAGE.finditer(page)
        if (shown := _CONTENT_ID.search(image[0]))
        for alt in [_ALT.search(image[0])]
    }


def is_decoration(data: bytes) -> bool:
    """Whether a picture is too small to show anything: a rule, a bullet, the dot that reports a reader."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return min(picture.size) <= _DECORATION_SIDE
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def _as_written(name: str) -> str:
    """A name whose bytes stand there as they are, against the standards, in the characters that they mean."""
    if name.isascii():
        return name
    try:
        return decode_text(name.encode("latin-1"))
    except UnicodeEncodeError:
        return name
