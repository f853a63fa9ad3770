"""What people and cameras write into a picture's file beside its pixels: title, caption, keywords, the day.

EXIF, IPTC, XMP and the texts of PNG; damaged ones are passed over, since the picture may still be good.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from PIL import ExifTags, IptcImagePlugin

from mcp_mmretrieval.types import DocumentMetadata

if TYPE_CHECKING:
    from PIL import Image

MAX_TITLE_CHARACTERS = 200
MAX_XMP_BYTES = 4_000_000
"""Larger packets of XMP are passed over: they hold histories of edits and thumbnails."""

_NO_TITLE = re.compile(
    r"DIGITAL CAMERA|SONY DSC|MINOLTA|SAMSUNG|DCIM|^\S*[/\\]\S*$|^\S+\.\w{2,4}$|^[{\[<]|^ImageJ="
    r"|^\(?(?:anonymous|untitled)\)?$"
    r"|^(?:Matplotlib|Created (?:with|by)|CREATOR: |gnuplot)\b|^(?:screenshot|ASCII|UNICODE|JIS)$",
    re.IGNORECASE,
)
"""What cameras and programs write there: their names, those of files, and data that only they read."""
_XP = {
    "XPTitle": "title",
    "XPComment": "caption",
    "XPKeywords": "keyword",
    "XPSubject": "caption",
    "XPAuthor": "author",
}
_EXIF = {"ImageDescription": "caption", "Artist": "author"}
_PNG = {"Title": "title", "Description": "caption", "Comment": "caption", "Author": "author", "Keywords": "keyword"}
_IPTC = {
    (2, 5): "title",
    (2, 105): "headline",
    (2, 120): "caption",
    (2, 25): "keyword",
    (2, 80): "author",
    (2, 90): "place",
    (2, 92): "place",
    (2, 95): "place",
    (2, 101): "place",
}
_XMP = {
    "title": "title",
    "Headline": "headline",
    "description": "caption",
    "UserComment": "caption",
    "subject": "keyword",
    "hierarchicalSubject": "keyword",
    "creator": "author",
    "Location": "place",
    "City": "place",
    "State": "place",
    "Country": "place",
    "PersonInImage": "keyword",
    "AltTextAccessibility": "caption",
    "ExtDescrAccessibility": "caption",
}
_XMP_SPACES = ("purl.org/dc/", "photoshop/", "Iptc4xmp", "lightroom/", "ns.adobe.com/exif/")
_XMP_DATES = ("DateTimeOriginal", "DateTimeDigitized", "DateCreated", "CreateDate")
_COMMENT_CODES = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}
_DATE = re.compile(
    r"(\d{4})[-:/]?(\d{2})[-:/]?(\d{2})(?:[ T]+(\d{2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)

Words = tuple[str, str]
"""What they are (`title`, `headline`, `caption`, `keyword`, `place`, `author`), and the words."""


def describe_image(image: Image.Image) -> DocumentMetadata:
    """Title, keywords (with captions, places and author) and the day it was taken, by the file's own word."""
    exif = exif_tags(image)
    packet = _xmp(image)
    found = [*_from_png(image), *_from_exif(exif), *_from_iptc(image), *_from_xmp(packet)]
    clean = [(kind, text) for kind, words in found if _is_meant(text := " ".join(words.replace("\0", " ").split()))]
    title = next((text for wanted in ("title", "headline", "caption") for kind, text in clean if kind == wanted), "")
    title = title[:MAX_TITLE_CHARACTERS]
    about = dict.fromkeys(text for _, text in clean if text != title)
    return DocumentMetadata(title=title, keywords="\n".join(about), dated=_date_of(image, exif, packet))


