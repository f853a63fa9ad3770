"""The parts of a package of XML: Office Open XML (ECMA-376, also the strict form of ISO 29500) and OpenDocument.

Nothing outside of the file is ever opened: no entity, no DTD, no target of a link.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import unquote

from lxml import etree  # type: ignore[import-untyped]

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.zipped import ZipContainer

Element: TypeAlias = Any
"""An element of lxml, which has no types of its own."""

MAX_XML_BYTES = 150_000_000
"""Bytes of one part of XML, unpacked: a tree of it takes several times as many."""
_STRICT = re.compile(rb"""(\sxmlns(?::[\w.-]+)?\s*=\s*["'])http://purl\.oclc\.org/ooxml/(\w+)/(?=[\w/]+["'])""")
_DATED = (b"wordprocessingml", b"drawingml", b"officeDocument", b"spreadsheetml", b"presentationml")
_YEAR = b"/2006/"
_TRANSITIONAL = b"http://schemas.openxmlformats.org/"


def parse_xml(data: bytes) -> Element:
    """The root element of some XML, without comments and processing instructions.

    Elements of strict Office Open XML come in the namespaces of the transitional form, which has the same names.
    Raises UnreadableMedia: `corrupt`, also for what is nested too deeply or expands to too much.
    """
    if b"http://purl.oclc.org/ooxml/" in data:
        data = _STRICT.sub(_transitional, data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise UnreadableMedia("corrupt", "its XML is damaged") from error


def _transitional(found: re.Match[bytes]) -> bytes:
    return found[1] + _TRANSITIONAL + found[2] + (_YEAR if found[2] in _DATED else b"/")


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for what is none, such as an entity."""
    tag = element.tag
    return tag[tag.rfind("}") + 1 :] if isinstance(tag, str) else ""


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part of a package points at (ECMA-376, part 2)."""

    kind: str
    """The last word of its type: `image`, `footnotes`, `officeDocument`."""
    target: str
    """The name of the part; of what lies outside of the package, the address."""
    external: bool = False
    """Whether it lies outside, or claims to: such a target is never opened."""


def written_xml(root: Element) -> bytes:
    """An element with all in it, as bytes."""
    written: bytes = etree.tostring(root)
    return written


class Package:
    """An open container whose parts are XML. Their names are alike in small and capital letters."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises UnreadableMedia as `ZipContainer` does."""
        self._container = ZipContainer(file)
        self._names = {_key(name): name for name in self._container.names}

    @property
    def names(self) -> Sequence[str]:
        """Its parts, in order."""
        return self._container.names

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._names

    def digest(self, name: str) -> tuple[int, int]:
        """What two parts of the same content share: nothing is unpacked for it."""
        return self._container.digest(self._stored(name))

    def is_encrypted(self, name: str) -> bool:
        """Whether a part wants a password."""
        return self._container.is_encrypted(self._stored(name))

    def read(self, name: str) -> bytes:
        """The bytes of a part. Raises UnreadableMedia, also where there is none."""
        return self._container.read(self._stored(name))

    def xml(self, name: str) -> Element:
        """The root element of a part. Raises UnreadableMedia."""
        stored = self._stored(name)
        if stored in self._container and self._container.size(stored) > MAX_XML_BYTES:
            raise UnreadableMedia("too_large", f"{name} has more than {MAX_XML_BYTES / 1e6:,.0f} MB of XML")
        return parse_xml(self._container.read(stored))

    def relations(self, name: str) -> Mapping[str, Relation]:
        """What a part points at, by the ids that it uses; of the package itself for an empty name."""
        folder, _, last = name.rpartition("/")
        listed = f"{folder}/_rels/{last}.rels" if folder else f"_rels/{last}.rels"
        if listed not in self:
            return {}
        return {
            element.get("Id", ""): _relation(element, folder)
            for element in self.xml(listed)
            if local_name(element) == "Relationship"
        }

    def _stored(self, name: str) -> str:
        return self._names.get(_key(name), name)


def _key(name: str) -> str:
    return unquote(name.replace("\\", "/")).lstrip("/").casefold()


def _relation(element: Element, folder: str) -> Relation:
    kind = element.get("Type", "").rpartition("/")[2]
    target = element.get("Target", "")
    if element.get("TargetMode", "").lower() == "external":
        return Relation(kind, target, external=True)
    inside = posixpath.normpath(posixpath.join("/", folder, target.partition("#")[0].replace("\\", "/")))
    leaves = posixpath.normpath(posixpath.join(folder, target.replace("\\", "/"))).startswith("..")
    return Relation(kind, target if leaves else inside.lstrip("/"), external=leaves)
