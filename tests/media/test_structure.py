"""Text with its structure: what is put together is what stands there, and tables and code are cut last."""

from mcp_mmretrieval.media.passages import MAX_BLOCK_CHARACTERS, MAX_PASSAGE_CHARACTERS
from mcp_mmretrieval.media.structure import TextBuilder


def test_headings_stand_over_what_follows_them() -> None:
    text = TextBuilder()
    text.heading("Boats", 1)
    text.heading("Sails", 2)
    text.paragraph("The mainsail is   torn.\n")
    (passage,) = text.built().passages()
    assert passage.heading == "Boats > Sails"
    assert passage.shown(text.built().text) == "Boats\n\nSails\n\nThe mainsail is torn."


def test_what_is_empty_leaves_no_trace() -> None:
    text = TextBuilder()
    text.heading(" ", 1)
    text.paragraph("")
    text.line("\n")
    text.code("\n\n")
    text.table([["", ""], [" "]])
    assert text.built().text == ""
    assert not text.built().blocks


def test_each_passage_of_a_long_table_has_the_names_of_its_columns() -> None:
    text = TextBuilder()
    text.paragraph("Stock of the harbour.")
    text.table([["Item", "Count"], *([f"rope number {number}", str(number)] for number in range(400))])
    built = text.built()
    passages = list(built.passages())
    assert len(passages) > 3
    for passage in passages[1:]:
        shown = passage.shown(built.text)
        assert shown.startswith("Item | Count\nrope number ")
        assert shown.count("Item | Count") == 1
        assert len(shown) <= MAX_PASSAGE_CHARACTERS + len("Item | Count\n")
    rows = "\n".join(built.text[passage.first : passage.last] for passage in passages).split("\n")
    assert [row for row in rows if row.startswith("rope")] == [f"rope number {n} | {n}" for n in range(400)]


def test_a_table_that_fits_stays_whole_and_begins_a_passage_of_its_own() -> None:
    text = TextBuilder()
    text.paragraph("Words before it. " * 60)
    text.table([["Name", "Depth"], *([f"basin {number}", f"{number} m"] for number in range(40))])
    built = text.built()
    shown = [passage.shown(built.text) for passage in built.passages()]
    assert len(shown) == 2
    assert shown[1].startswith("Name | Depth")
    assert shown[1].endswith("basin 39 | 39 m")


def test_code_keeps_its_lines_and_stays_whole_where_it_can() -> None:
    code = "\n".join(f"    value_{number} = {number}" for number in range(70))
    assert MAX_PASSAGE_CHARACTERS < len(code) < MAX_BLOCK_CHARACTERS
    text = TextBuilder()
    text.paragraph("A program.")
    text.code(code)
    built = text.built()
    (passage,) = built.passages()
    assert passage.shown(built.text) == f"A program.\n\n{code}"


def test_no_word_is_lost_however_long_a_line_of_a_block_is() -> None:
    text = TextBuilder()
    text.table([["word " * 2_000, "end"], ["another " * 900]], header_rows=0)
    built = text.built()
    words = " ".join(built.text[passage.first : passage.last] for passage in built.passages()).split()
    assert words.count("word") == 2_000
    assert words.count("another") == 900
