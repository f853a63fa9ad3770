"""What of an Office file is not read, gathered for its notes."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_mmretrieval.types import DocumentMetadata

_MOST_NAMED = 5
_METAFILES = (".emf", ".wmf", ".emz", ".wmz", ".svm")
"""Drawings in the languages of Windows and StarOffice, which no reader here reads."""

MACROS_NOT_RUN = DocumentMetadata(note="It has macros. They were not run.")


class UnreadParts:
    """Gathers what is left out: each sort of loss becomes one note."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def linked(self, name: str, where: str) -> None:
        """A file that lies elsewhere."""
        self._add("Files that are only linked, which were not fetched", f"{name} ({where})")

    def metafile(self, name: str, where: str) -> bool:
        """Whether a picture, by its name, is one that cannot be read; then it is noted."""
        if not name.lower().endswith(_METAFILES):
            return False
        self._add("Drawings in the formats EMF, WMF or SVM, which were not read", where)
        return True

    def hidden(self, where: str) -> None:
        """A shape that nobody sees."""
        self._add("Hidden shapes, which were left out", where)

    def damaged(self, what: str, where: str) -> None:
        """A thing on a slide or sheet that cannot be read."""
        self._add("Damaged, and not read", f"{what} ({where})")

    def cut(self, what: str, where: str) -> None:
        """A thing of which only the beginning is read."""
        self._add("Read only in part, for its size", f"{what} ({where})")

    def notes(self) -> Iterator[DocumentMetadata]:
        """A note on each sort."""
        for sort, found in self._found.items():
            named = ", ".join(list(dict.fromkeys(found))[:_MOST_NAMED])
            more = ", ..." if len(set(found)) > _MOST_NAMED else ""
            yield DocumentMetadata(note=f"{sort} ({len(found):,}): {named}{more}.")

    def _add(self, sort: str, what: str) -> None:
        self._found.setdefault(sort, []).append(what)
