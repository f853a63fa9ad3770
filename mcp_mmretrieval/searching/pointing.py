"""Where in a document the places are that a question points at. Pure functions.

Which page "page 14" is can no ranking by words or meaning tell: it is looked up. A page has two numbers, its place in
the file and the one printed on it. People mean either, so both count, and what else is asked decides between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from mcp_mmretrieval.searching.pointers import CAPTION_KINDS, CARDINALS, ROMAN, Caption, Pointers
from mcp_mmretrieval.store import StoredSegment
from mcp_mmretrieval.types import Place

PAGE_EVIDENCE = 1.0
"""What a page counts for that is pointed at by its number, in the unit of `fusion`: as much as all words of a query."""
CAPTION_EVIDENCE = 0.8
"""What a place counts for where a line begins with the caption or heading that is pointed at."""
MENTION_EVIDENCE = 0.2
"""What it counts for where that is only mentioned, as in a list of contents."""
BEGINNING_EVIDENCE = 0.5
"""What the first page counts for where the question is on the document as such: its date, its author."""
CONTENTS_LINES = 5
"""Lines with the number of a page at their end that make a list of contents."""

_BARE = {"section", "chapter", "appendix", "part"}
"""Kinds whose headings often stand without the name: `4.1 Results`."""
_LEADER = re.compile(r"(?:\.\s?){3,}|(?<=\w)\s+\d{1,3}\s*$")
"""How a line of a list of contents ends."""
_CONTENTS_HEADING = re.compile(
    r"\W*(?:(?:table of )?contents?|inhalt(?:sverzeichnis)?|table des matières|sommaire|índice|sommario)\W*",
    re.IGNORECASE,
)


def pointed_places(pointers: Pointers, segments: Sequence[StoredSegment]) -> dict[int, float]:
    """Evidence by key for the places of one document that are pointed at. `segments`: all of it, in order."""
    evidence: dict[int, float] = {}
    for find in (_pages, _sheets, _chapters, _contents, _captions):
        found = find(pointers, segments)
        for key, value in found.items():
            evidence[key] = max(value, evidence.get(key, 0.0))
    return evidence


def _pages(pointers: Pointers, segments: Sequence[StoredSegment]) -> dict[int, float]:
    """Pages and slides by their number in the file, by what is printed on them, and counted from either end."""
    numbers = {stored.key: number for stored in segments if (number := _page_number(stored.segment.place)) is not None}
    pages = sorted(set(numbers.values()))
    wanted = {int(number) for number in pointers.pages if number.isdecimal()}
    wanted |= {pages[at - 1 if at > 0 else at] for at in pointers.positions if abs(at) <= len(pages)}
    first = {segments[0].key: BEGINNING_EVIDENCE} if pointers.beginning and segments else {}
    return first | {
        stored.key: PAGE_EVIDENCE
        for stored in segments
        if stored.key in numbers
        and (numbers[stored.key] in wanted or stored.segment.label.casefold() in pointers.pages)
    }


def _sheets(pointers: Pointers, segments: Sequence[StoredSegment]) -> dict[int, float]:
    """Sheets by their name or number, and the rows of those that are pointed at, or else of any."""
    sheets = {stored.key: name for stored in segments if (name := _parts(stored.segment.place).get("sheet"))}
    order = list(dict.fromkeys(sheets.values()))
    asked = {*pointers.pages, *(title.casefold() for title in pointers.headings)}
    named = {name for name in order if name.casefold() in asked}
    if not named:
        named = {order[int(at) - 1] for at in pointers.pages if at.isdecimal() and 0 < int(at) <= len(order)}
    rows = {
        stored.key: PAGE_EVIDENCE
        for stored in segments
        if any(_has_rows(stored.segment.place, *found) for found in pointers.rows)
        and (not named or sheets.get(stored.key) in named)
    }
    value = MENTION_EVIDENCE if rows else PAGE_EVIDENCE
    return {key: value for key, name in sheets.items() if name in named} | rows


def _chapters(pointers: Pointers, segments: Sequence[StoredSegment]) -> dict[int, float]:
    """Chapters by their number in the file; one may print another one, which its heading tells."""
    wanted = {form for caption in pointers.captions if caption.kind == "chapter" for form in _forms(caption.number)}
    found = ((stored.key, _parts(stored.segment.place).get("chapter")) for stored in segments if wanted)
    return {key: CAPTION_EVIDENCE for key, number in found if number in wanted}


def _page_number(place: Place) -> int | None:
    """The number of a page, or of a slide."""
    slide = _parts(place).get("slide", "")
    return int(slide) if place.page is None and slide.isdecimal() else place.page


def _parts(place: Place) -> dict[str, str]:
    """The name of each part of a file that a place lies in, by its kind."""
    return {kind: unquote(name) for kind, _, name in (part.partition("=") for part in place.part.split("&"))}


def _has_rows(place: Place, top: int, bottom: int) -> bool:
    return place.top is not None and place.bottom is not None and place.top <= bottom and top <= place.bottom


def _contents(pointers: Pointers, segments: Sequence[StoredSegment]) -> dict[int, float]:
    """Where the list of contents stands: under its heading, or where many lines end with the number of a page."""
    found = {}
    for stored in segments if pointers.contents else ():
        lines = stored.segment.text.splitlines()
        headed = any(_CONTENTS_HEADING.fullmatch(line) for line in (*lines, stored.segment.heading))
        listed = sum(bool(_LEADER.search(line)) for line in lines) >= CONTENTS_LINES
        if headed:
            found[stored.key] = CAPTION_EVIDENCE if listed else CAPTION_EVIDENCE / 2
    return found


def _captions(pointers: Pointers, segments: Sequence[StoredSegment]) -> dict[int, float]:
    """Where captions and headings stand; where nothing begins with one, where it is mentioned."""
    patterns = [*map(_caption, pointers.captions), *map(_heading, pointers.headings)]
    found: dict[int, float] = {}
    for begins, mentions in patterns:
        for stored in segments:
            value = _worth(stored, begins, mentions)
            if value:
                found[stored.key] = max(value, found.get(stored.key, 0.0))
    return found


def _worth(stored: StoredSegment, begins: re.Pattern[str], mentions: re.Pattern[str]) -> float:
    for text in (stored.segment.heading, stored.segment.text):
        for match in begins.finditer(text):
            end = text.find("\n", match.end())
            if not _LEADER.search(text[match.start() : end if end >= 0 else len(text)].strip()):
                return CAPTION_EVIDENCE
    return MENTION_EVIDENCE if mentions.search(stored.segment.text) else 0.0


def _caption(caption: Caption) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a line begins with that is the caption, and what mentions it."""
    name = rf"(?:{CAPTION_KINDS[caption.kind]})\.?\s*(?:no\.?\s*)?"
    number = rf"(?:{'|'.join(map(re.escape, _forms(caption.number)))})(?!\w|[.-]\d)"
    bare = rf"|{re.escape(caption.number)}[.:)]?[^\S\n]+(?=[^\W\d_])" if caption.kind in _BARE else ""
    begins = rf"(?:{name}{number}{bare})"
    return (
        re.compile(rf"^\W{{0,3}}{begins}", re.IGNORECASE | re.MULTILINE),
        re.compile(rf"(?<!\w){name}{number}", re.IGNORECASE),
    )


def _forms(number: str) -> list[str]:
    """How a number may be written: `3`, `three`, `III`."""
    value = int(number) if number.isdecimal() and len(number) < 3 else ROMAN.get(number, 0)
    roman = next((numeral for numeral, its in ROMAN.items() if its == value), number)
    return list(dict.fromkeys([number, *([str(value), roman] if value else []), *CARDINALS[value - 1 : value]]))


def _heading(title: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a line begins with that is the heading, numbered or not, and what mentions it."""
    words = r"\W+".join(map(re.escape, re.findall(r"\w+", title)))
    return (
        re.compile(rf"^[^\w\n]*(?:[\dA-Z]+(?:\.\d+)*[.):]?\s+)?{words}[^\w\n]*$", re.IGNORECASE | re.MULTILINE),
        re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE),
    )
