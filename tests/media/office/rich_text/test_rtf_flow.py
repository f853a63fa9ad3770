"""Paragraphs and tables of RTF, as they end."""

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table
from mcp_mmretrieval.media.office.rich_text.rtf_flow import RtfFlow, distinct_margins, joined_pieces


def ended(flow: RtfFlow, text: str, *, in_table: bool = False, level: int = 0) -> str:
    flow.text.append(text)
    return flow.end_paragraph(in_table=in_table, level=level, item=False)


def test_a_heading_says_its_words_and_what_stands_aside_follows_its_paragraph() -> None:
    flow = RtfFlow()
    flow.follow("[1]", [Paragraph("a note")])
    flow.follow("[2]", [Paragraph("  ")])
    assert ended(flow, " Ships  and ports ", level=2) == "Ships and ports"
    assert ended(flow, "plain") == ""
    assert flow.blocks == [
        Paragraph(" Ships  and ports ", 2),
        Paragraph("[1] a note", kind="item"),
        Paragraph("plain"),
    ]


def test_a_table_ends_before_the_next_paragraph_with_what_was_left_open() -> None:
    flow = RtfFlow()
    for cell in ("Ship", "Port"):
        ended(flow, cell, in_table=True)
        flow.end_cell()
    flow.head()
    flow.end_row()
    ended(flow, "oak", in_table=True)
    ended(flow, "after")
    table, paragraph = flow.blocks
    assert isinstance(table, Table)
    assert [len(row) for row in table.rows] == [2, 1]
    assert table.header_rows == 1
    assert paragraph == Paragraph("after")


def test_letters_in_two_pieces_are_one_and_margins_are_told_once() -> None:
    assert joined_pieces(["\ud83d", "\ude00", "x"]) == "\U0001f600x"
    margins: list[list[DocumentBlock]] = [[Paragraph("Draft")], [Paragraph("Draft")], [Paragraph("Final")]]
    assert list(distinct_margins(margins)) == [Paragraph("Draft"), Paragraph("Final")]
