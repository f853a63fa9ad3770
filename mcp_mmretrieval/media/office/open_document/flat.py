"""OpenDocument as one file of XML (FODT, FODP, FODS), and the package that it stands for, made in memory."""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile
from dataclasses import replace
from typing import BinaryIO

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.xml_parts import MAX_XML_BYTES, Element, parse_xml, written_xml
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.zipped import is_zip

_TYPE = re.compile(rb"<office:document\s[^>]*office:mimetype=[\"'](application/vnd\.oasis\.opendocument\.[a-z-]+)")
_HEAD = 20_000
_BINARY = re.compile(rb"(<office:binary-data[^>]*>)([^<]*)(?=</office:binary-data>)")
_MANIFEST = '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_HREF = "{http://www.w3.org/1999/xlink}href"


def flat_type(file: BinaryIO) -> bytes:
    """The media type that a flat document says to have; empty for any other file."""
    if is_zip(file):
        return b""
    file.seek(0)
    found = _TYPE.search(file.read(_HEAD))
    return found[1] if found else b""


def flat_root(source: Source) -> tuple[Element, dict[str, bytes]]:
    """The root of a flat document, and the files in it, whose places hold their names in the root.

    They are taken out before it is parsed, since no text of XML may be so long. Raises UnreadableMedia.
    """
    size = source.file.seek(0, 2)
    if size > MAX_XML_BYTES:
        raise UnreadableMedia("too_large", f"it has more than {MAX_XML_BYTES / 1e6:,.0f} MB of XML")
    source.file.seek(0)
    files: dict[str, bytes] = {}

    def taken(found: re.Match[bytes]) -> bytes:
        name = f"{len(files) + 1}"
        try:
            files[name] = base64.b64decode(found[2])
        except (binascii.Error, ValueError):
            files[name] = b""
        return found[1] + name.encode()

    return parse_xml(_BINARY.sub(taken, source.file.read())), files


def as_package(source: Source) -> Source:
    """A flat document as the package that it stands for; any other file as it is. Raises UnreadableMedia."""
    media_type = flat_type(source.file)
    if not media_type:
        return source
    root, files = flat_root(source)
    for data in list(root.iter("{*}binary-data")):
        holder, name = data.getparent(), (data.text or "").strip()
        if holder is not None and name in files:
            holder.set(_HREF, f"Pictures/{name}")
            holder.remove(data)
    _leave_out_blanks(root)
    xml, packed = written_xml(root), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("mimetype", media_type)
        package.writestr("META-INF/manifest.xml", _MANIFEST)
        for part in ("content.xml", "styles.xml", "meta.xml"):  # each reader takes its own out of the whole
            package.writestr(part, xml)
        for name, content in files.items():
            package.writestr(f"Pictures/{name}", content)
    packed.seek(0)
    return replace(source, file=packed)


def _leave_out_blanks(root: Element) -> None:
    """Take out the blanks between elements that hold no text: calamine trips over those between cells."""
    for element in root.iter():
        if not element.tag.startswith(_TEXT):
            element.text = element.text if (element.text or "").strip() else None
            for child in element:
                child.tail = child.tail if (child.tail or "").strip() else None
