"""Text that is shown at once: the passages or rows that a place covers, joined, and where one reads on. Pure.

A place counts characters of the source, and a passage may say them in fewer, behind the marks of a notation. So a
passage is cut only where its text is the source as it stands, and between lines, which may be rows; else all of it is
shown. The place says what is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mcp_mmretrieval.media.passages import MAX_BLOCK_CHARACTERS
from mcp_mmretrieval.store import StoredSegment
from mcp_mmretrieval.types import Place, Segment

MAX_SPAN_CHARACTERS = 20_000
"""Text that is shown at once, at most, but for a passage that is longer by itself."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is shown of a text."""

    segment: Segment
    """All of it, as one place."""
    first: StoredSegment
    """The first passage of it."""
    last: StoredSegment
    """The last passage of it."""
    before: str = ""
    """What of its first passage stands before it."""
    after: str = ""
    """What stands behind it, of its last passage or of what was asked for."""
    unfinished: bool = False
    """Whether more was asked for than is shown."""


def text_span(found: Sequence[StoredSegment], place: Place, most: int = MAX_SPAN_CHARACTERS) -> Span | None:
    """What is shown of the text among the segments found at a place, in order; None where it is not text.

    Of a place that holds several parts it is the text of the place itself, or else of its first part.
    """
    texts = [one for one in found if one.segment.traits.content == "text"]
    own = [one for one in texts if one.segment.place.part == place.part]
    if not own and found and texts and found[0] is texts[0]:
        own = [one for one in texts if one.segment.place.part == found[0].segment.place.part]
    if not own:
        return None
    whole, before, after = _cut(own[0].segment, place)
    last, unfinished = own[0], False
    for stored in own[1:]:
        segment, _, cut_after = _cut(stored.segment, place)
        text = whole.text + _gap(whole.place, segment.place) + _without_names(segment, whole.text)
        if len(text) > most:
            after, unfinished = segment.text, True
            break
        joined = replace(whole.place, last=segment.place.last, bottom=segment.place.bottom)
        whole, after, last = replace(whole, place=joined, text=text), cut_after, stored
    return Span(whole, own[0], last, before, after, unfinished)


def place_before(span: Span, neighbour: Segment | None, most: int = MAX_SPAN_CHARACTERS) -> Place | None:
    """Where to read what stands before a text, as much as is shown at once; None at its beginning."""
    place = span.segment.place
    if not span.before and (neighbour is None or not _goes_on(place, neighbour.place)):
        return None
    if place.top is not None and place.bottom is not None:
        whole = place.top == span.first.segment.place.top  # rows between two passages may be empty
        last = neighbour.place.bottom if whole and neighbour and neighbour.place.bottom else place.top - 1
        top = max(1, last - _rows_at_once(span.segment, most) + 1)
        return Place(part=place.part, top=top, bottom=last) if last > 0 else None
    first = (place.first or 0) - most + MAX_BLOCK_CHARACTERS  # its first line is shown whole, and must not push one out
    return Place(part=place.part, first=max(0, first), last=place.first) if place.first else None


def place_after(span: Span, neighbour: Segment | None, most: int = MAX_SPAN_CHARACTERS) -> Place | None:
    """Where to read on behind a text; None at its end. `neighbour` is what follows its last passage."""
    place = span.segment.place
    if not span.after and (neighbour is None or not _goes_on(place, neighbour.place)):
        return None
    if place.top is not None and place.bottom is not None:
        whole = place.bottom == span.last.segment.place.bottom
        first = neighbour.place.top if whole and neighbour and neighbour.place.top else place.bottom + 1
        return Place(part=place.part, top=first, bottom=first + _rows_at_once(span.segment, most) - 1)
    return Place(part=place.part, first=place.last, last=place.last + most) if place.last is not None else None


