"""The files that lie in an Office file: pictures, sound and film, embedded documents. Each is given once."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import partial

from mcp_mmretrieval.media.compound import InnerFile
from mcp_mmretrieval.media.office.ole import unwrapped
from mcp_mmretrieval.media.office.unread import UnreadParts
from mcp_mmretrieval.media.office.xml_parts import Package
from mcp_mmretrieval.types import part_name


class InnerFiles:
    """Gives files of a package as parts of the place where they are first met."""

    def __init__(self, package: Package, unread: UnreadParts) -> None:
        self._package = package
        self._unread = unread
        self._given: set[object] = set()

    def pictures(self, found: Iterable[tuple[str, str]], part: str, heading: str = "") -> Iterator[InnerFile]:
        """Pictures at a place, numbered from 1. `found`: names of parts, and what is said of each."""
        number = 0
        for name, said in found:
            if self._is_new(name, part) and not self._unread.metafile(name, part):
                number += 1
                yield InnerFile(
                    part=f"{part}&{part_name('picture', number)}",
                    name=posixpath.basename(name),
                    data=partial(self._package.read, name),
                    heading=" > ".join(filter(None, (heading, said))),
                )

    def embedded(self, names: Iterable[str], part: str, heading: str = "") -> Iterator[InnerFile]:
        """Other files at a place, numbered from 1: sound, film, documents, also within the objects of older Office."""
        number = 0
        for name in names:
            if self._is_new(name, part):
                number += 1
                yield InnerFile(
                    part=f"{part}&{part_name('part', number)}",
                    name=posixpath.basename(name),
                    data=partial(self._unwrapped, name),
                    heading=heading,
                )

    def _unwrapped(self, name: str) -> bytes:
        return unwrapped(self._package.read(name))

    def _is_new(self, name: str, where: str) -> bool:
        """Whether a file is there and was not given before, under this name or another one."""
        if name not in self._package:
            self._unread.damaged(f"{posixpath.basename(name)}, which is missing", where)
            return False
        digest = self._package.digest(name)
        if digest in self._given:
            return False
        self._given.add(digest)
        return True
