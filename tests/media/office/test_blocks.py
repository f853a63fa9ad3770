"""Blocks of a text document become text with its structure."""

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table, flat_text, write_blocks
from mcp_mmretrieval.media.structure import StructuredText, TextBuilder


def written(*blocks: DocumentBlock, most: int = 10_000) -> StructuredText:
    builder = TextBuilder()
    assert write_blocks(blocks, builder, most)
    return builder.built()


def cell(words: str, level: int = 0) -> list[DocumentBlock]:
    return [Paragraph(words, level)]


def test_paragraphs_lines_headings_and_code() -> None:
    found = written(
        Paragraph("One", 1),
        Paragraph("Words."),
        Paragraph("a", kind="item"),
        Paragraph("if x:", kind="code"),
        Paragraph("    y", kind="code"),
        Paragraph("End."),
    )
    assert found.text == "One\n\nWords.\na\n\nif x:\n    y\n\nEnd."
    assert [heading.title for heading in found.headings] == ["One"]
    assert [found.text[block.at : block.end] for block in found.blocks] == ["a", "if x:\n    y"]


def test_a_table_is_a_line_a_row_and_what_is_in_a_cell_one_line() -> None:
    inner = Table([[cell("x"), cell("y")], [cell("z"), cell("")]])
    found = written(Table([[cell("a"), [Paragraph("b"), Paragraph("c")]], [[inner], cell("d")]]))
    assert found.text == "a | b c\nx, y; z | d"


def test_a_table_that_only_places_texts_is_none() -> None:
    column = written(Table([[cell("one")], [cell("two")], []]))
    headed = written(Table([[cell("Head", 1), cell("side")]]))
    wordy = written(Table([[cell("left"), cell("word " * 300)]]))
    assert [found.blocks for found in (column, headed, wordy)] == [[], [], []]
    assert column.text == "one\n\ntwo"
    assert [heading.title for heading in headed.headings] == ["Head"]


def test_writing_ends_where_there_is_enough() -> None:
    builder = TextBuilder()
    assert not write_blocks((Paragraph(f"paragraph {number}") for number in range(1000)), builder, 100)
    assert 100 < builder.length < 130


def test_text_of_blocks_fits_on_a_line() -> None:
    assert flat_text([Paragraph("a"), Table([[cell("b"), cell("c")]]), Paragraph("")]) == "a b, c"
