"""What there is to see at a place: its text, what stands around it, its pixels or sound."""

from __future__ import annotations

import math

from mcp_mmretrieval.adding.parts import narrow_to_place, text_around
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.answers import Look
from mcp_mmretrieval.errors import NotInLibrary, UnreadableMedia
from mcp_mmretrieval.store import Document, StoredSegment
from mcp_mmretrieval.targets import ConnectionView, Target, reopen
from mcp_mmretrieval.types import MODALITY_TRAITS, SHORT_ID_DIGITS, Place

MAX_SHOWN_CHARACTERS = 20_000
"""Text of one place that is shown at most."""


class PlaceViewer:
    """Shows places to one connection: its roots bound what can be seen."""

    def __init__(self, shared: SharedResources, view: ConnectionView) -> None:
        self._catalog = shared.catalog
        self._workers = shared.workers
        self._readable = view.files
        self._targets = view.targets

    def look(self, target: str, side: int, *, content: bool) -> Look:
        """See `Library.look`."""
        found = self._targets.find(target)
        stored = _shown(found)
        segment = narrow_to_place(stored.segment, found.place)
        files = self._catalog.files_of_one(found.document.id)
        file = self._targets.visible_file(files)
        shown, stale, note = None, False, ""
        if content and stored.segment.traits.content != "text" and file is not None:
            try:
                with reopen(files, self._readable) as opened:
                    shown = self._workers.load(opened.fd, segment, name=opened.path, side=side)
            except UnreadableMedia as error:
                stale, note = error.code == "changed_while_read", str(error)
        around = self._catalog.around(stored.key)
        own_before, own_after = text_around(stored.segment, segment.place)
        before = [*(one.segment.text for one in around if one.ordinal < stored.ordinal), *filter(None, [own_before])]
        after = [*filter(None, [own_after]), *(one.segment.text for one in around if one.ordinal > stored.ordinal)]
        return Look(
            segment=segment,
            path=file.path if file else "",
            citation=self._targets.citation(file, segment),
            title=found.document.title,
            modified=file.mtime_ns / 1e9 if file else found.document.read_at,
            dated=found.document.dated,
            text=segment.text[:MAX_SHOWN_CHARACTERS],
            content=shown,
            before=before[-1] if before else "",
            after=after[0] if after else "",
            stale=stale,
            note=note,
            document_notes=found.document.notes,
        )


def _shown(found: Target) -> StoredSegment:
    """The segment that stands for what was pointed at: the one in the middle of the place."""
    if not found.segments:
        name = found.document.title or found.document.id[:SHORT_ID_DIGITS]
        raise NotInLibrary(
            f"{name}: nothing at {found.place.fragment or 'all'}; {_extent(found.document)}. "
            "Leave the place out to open the beginning."
        )
    start, end = found.place.start, found.place.end
    if start is None or end is None:
        return found.segments[0]
    if math.isinf(end):
        begun = [one for one in found.segments if (one.segment.place.start or 0.0) <= start]
        return begun[-1] if begun else found.segments[0]
    middle = (start + end) / 2
    return min(found.segments, key=lambda one: abs(_middle(one.segment.place) - middle))


def _extent(document: Document) -> str:
    """How long a document is, for who asked beyond its end."""
    if document.pages is not None:
        return "it has 1 page" if document.pages == 1 else f"it has {document.pages} pages"
    if document.seconds is not None:
        return f"it is {document.seconds:.1f} s long"
    traits = MODALITY_TRAITS[document.modality]
    return f"it is {traits.phrase}" + (", cited as #char=0,500" if traits.content == "text" else "")


def _middle(place: Place) -> float:
    return ((place.start or 0.0) + (place.end or 0.0)) / 2
