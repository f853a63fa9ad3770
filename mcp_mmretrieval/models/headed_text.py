"""A window of text as it is embedded: under the headings that it stands under. Pure.

What stands in the middle of a section often does not say what it is about; its headings do. A window that begins with
its own heading says so itself: headings over that one would only make it harder to find (`docs/quality.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder
    from mcp_mmretrieval.types import Identity, Segment

MAX_HEADING_CHARACTERS = 100
"""Characters of headings before a window: 25 tokens of 128."""
_LEVELS = 2
_SEPARATOR = " > "
_MARKS = "#=*_ \t\r\n"
"""What may stand before a heading in its own text."""
_RULE: Identity = {"headings": f"{_LEVELS} {MAX_HEADING_CHARACTERS} passages"}


def space_identity(embedder: Embedder) -> Identity:
    """What the vectors of a space depend on: the embedder, and how headings stand before what it is given."""
    return {**embedder.identity, **_RULE}


def without_headings(identity: Identity) -> Identity:
    """The same without how headings stood: what may be asked of a space, as no query has headings."""
    return {what: value for what, value in identity.items() if what not in _RULE}


def under_headings(window: str, segment: Segment) -> str:
    """A window of a passage, and before it the two nearest headings over it, unless it begins with the nearest.

    What is no passage of text, such as a page of a PDF, stays as it is.
    """
    levels = [level for level in segment.heading.split(_SEPARATOR) if level.strip()][-_LEVELS:]
    if segment.modality != "text" or not levels:
        return window
    nearest, begins = levels[-1].casefold(), window[: len(levels[-1]) + MAX_HEADING_CHARACTERS]
    if begins.lstrip(_MARKS).casefold().startswith(nearest):
        return window
    return f"{_ending(_SEPARATOR.join(levels))}\n{window}"


def _ending(headings: str) -> str:
    """The end of headings that are too long, from a word on: what is nearest stands last."""
    if len(headings) <= MAX_HEADING_CHARACTERS:
        return headings
    return headings[-MAX_HEADING_CHARACTERS:].partition(" ")[2] or headings[-MAX_HEADING_CHARACTERS:]
