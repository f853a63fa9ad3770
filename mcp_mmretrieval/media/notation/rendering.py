"""What a notation says: its text, and what is known of the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_mmretrieval.media.notation.source_map import MappedText
from mcp_mmretrieval.media.passages import ENDS_IN_LINES, MIN_SECTION_CHARACTERS, Block, Heading, PassageEnds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One text, read."""

    mapped: MappedText
    headings: Sequence[Heading] = ()
    """In `mapped.text`."""
    blocks: Sequence[Block] = ()
    """In `mapped.text`: what stays whole."""
    ends: PassageEnds = ENDS_IN_LINES
    title: str = ""
    keywords: str = ""
    """Words about the whole that do not stand in the text."""
    dated: float | None = None
    """Seconds since 1970, by the document's own word."""
    notes: Sequence[str] = ()
    """What was left out."""
    loose: bool = False
    """Whether runs of blanks and empty lines mean nothing, as in HTML."""
    least_section: int = MIN_SECTION_CHARACTERS
    """Characters of the shortest section that is a passage of its own; 1 where each is one thing, as a contact is."""
    verbatim: Sequence[tuple[int, int]] = ()
    """Ranges of `mapped.text`, in order, in which they do all the same."""