def exif_tags(image: Image.Image) -> dict[str, object]:
    """The EXIF tags that have a name, also those of the camera; empty where they are damaged."""
    try:
        main = image.getexif()
        tags = {**main, **main.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # noqa: BLE001  # damaged bytes lead Pillow's readers into any exception there is
        return {}
    return {ExifTags.TAGS[tag]: value for tag, value in tags.items() if tag in ExifTags.TAGS}


def _is_meant(text: str) -> bool:
    return any(letter.isalpha() for letter in text) and not _NO_TITLE.search(text)


def _from_png(image: Image.Image) -> Iterator[Words]:
    for name, kind in _PNG.items():
        if isinstance(text := image.info.get(name), str):
            yield kind, text


def _from_exif(exif: dict[str, object]) -> Iterator[Words]:
    for name, kind in _XP.items():
        value = exif.get(name)
        text = value.decode("utf-16-le", "ignore") if isinstance(value, bytes) else value
        if isinstance(text, str):
            yield from ((kind, word) for word in (text.split(";") if kind == "keyword" else [text]))
    for name, kind in _EXIF.items():
        if isinstance(text := exif.get(name), str):
            yield kind, _mended(text)
    comment = exif.get("UserComment")
    if isinstance(comment, bytes) and (code := _COMMENT_CODES.get(comment[:8])):
        yield "caption", comment[8:].decode(code, "ignore")
    elif isinstance(comment, str):
        yield "caption", comment


def _mended(text: str) -> str:
    """Pillow reads these tags as Latin-1; most programs write UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _from_iptc(image: Image.Image) -> Iterator[Words]:
    try:
        found = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]  # it asks for no more than an Image
    except Exception:  # noqa: BLE001  # as above
        return
    for tag, kind in _IPTC.items():
        values = found.get(tag, [])
        for value in values if isinstance(values, list) else [values]:
            yield kind, _decoded(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _xmp(image: Image.Image) -> ElementTree.Element | None:
    """The packet of XMP, parsed; None where there is none that can be."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if packet is None and image.format == "TIFF":
        packet = getattr(image, "tag_v2", {}).get(700)
    data = packet.encode() if isinstance(packet, str) else packet
    # entities could grow without measure, and XMP has no use for them
    if not isinstance(data, bytes) or len(data) > MAX_XMP_BYTES or b"<!DOCTYPE" in data:
        return None
    begin, end = data.find(b"<"), data.rfind(b">")
    try:
        return ElementTree.fromstring(re.sub(rb"^<\?xpacket[^>]*\?>", b"", data[begin : end + 1]))
    except ElementTree.ParseError:
        return None


def _from_xmp(packet: ElementTree.Element | None) -> Iterator[Words]:
    for name, texts in _properties(packet):
        if kind := _XMP.get(name):
            yield from ((kind, text) for text in texts)


def _properties(packet: ElementTree.Element | None) -> Iterator[tuple[str, list[str]]]:
    """The named properties, whether written as elements or as attributes, with the texts of each."""
    for element in packet.iter() if packet is not None else ():
        if any(space in element.tag for space in _XMP_SPACES) or element.tag.endswith("}CreateDate"):
            yield element.tag.rpartition("}")[2], [text for text in map(str.strip, element.itertext()) if text]
        for name, value in element.attrib.items():
            if any(space in name for space in _XMP_SPACES) or name.endswith("}CreateDate"):
                yield name.rpartition("}")[2], [value]


def _date_of(image: Image.Image, exif: dict[str, object], packet: ElementTree.Element | None) -> float | None:
    """Seconds since 1970 when it was taken or made; a time without a zone is taken for one of this machine's."""
    for name, zone in (
        ("DateTimeOriginal", "OffsetTimeOriginal"),
        ("DateTimeDigitized", "OffsetTimeDigitized"),
    ):
        if (when := seconds_since_1970(f"{exif.get(name, '')}{exif.get(zone, '')}")) is not None:
            return when
    said = dict(_properties(packet))
    written = [text for name in _XMP_DATES for text in said.get(name, [])]
    return _first_date([*written, image.info.get("Creation Time"), exif.get("DateTime"), image.info.get("date:create")])


def _first_date(texts: Iterable[object]) -> float | None:
    found = (seconds_since_1970(text) for text in texts if isinstance(text, str))
    return next((when for when in found if when is not None), None)


def seconds_since_1970(text: str) -> float | None:
    """The moment that a text names in the manner of EXIF or ISO 8601; None where it names none."""
    match = _DATE.match(text.strip().replace("\0", ""))
    if match is None:
        return None
    zone = match[7]
    try:
        when = datetime(*(int(part or 0) for part in match.groups()[:6]))  # type: ignore[arg-type]
        if zone and zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            ahead = timedelta(hours=hours, minutes=minutes)
            when = when.replace(tzinfo=timezone(-ahead if zone[0] == "-" else ahead))
        elif zone:
            when = when.replace(tzinfo=UTC)
        return when.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
