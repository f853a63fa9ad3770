"""Notes and comments of a Word document: what stands in a part of its own and is cited in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, flat_text
from mcp_mmretrieval.media.office.word.word_styles import W
from mcp_mmretrieval.media.office.xml_parts import Element


class NoteReader(Protocol):
    """What reads a note, as it does all text of that part."""

    def whole(self, root: Element) -> Iterator[DocumentBlock]:
        """All of a note."""


@dataclass(slots=True)
class Aside:
    """Notes or comments of a document: what stands in a part of its own and is cited in the text."""

    story: NoteReader
    elements: Mapping[str, Element]
    told: set[str] = field(default_factory=set)
    """Those that have been read."""

    def blocks(self, identity: str) -> list[DocumentBlock]:
        """One of them; nothing where there is none, or it has been read."""
        element = self.elements.get(identity)
        if element is None or identity in self.told:
            return []
        self.told.add(identity)
        return list(self.story.whole(element))


def comment_blocks(comments: Aside, identity: str) -> list[DocumentBlock]:
    """A comment with its author; nothing where it has been read."""
    blocks = comments.blocks(identity)
    author = " ".join(comments.elements[identity].get(f"{W}author", "").split()) if blocks else ""
    return led_by(f"Comment ({author}):" if author else "Comment:", blocks)


def led_by(mark: str, blocks: list[DocumentBlock]) -> list[DocumentBlock]:
    """Text that stands aside, as lines, with its mark before it."""
    text = flat_text(blocks)
    return [Paragraph(f"{mark} {text}".lstrip(), kind="item")] if text.strip() else []
