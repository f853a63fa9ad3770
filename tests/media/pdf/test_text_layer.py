"""Text layers in reading order, through PDFium."""

import pytest

from mcp_mmretrieval.media.pdf.cleaning import clean_text_layer
from mcp_mmretrieval.media.pdf.text_layer import read_text_layer
from tests.support.pdf_pages import boxes_font, opened, page_pdf, turned_words, words_at

LEFT = (
    "The council met on Tuesday and",
    "heard the report on the harbour.",
    "After a long debate the mem-",
    "bers decided to postpone works",
    "until the spring, when the river",
    "will be low enough for repairs.",
)
RIGHT = (
    "In November the mayor wrote a",
    "letter to the ministry and asked",
    "for money that had been promised",
    "two years ago. No answer came",
    "before Christmas, so the board",
    "turned to the newspapers again.",
)
LINES = ("first line with alpha", "second line with bravo", "third line with charlie", "fourth line with delta")


def text_of(data: bytes) -> str:
    return clean_text_layer(read_text_layer(opened(data)[0]))


def rows_at(
    rows: list[list[str]], left: float = 60, across: float = 90, down: float = 18
) -> list[tuple[float, float, str]]:
    return [(left + across * x, 700 - down * y, cell) for y, row in enumerate(rows) for x, cell in enumerate(row)]


def test_two_columns_that_were_drawn_line_by_line_are_read_one_after_the_other() -> None:
    words: list[tuple[float, float, str]] = [(60, 780, "Minutes of the harbour council")]
    for at, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        words += [(60, 740 - 14 * at, left), (310, 740 - 14 * at, right)]
    words.append((60, 600, "This line runs over both columns and ends what the council had to say about it."))
    found = text_of(page_pdf(words_at(words))).split("\n")
    assert found[0] == "Minutes of the harbour council"
    assert " ".join(found[1:7]).startswith("The council met on Tuesday and heard the report")
    assert "members decided to postpone" in " ".join(found)
    assert found[-2] == RIGHT[-1]
    assert found[-1].startswith("This line runs over")


def test_a_table_that_was_drawn_column_by_column_is_read_by_rows() -> None:
    rows = [
        ["Farm", "Barley", "Oats"],
        ["Borve", "12.4", "30.2"],
        ["Nunton", "9.1", "28.6"],
        ["Clachan", "15.8", "11.9"],
    ]
    cells = rows_at(rows)
    by_column = sorted(cells, key=lambda cell: cell[0])
    found = text_of(page_pdf(words_at([(60, 760, "Harvest of the farms, in tonnes"), *by_column])))
    assert found == "Harvest of the farms, in tonnes\n" + "\n".join(" ".join(row) for row in rows)


def test_a_table_that_was_drawn_row_by_row_stays() -> None:
    rows = [
        ["Kind of soil", "Where it lies", "Depth"],
        ["Loam with clay", "By the river", "1.2"],
        ["Sand", "Hill", "0.4"],
    ]
    assert text_of(page_pdf(words_at(rows_at(rows, across=150)))) == "\n".join(" ".join(row) for row in rows)


def test_cells_of_one_character_do_not_grow_together() -> None:
    rows = [["Name", "A", "B", "C"], ["Ann", "4", "7", "2"], ["Bob", "3", "1", "9"]]
    assert text_of(page_pdf(words_at(rows_at(rows)))) == "\n".join(" ".join(row) for row in rows)


@pytest.mark.parametrize("turn", ["left", "right", "half"])
def test_a_turned_page_is_read_line_by_line_from_its_top(turn: str) -> None:
    assert text_of(page_pdf(turned_words(LINES, turn))) == "\n".join(LINES)


def test_a_turned_label_does_not_disturb_the_lines_beside_it() -> None:
    label = "q 0 1 -1 0 40 300 cm BT /F 11 Tf 0 0 Td (Turned label) Tj ET Q\n"
    words = words_at((60, 700 - 15 * at, line) for at, line in enumerate(LINES))
    found = text_of(page_pdf(label + words)).split("\n")
    assert sorted(found) == sorted([*LINES, "Turned label"])
    assert [line for line in found if line in LINES] == list(LINES)


def test_what_lies_beyond_the_edge_of_the_page_is_not_read() -> None:
    data = page_pdf(words_at([(60, 700, "On the page"), (60, 900, "Far above it"), (900, 700, "Far beside it")]))
    assert text_of(data) == "On the page"


def test_vertical_columns_are_read_from_the_right() -> None:
    columns = ["東京の天気は", "晴れですから", "出かけます。"]
    letters = "".join(dict.fromkeys("".join(columns)))
    objects, streams = boxes_font(letters)
    drawn = [
        f"BT /J 14 Tf {500 - 24 * x} {700 - 14 * y} Td ({chr(65 + letters.index(letter))}) Tj ET".replace(
            "(\\)", "(\\\\)"
        )
        for x, column in enumerate(columns)
        for y, letter in enumerate(column)
    ]
    for order in (drawn, drawn[12:] + drawn[:12]):  # whichever column was drawn first
        page = page_pdf("\n".join(order), objects=objects, streams=streams, page="/Resources << /Font << /J @0 >> >>")
        assert text_of(page) == "\n".join(columns)


def test_a_letter_beyond_the_basic_plane_is_whole() -> None:
    objects, streams = boxes_font("ab")
    streams[1] = (streams[1][0].replace(b"<0062>", b"<D835DC63>"), "")
    far = "BT /J 14 Tf 60 900 Td (A) Tj ET\n"  # beyond the edge: so every letter is looked at
    data = page_pdf(far + "BT /J 14 Tf 60 700 Td (AB) Tj ET", objects=objects, streams=streams,
                    page="/Resources << /Font << /J @0 >> >>")  # fmt: skip
    assert text_of(data) == "a\U0001d463"


def test_an_empty_page_has_no_text() -> None:
    assert text_of(page_pdf("")) == ""


@pytest.mark.parametrize("beyond", ["", "BT /J 14 Tf 60 900 Td (a) Tj ET\n"], ids=["as it is", "by its letters"])
def test_ligatures_of_bitmap_fonts_of_tex_are_letters_also_at_the_end_of_a_line(beyond: str) -> None:
    # a font without a map to characters, whose codes come back: 12 is fi, 13 is fl, 11 is ff
    codes = (11, 12, 13, *range(97, 123))
    names = " ".join(f"{code} /c{code}" for code in codes)
    shapes = " ".join(f"/c{code} @1" for code in codes)
    widths = " ".join("500" for _ in range(11, 123))
    font = (
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 500 700] /FontMatrix [0.001 0 0 0.001 0 0] "
        f"/CharProcs << {shapes} >> /Encoding << /Type /Encoding /Differences [{names}] >> "
        f"/FirstChar 11 /LastChar 122 /Widths [{widths}] /Resources << >> >>"
    )
    lines = (r"\014nally the e\013ect", r"is con\014dential and \015at", r"a clo\014", "of things")
    drawn = "".join(
        f"BT /J 14 Tf {60 + 9.5 * column} {700 - 20 * at} Td ({word}) Tj ET\n"
        for at, line in enumerate(lines)
        for column, word in zip((0, 9, 15, 24), line.split(" "), strict=False)
    )
    data = page_pdf(beyond + drawn, objects=[font], streams=[(b"500 0 0 0 500 700 d1 50 0 400 700 re f", "")],
                    page="/Resources << /Font << /J @0 >> >>")  # fmt: skip
    assert text_of(data) == "finally the effect\nis confidential and flat\na clofi\nof things"
