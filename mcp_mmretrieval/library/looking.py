"""What there is to see at a place: its text, what stands around it, its pixels or sound."""

from __future__ import annotations

import math
from dataclasses import replace

from mcp_mmretrieval.adding.parts import narrow_to_place, text_around
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.answers import Look
from mcp_mmretrieval.errors import BadArgument, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.library.span import (
    Span,
    part_beside,
    parts_within,
    place_after,
    place_before,
    text_span,
)
from mcp_mmretrieval.media.office.slides.drawn import slide_number
from mcp_mmretrieval.roots import OpenFile
from mcp_mmretrieval.store import Document, StoredSegment
from mcp_mmretrieval.targets import ConnectionView, Target, reopen
from mcp_mmretrieval.types import MODALITY_TRAITS, SHORT_ID_DIGITS, Content, Place, Region, Segment


class PlaceViewer:
    """Shows places to one connection: its roots bound what can be seen."""

    def __init__(self, shared: SharedResources, view: ConnectionView) -> None:
        self._catalog = shared.catalog
        self._workers = shared.workers
        self._slides = shared.slides
        self._readable = view.files
        self._targets = view.targets

    def look(self, target: str, side: int, *, content: bool | None, region: Region | None) -> Look:
        """See `Library.look`."""
        found = self._targets.find(target)
        span = text_span(found.segments, found.place)
        if span is None:
            first = last = shown_segment(found)
            segment = narrow_to_place(first.segment, found.place)
        else:
            segment, first, last = span.segment, span.first, span.last
        segment = _with_region(segment, region or found.place.region, target)
        files = self._catalog.files_of_one(found.document.id)
        file = self._targets.visible_file(files)
        shown, stale, note = None, False, ""
        slide = slide_number(segment.place.part) if self._slides.available and content is not False else None
        if (slide or _is_shown(segment, content)) and file is not None:
            try:
                with reopen(files, self._readable) as opened:
                    if slide:
                        shown = self._drawn(opened, segment, slide, side)
                    else:
                        shown = self._workers.load(opened.fd, segment, name=opened.path, side=side)
            except UnreadableMedia as error:
                stale, note = error.code == "changed_while_read", str(error)
        above, below = self._beside(first, last)
        own_before, own_after = text_around(first.segment, segment.place) if span is None else (span.before, span.after)
        previous, following, within = self._places_around(found, span, segment.place, above, below)

        def cited(place: Place | None) -> str:
            return self._targets.citation(file, replace(segment, place=place)) if place else ""

        return Look(
            segment=segment,
            path=file.path if file else "",
            citation=self._targets.citation(file, segment),
            title=found.document.title,
            modified=file.mtime_ns / 1e9 if file else found.document.read_at,
            dated=found.document.dated,
            text=segment.text,
            content=shown,
            before=own_before or _text_beside(segment, above),
            after=own_after or _text_beside(segment, below),
            previous=cited(previous),
            next=cited(following),
            unfinished=span is not None and span.unfinished,
            within=tuple(map(cited, within)),
            stale=stale,
            note=note,
            document_notes=found.document.notes,
        )

    def _drawn(self, deck: OpenFile, segment: Segment, slide: int, side: int) -> Content | None:
        """A slide as a picture; None where it turns out that none can be drawn here. Raises UnreadableMedia."""
        with self._slides.pdf(deck.fd, name=deck.path, document=segment.document) as pdf:
            page = Segment(document=segment.document, modality="page", place=Place(page=slide))
            return None if pdf is None else self._workers.load(pdf, page, name="slides.pdf", side=side)

    def _beside(self, first: StoredSegment, last: StoredSegment) -> tuple[Segment | None, Segment | None]:
        """The segments of the document before a first and behind a last one."""
        around = [*self._catalog.around(first.key), *self._catalog.around(last.key)]
        above = (one.segment for one in around if one.ordinal == first.ordinal - 1)
        below = (one.segment for one in around if one.ordinal == last.ordinal + 1)
        return next(above, None), next(below, None)

    def _places_around(
        self, found: Target, span: Span | None, place: Place, above: Segment | None, below: Segment | None
    ) -> tuple[Place | None, Place | None, list[Place]]:
        """What can be opened before and behind what is shown, and in it."""
        if span is None:
            beside = [part_beside(place, one.place) if one else None for one in (above, below)]
            return beside[0], beside[1], []
        previous, following = place_before(span, above), place_after(span, below)
        if place.part:
            inside = self._catalog.find(found.document.id, Place(part=place.part))
            below = self._beside(inside[-1], inside[-1])[1] if inside else below
        else:
            inside = list(found.segments)
        if previous is None and above is not None:
            previous = part_beside(place, above.place)
        if following is None and below is not None:
            following = part_beside(place, below.place)
        return previous, following, parts_within(inside, place.part)


def _text_beside(segment: Segment, neighbour: Segment | None) -> str:
    """The text of a neighbour; nothing of another sheet, slide or file within."""
    return neighbour.text if neighbour is not None and neighbour.place.part == segment.place.part else ""


def _is_shown(segment: Segment, content: bool | None) -> bool:
    """Whether a place is decoded: as asked, else what is seen, and sound that nothing is known of."""
    if segment.traits.content == "text":
        return False
    return content if content is not None else segment.traits.content != "sound" or not segment.text.strip()


def _with_region(segment: Segment, region: Region | None, target: str) -> Segment:
    if region is None:
        return segment
    if segment.traits.content != "picture":
        raise BadArgument(
            f"{target} is {segment.traits.phrase}: a region can be cut out of a picture or a page. Leave region out."
        )
    return replace(segment, place=replace(segment.place, region=region))


def shown_segment(found: Target) -> StoredSegment:
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
