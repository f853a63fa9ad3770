"""What an Office file says of itself: Dublin Core in its own part (ECMA-376-2, 11; OpenDocument 1.3, 4.3)."""

from __future__ import annotations

from collections import defaultdict

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.office.xml_parts import Element, local_name
from mcp_mmretrieval.types import DocumentMetadata

_ABOUT = ("creator", "initial-creator", "subject", "keywords", "keyword", "category", "description")
_DATES = ("created", "creation-date", "modified", "date")
_MAX_KEYWORDS = 5_000
_MAX_TITLE = 200


def document_properties(properties: Element | None, shown_title: str = "", first_heading: str = "") -> DocumentMetadata:
    """Title, date, and words about the whole.

    `shown_title` is the title that stands in the text: it goes first. `first_heading` stands in where there is none.
    """
    said: defaultdict[str, list[str]] = defaultdict(list)
    for each in () if properties is None else properties.iter():
        if text := " ".join((each.text or "").split()):
            said[local_name(each)].append(text)
    title = next(iter(said["title"]), "")
    dates = (parse_date(written) for name in _DATES for written in said[name])
    words = dict.fromkeys(word for name in _ABOUT for word in said[name])
    if shown_title and title and title != shown_title:
        words[title] = None
    return DocumentMetadata(
        title=(shown_title or title or first_heading)[:_MAX_TITLE],
        dated=next((moment for moment in dates if moment is not None), None),
        keywords="\n".join(words)[:_MAX_KEYWORDS],
    )
