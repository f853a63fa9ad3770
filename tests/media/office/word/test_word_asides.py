"""Notes and comments of Word documents, each told once."""

from collections.abc import Iterator

from lxml import etree  # type: ignore[import-untyped]

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph
from mcp_mmretrieval.media.office.word.word_asides import Aside, comment_blocks, led_by
from mcp_mmretrieval.media.office.word.word_styles import W
from mcp_mmretrieval.media.office.xml_parts import Element


class Words:
    """Reads the text of an element as one paragraph."""

    def whole(self, root: Element) -> Iterator[DocumentBlock]:
        yield Paragraph(root.text or "")


def comment(text: str, author: str = "") -> Element:
    made: Element = etree.Element(f"{W}comment", {f"{W}author": author} if author else {})
    made.text = text
    return made


def test_a_comment_is_told_once_with_its_author() -> None:
    comments = Aside(Words(), {"1": comment("too long", "Ada  Byron"), "2": comment("why?"), "3": comment(" ")})
    assert comment_blocks(comments, "1") == [Paragraph("Comment (Ada Byron): too long", kind="item")]
    assert comment_blocks(comments, "1") == []
    assert comment_blocks(comments, "2") == [Paragraph("Comment: why?", kind="item")]
    assert comment_blocks(comments, "3") == []
    assert comment_blocks(comments, "4") == []


def test_what_has_no_mark_stands_without_one() -> None:
    assert led_by("", [Paragraph("a note")]) == [Paragraph("a note", kind="item")]
