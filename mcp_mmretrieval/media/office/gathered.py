"""What is met on the way through a document and told behind its text: pictures, files within, what was left out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, InnerFile
from mcp_mmretrieval.media.office.ole import unwrapped
from mcp_mmretrieval.media.office.xml_parts import Element, parse_xml
from mcp_mmretrieval.types import DocumentMetadata, part_name

_METAFILES = (".emf", ".wmf", ".emz", ".wmz", ".svm")
"""Drawings as commands of Windows and of StarOffice. Nothing here draws them."""


class FileParts(Protocol):
    """Where the pictures and files of a document lie."""

    def __contains__(self, name: str) -> bool:
        """Whether there is such a part."""

    def digest(self, name: str) -> object:
        """What two parts of the same content share."""

    def read(self, name: str) -> bytes:
        """The bytes of a part. Raises UnreadableMedia."""

    def xml(self, name: str) -> Element:
        """The root element of a part. Raises UnreadableMedia."""


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """Parts that were taken out of a document that is one file."""

    files: Mapping[str, bytes]

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def digest(self, name: str) -> bytes:
        """A hash of its bytes."""
        return hashlib.sha256(self.files[name]).digest()

    def read(self, name: str) -> bytes:
        """Its bytes."""
        return self.files[name]

    def xml(self, name: str) -> Element:
        """Its root element. Raises UnreadableMedia."""
        return parse_xml(self.files[name])


@dataclass(slots=True)
class _Found:
    name: str
    heading: str
    dispensable: bool = False


class Gathered:
    """What one document holds beside its text. A picture that stands in it several times is one."""

    def __init__(self, package: FileParts) -> None:
        self._package = package
        self._pictures: dict[object, _Found] = {}
        self._files: dict[str, _Found] = {}
        self._drawings: set[str] = set()
        self._linked: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._unread: dict[str, str] = {}
        self._uncaptioned: list[_Found] = []
        self.met = 0
        """How many pictures, files and links were met, each time that they were."""
        self.hidden = 0
        """Characters that nobody sees who reads it."""
        self.deleted = 0
        """Characters that were deleted while changes were tracked."""

    def __contains__(self, name: str) -> bool:
        return name in self._package

    def picture(self, name: str, heading: str = "", *, dispensable: bool = False) -> None:
        """A picture in the package, and what is said of it."""
        self.met += 1
        if name not in self._package:
            self._missing["picture"] += 1
        elif name.lower().endswith(_METAFILES):
            if not dispensable:
                self._drawings.add(name)
        else:
            found = self._pictures.setdefault(self._package.digest(name), _Found(name, "", dispensable))
            found.heading = found.heading or heading
            found.dispensable &= dispensable
            self._uncaptioned.append(found)

    def file(self, name: str, heading: str = "") -> None:
        """A file in the package."""
        self.met += 1
        if name in self._package:
            self._files.setdefault(name, _Found(name, heading))
        else:
            self._missing["file"] += 1

    def linked(self, what: str) -> None:
        """Something that lies outside of the document."""
        self.met += 1
        self._linked[what] += 1

    def caption(self, text: str) -> None:
        """What stands below a picture is what is said of it, where nothing else is."""
        for found in self._uncaptioned:
            found.heading = found.heading or text
        self._uncaptioned.clear()

    def no_caption(self) -> None:
        """Other text follows: what comes later is said of something else."""
        self._uncaptioned.clear()

    def xml(self, name: str) -> Element | None:
        """A part of the package; one that cannot be read costs a note."""
        try:
            return self._package.xml(name)
        except UnreadableMedia as error:
            self._unread[name] = str(error)
            return None

    def steps(self) -> Iterator[CompoundStep]:
        """Pictures, files, notes."""
        for number, found in enumerate(self._pictures.values(), 1):
            yield self._inner(part_name("picture", number), found)
        for number, found in enumerate(self._files.values(), 1):
            yield self._inner(part_name("part", number), found, unwrapped)
        yield from (DocumentMetadata(note=note) for note in self._notes())

    def _inner(self, part: str, found: _Found, taken: Callable[[bytes], bytes] = bytes) -> InnerFile:
        return InnerFile(
            part=part,
            name=found.name.rpartition("/")[2],
            data=lambda: taken(self._package.read(found.name)),
            heading=found.heading,
            dispensable=found.dispensable,
        )

    def _notes(self) -> Iterator[str]:
        if self.hidden:
            yield f"What a reader of it cannot see was left out: {_counted(self.hidden, 'character')} of hidden text."
        if self.deleted:
            yield f"What tracked changes delete was left out: {_counted(self.deleted, 'character')}."
        if self._drawings:
            yield f"Not read: {_counted(len(self._drawings), 'drawing')} in a format of Windows (EMF, WMF)."
        if self._linked:
            told = ", ".join(_counted(count, what) for what, count in self._linked.items())
            yield f"What lies elsewhere and is only linked was not fetched: {told}."
        for what, count in self._missing.items():
            yield f"{_counted(count, what)} in it could not be read: missing in the file."
        for name, reason in self._unread.items():
            yield f"Not read: {name.rpartition('/')[2]}: {reason}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
