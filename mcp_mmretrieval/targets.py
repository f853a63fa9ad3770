"""What one connection sees, what it points at (an id, a citation or a path), and the file of that, opened again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.errors import NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.roots import OpenFile, Roots, open_exactly
from mcp_mmretrieval.store import Catalog, Document, File, Scope, StoredSegment
from mcp_mmretrieval.types import SHORT_ID_DIGITS, Place, Segment

_ID = re.compile(rf"[0-9a-f]{{{SHORT_ID_DIGITS},64}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A held document, a place in it, and the segments there."""

    document: Document
    place: Place
    segments: tuple[StoredSegment, ...]
    """In order. Empty when the document has nothing at the place."""


class TargetResolver:
    """Resolves what is pointed at, within the roots of one connection."""

    def __init__(self, catalog: Catalog, roots: Roots) -> None:
        self._catalog = catalog
        self._roots = roots

    def find(self, text: str) -> Target:
        """The document and place that an id, a citation or a path names.

        Raises NotInLibrary for one that is not held (or lies outside the roots: the two are not told apart).
        """
        for name, place in _readings(text):
            if document := self._document(name):
                return Target(document=document, place=place, segments=tuple(self._segments(document, place)))
        raise NotInLibrary(
            f"{text}: not in the library. Pass an id or citation from search_media, or a path from list_documents; "
            "a file that was never added is added with add_documents."
        )

    def path(self, text: str) -> str:
        """The absolute path that a path or citation names, held or not, existing or not. Raises NotAllowed."""
        for candidate in self._paths(text):
            if Path(candidate).exists() or self._catalog.files_under(candidate):
                return candidate
        raise NotAllowed(text)

    def visible_file(self, files: Collection[File]) -> File | None:
        """The first of a document's files that lies under the roots."""
        return next((file for file in files if self._roots.covers(file.path)), None)

    def citation(self, file: File | None, segment: Segment) -> str:
        """How a place is cited: its file's path and the place; the id where there is no file."""
        if file is None:
            return segment.id
        fragment = segment.place.fragment
        return self._roots.citation(file.path) + (f"#{fragment}" if fragment else "")

    def _document(self, name: str) -> Document | None:
        ids = self._catalog.documents_starting(name) if _ID.fullmatch(name) else []
        ids += [file.document for path in self._paths(name) if (file := self._catalog.file(path))]
        documents = self._catalog.documents(ids)
        files = self._catalog.files_of(ids)
        for id in ids:
            document = documents.get(id)
            if document and (document.inline or self.visible_file(files.get(id, []))):
                return document
        return None

    def _paths(self, name: str) -> list[str]:
        """Absolute paths under the roots that a path or a citation may mean, best first."""
        real = [str(Path(path).resolve()) for path in self._roots.candidates(name)]
        named = [*real, *self._roots.path_of(name)]
        return [path for path in dict.fromkeys(named) if self._roots.covers(path)]

    def _segments(self, document: Document, place: Place) -> list[StoredSegment]:
        if not place.fragment:
            return self._catalog.segments_of(document.id)
        return self._catalog.find(document.id, place)


class ConnectionView:
    """What one connection sees of the library: its roots bound what it can find, read, list and remove."""

    def __init__(self, catalog: Catalog, roots: Roots) -> None:
        self.roots = roots
        self.targets = TargetResolver(catalog, roots)
        """Resolves what the connection points at."""

    def scope(self, filters: Filters = Filters()) -> Scope:
        """The documents under the roots, within the filters."""
        return Scope(self.roots.folders, filters)


def reopen(files: Iterable[File], roots: Roots | None = None) -> OpenFile:
    """The first of a document's files that lies where it was read, unchanged; the caller closes it.

    With `roots` only those under them: for what is shown. Without: for the library's own work on what was allowed when
    it was added. Path, size and time are those of the open file: no link that was swapped in leads elsewhere. Raises
    UnreadableMedia: pixels or sound of other content are never shown under the old citation.
    """
    reasons: list[str] = []
    for file in files:
        if roots is not None and not roots.covers(file.path):
            continue  # not even named
        try:
            opened = open_exactly(file.path)
        except NotAllowed:
            reasons.append(f"{file.path}: no longer there")
            continue
        except UnreadableMedia as error:
            reasons.append(str(error))
            continue
        if (opened.size, opened.mtime_ns) == (file.size, file.mtime_ns):
            return opened
        opened.close()
        reasons.append(f"{file.path}: changed since it was read")
    why = "; ".join(reasons) or "No file of it lies under the allowed folders"
    raise UnreadableMedia("changed_while_read", f"{why}. Call add_documents to read it again.")


def _readings(text: str) -> list[tuple[str, Place]]:
    """Name and place, in the ways that the text can be read: a `#` may also belong to a file's name."""
    whole = [(text, Place())]
    name, mark, fragment = text.rpartition("#")
    place = Place.parse(fragment) if mark else None
    return [(name, place), *whole] if place is not None else whole
