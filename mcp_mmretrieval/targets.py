"""What one connection sees, what it points at (an id, a citation or a path), and the file of that, opened again."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.roots import OpenFile, Roots, open_exactly, real_path
from mcp_mmretrieval.roots.readable import ReadableFiles
from mcp_mmretrieval.store import Catalog, Document, File, Scope, StoredSegment
from mcp_mmretrieval.store.names import MAX_NEAR_NAMES, near_paths, paths_ending_in
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
        self._everything = Scope(roots.folders)

    def find(self, text: str) -> Target:
        """The document and place that an id, a citation, a path, or a name that only one document has, names.

        Raises NotInLibrary for one that is not held (or lies outside the roots: the two are not told apart), and says
        what is called nearly so; BadArgument for a place that cannot be read.
        """
        for name, place in _readings(text):
            if document := self._document(name) or self._called(name):
                return Target(document=document, place=place, segments=tuple(self._segments(document, place)))
        name, mark, fragment = text.rpartition("#")
        if mark and (self._document(name) or self._called(name)):
            raise BadArgument(
                f"{name} is in the library, but #{fragment} is no place in it. Write #page=3, #t=10,20 (seconds) or "
                "#char=0,500, or leave it out."
            )
        raise NotInLibrary(f"{text}: not in the library. {self._hint(text)}")

    def path(self, text: str, *, folders: bool = False) -> str:
        """The absolute path that a path or citation names, held or not, existing or not; or the end of one held path.

        With `folders` the end of the path of a folder with held files, too. Raises NotAllowed.
        """
        for candidate in [path for name, _ in _readings(text) for path in self._paths(name)]:
            if os.path.lexists(candidate) or self._catalog.holds_under(candidate):
                return candidate
        held = self._catalog.paths(self._everything)
        known = [*held, *self._folders_of(held)] if folders else held
        called = paths_ending_in(_readings(text)[0][0], known)
        if len(called) == 1:
            return called[0]
        near = called or near_paths(_readings(text)[0][0], known)
        if not near:
            raise NotAllowed(text)
        raise NotAllowed(text, f"Did you mean {self._named(near)}?")

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

    def _called(self, name: str) -> Document | None:
        """The only visible document that has a name as the end of its path, or else as its title."""
        if not name or _ID.fullmatch(name) or self._lying(name):
            return None
        called = paths_ending_in(name, self._catalog.paths(self._everything))
        ids = {file.document for path in called if (file := self._catalog.file(path))}
        ids = ids or set(self._catalog.titled(name, self._everything))
        return self._catalog.document(ids.pop()) if len(ids) == 1 else None

    def _hint(self, text: str) -> str:
        """What to do about a name that nothing held has."""
        name = _readings(text)[0][0]
        if lying := self._lying(name):
            if os.path.isdir(lying):  # noqa: PTH112 - Path's own raises where a folder above may not be read
                return "It is a folder: list_documents shows what is held under it."
            return "The file is there: add it with add_documents, which also says why if it cannot be read."
        held = self._catalog.paths(self._everything)
        if near := paths_ending_in(name, held) or near_paths(name, held):
            return f"Did you mean {self._named(near)}?"
        if ids := self._catalog.titled(name, self._everything):
            return f"Several documents are called so: {', '.join(id[:SHORT_ID_DIGITS] for id in ids[:MAX_NEAR_NAMES])}."
        return (
            "Pass an id or citation from search_media, or a path from list_documents; a file that was never added is "
            "added with add_documents."
        )

    def _lying(self, name: str) -> str:
        """Where a file or folder lies to which a name may lead, held or not; empty where there is none."""
        return next((path for path in self._paths(name) if os.path.lexists(path)), "")

    def _named(self, paths: Sequence[str]) -> str:
        """Paths to choose from, as citations."""
        return " or ".join(self._roots.citation(path) for path in paths[:MAX_NEAR_NAMES])

    def _folders_of(self, paths: Iterable[str]) -> list[str]:
        """The folders below the roots that hold some of the paths."""
        above = {str(folder) for path in paths for folder in Path(path).parents}
        return sorted(folder for folder in above if self._roots.covers(folder) and folder not in self._roots.folders)

    def _paths(self, name: str) -> list[str]:
        """Absolute paths under the roots that a path or a citation may mean, best first."""
        real = [real_path(path) for path in self._roots.readings(name)]
        named = [*real, *self._roots.path_of(name)]
        return [path for path in dict.fromkeys(named) if self._roots.covers(path)]

    def _segments(self, document: Document, place: Place) -> list[StoredSegment]:
        if not place.fragment:
            return self._catalog.segments_of(document.id)
        return self._catalog.find(document.id, place)


class ConnectionView:
    """What one connection sees of the library: its roots bound what it can find, read, list and remove."""

    def __init__(self, catalog: Catalog, files: ReadableFiles) -> None:
        self.files = files
        """What of the person's files it may read."""
        self.roots = roots = files.roots
        self.targets = TargetResolver(catalog, roots)
        """Resolves what the connection points at."""

    def scope(self, filters: Filters = Filters()) -> Scope:
        """The documents under the roots, within the filters."""
        return Scope(self.roots.folders, filters)


def reopen(files: Iterable[File], readable: ReadableFiles | None = None) -> OpenFile:
    """The first of a document's files that lies where it was read, unchanged; the caller closes it.

    With `readable` only those that it admits: for what is shown. Without: for the library's own work on what was
    allowed when it was added. Path, size and time are those of the open file: no link that was swapped in leads
    elsewhere. Raises UnreadableMedia: pixels or sound of other content are never shown under the old citation.
    """
    reasons: list[str] = []
    for file in files:
        if readable is not None and not readable.roots.covers(file.path):
            continue  # not even named
        try:
            opened = open_exactly(file.path)
            if readable is not None:
                opened = readable.admitted(opened)
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
