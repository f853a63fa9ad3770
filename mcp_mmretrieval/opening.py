"""Opens the file of a held document again, and only if it is still the one that was read."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_mmretrieval.errors import NotAllowed, UnreadableMedia
from mcp_mmretrieval.roots import OpenFile, Roots, open_exactly
from mcp_mmretrieval.store import File


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