def part_beside(place: Place, neighbour: Place) -> Place | None:
    """The page or part that a neighbour of a place lies in: the next slide, sheet, chapter, attachment; or None."""
    if place.part == neighbour.part:
        return replace(place, page=neighbour.page, region=None) if neighbour.page is not None else None
    depth = place.part.count("&") + 1 if place.part else 0
    part = "&".join(neighbour.part.split("&")[:depth])
    return None if not part or part == place.part else Place(part=part)


def parts_within(found: Iterable[StoredSegment], part: str) -> list[Place]:
    """The parts of a part among the segments found, in order: pictures of a slide, attachments of a mail."""
    depth = part.count("&") + 2 if part else 1
    names = (one.segment.place.part for one in found)
    within = [name for name in names if name != part and (not part or name.startswith(f"{part}&"))]
    return [Place(part=name) for name in dict.fromkeys("&".join(name.split("&")[:depth]) for name in within)]


def _rows_at_once(segment: Segment, most: int) -> int:
    """How many rows of a sheet fit for sure, to judge by these; never fewer than they are."""
    rows = (segment.place.bottom or 0) - (segment.place.top or 0) + 1
    return max(rows, rows * most // (2 * max(1, len(segment.text))))


def _goes_on(place: Place, other: Place) -> bool:
    """Whether two places are of one text, or of one sheet."""
    return place.part == other.part and (place.first is None, place.top is None) == (
        other.first is None,
        other.top is None,
    )


def _cut(segment: Segment, place: Place) -> tuple[Segment, str, str]:
    """A passage as far as it lies in a place, and its text before and behind that."""
    own, text = segment.place, segment.text
    if own.top is not None and own.bottom is not None and place.top is not None and place.bottom is not None:
        return _cut_rows(segment, max(own.top, place.top), min(own.bottom, place.bottom))
    if own.top is not None or own.first is None or own.last is None or place.first is None or place.last is None:
        return segment, "", ""
    first, last = max(own.first, place.first), min(own.last, place.last)
    if len(text) != own.last - own.first or (first, last) == (own.first, own.last):
        return segment, "", ""
    begin = text.rfind("\n", 0, first - own.first) + 1
    end = text.find("\n", max(begin, last - own.first - 1))
    end = len(text) if end < 0 else end
    cut = replace(own, first=own.first + begin, last=own.first + end)
    return replace(segment, place=cut, text=text[begin:end]), text[:begin], text[end:]


def _cut_rows(segment: Segment, top: int, bottom: int) -> tuple[Segment, str, str]:
    """Some rows of a passage of rows, under those that name its columns; all where its lines are not its rows."""
    own, lines = segment.place, segment.text.split("\n")
    assert own.top is not None and own.bottom is not None
    names = len(lines) - (own.bottom - own.top + 1)
    if names not in (0, 1) or (top, bottom) == (own.top, own.bottom):
        return segment, "", ""
    begin, end = names + top - own.top, names + bottom - own.top + 1
    cut = replace(segment, place=replace(own, top=top, bottom=bottom), text="\n".join(lines[:names] + lines[begin:end]))
    return cut, "\n".join(lines[names:begin]), "\n".join(lines[end:])


def _gap(one: Place, other: Place) -> str:
    """What parts two passages: as much of a line's end as stands between them."""
    if one.last is None or other.first is None:
        return "\n"
    return "\n" * min(2, max(0, other.first - one.last))


def _without_names(segment: Segment, above: str) -> str:
    """The text of a passage without the names of columns that were put over it, where they stand above already."""
    place, text = segment.place, segment.text
    if place.top is not None and place.bottom is not None:
        names, _, rest = text.partition("\n")
        put = text.count("\n") > place.bottom - place.top or above.startswith(f"{names}\n")
    elif place.first is not None and place.last is not None:
        at = max(0, len(text) - (place.last - place.first))
        names, rest = text[: at - 1] if at else "", text[at:]
        put = at > 1 and text[at - 1] == "\n"
    else:
        return text
    return rest if put and f"\n{names}\n" in f"\n{above}\n" else text
