"""The order of pieces of text on a page, by their places."""

import pytest

from mcp_mmretrieval.media.pdf.reading_order import Piece, in_reading_order


def at(x: float, y: float, text: str) -> Piece:
    """A piece of letters that are five units broad and ten high."""
    return Piece(text, x, y, x + 5 * len(text), y + 10)


def column(x: float, *texts: str, top: float = 700, down: float = 14) -> list[Piece]:
    return [at(x, top - down * line, text) for line, text in enumerate(texts)]


def side_by_side(*columns: list[Piece]) -> list[Piece]:
    """The pieces of columns as they are drawn line by line."""
    return [piece for row in zip(*columns, strict=True) for piece in row]


PROSE = (
    "when the river rose the men",
    "carried the sacks up to the",
    "mill and closed the gates of",
    "the lower meadow until the",
    "water had gone down again",
)
OTHER = (
    "nobody had seen such a flood",
    "since the year of the great",
    "fire, and the priest wrote it",
    "into the book of the parish",
    "with the names of the dead",
)
THIRD = (
    "the bridge was built anew in",
    "stone, and it stands to this",
    "day a little above the place",
    "where the ferry used to land",
    "and the toll was taken then",
)


def test_lines_in_order_stay() -> None:
    assert in_reading_order(column(50, *PROSE)) == "\n".join(PROSE)


def test_three_columns_drawn_line_by_line_are_read_one_after_the_other() -> None:
    drawn = side_by_side(column(50, *PROSE), column(220, *OTHER), column(390, *THIRD))
    assert in_reading_order(drawn) == "\n".join([*PROSE, *OTHER, *THIRD])


def test_the_last_lines_of_columns_below_a_figure_are_columns_too() -> None:
    drawn = [
        *side_by_side(column(50, *PROSE), column(220, *OTHER)),
        at(130, 500, "Figure 1. The mill in the year of the flood"),
        *side_by_side(column(50, *THIRD[:2], top=480), column(220, *THIRD[2:4], top=480)),
    ]
    assert in_reading_order(drawn).split("\n")[-4:] == list(THIRD[:4])


def test_columns_that_are_drawn_one_after_the_other_stay_so_though_their_lines_meet() -> None:
    drawn = [*column(50, *PROSE), *column(220, *OTHER)]
    assert in_reading_order(drawn) == "\n".join([*PROSE, *OTHER])


def test_a_hyphen_at_the_end_of_a_columns_line_is_marked_as_one() -> None:
    left = [*PROSE[:3], "the lower mea-", "dow until the water had gone"]
    found = in_reading_order(side_by_side(column(50, *left), column(220, *OTHER)))
    assert "the lower mea\ufffe\ndow until" in found


def test_rows_of_names_and_offices_are_no_columns() -> None:
    names = ("John A. Warner Esq. of York", "Mary K. Brown of Leeds", "Paul T. Adams of Hull", "Ruth B. Cole of Ely")
    offices = ("Chairman of the Board", "Director of the Works", "Keeper of the Seal", "Clerk of the Court")
    drawn = side_by_side(column(50, *names), column(250, *offices))
    assert in_reading_order(drawn) == "\n".join(map(" ".join, zip(names, offices, strict=True)))


def test_a_table_of_words_that_is_drawn_column_by_column_is_read_by_rows() -> None:
    drawn = [
        *column(50, "Bird", "Wren", "Kite", "Swan"),
        *column(150, "Nest", "Hedge", "Tree", "Reeds"),
        *column(250, "Food", "Spiders", "Voles", "Weeds"),
    ]
    assert in_reading_order(drawn).split("\n")[2] == "Kite Tree Voles"


def test_cells_that_are_empty_leave_the_others_on_their_rows() -> None:
    prices = [piece for piece in column(150, "Price", "12", "", "31") if piece.text]
    found = in_reading_order([*column(50, "Tool", "Saw", "Axe", "Rake"), *prices])
    assert found == "Tool Price\nSaw 12\nAxe\nRake 31"


def test_what_stands_above_and_below_a_table_stays_there() -> None:
    drawn = [
        *column(50, "Prices of tools in the spring of that year, in shillings", top=740),
        *column(50, "Tool", "Saw", "Axe"),
        *column(150, "Price", "12", "9"),
        *column(
            50, "All of them were sold within a week of the fair, the last", "one to a man from the hills.", top=640
        ),
    ]
    assert in_reading_order(drawn).split("\n")[1:] == [
        "Tool Price",
        "Saw 12",
        "Axe 9",
        "All of them were sold within a week of the fair, the last",
        "one to a man from the hills.",
    ]


TABLE = [
    ["Gauge", "Salt", "Oxygen"],
    ["Upper lock", "1.2", "8.4"],
    ["Old weir", "3.1", "7.9"],
    ["Sluice", "9.8", "7.1"],
]
CELLS = [[at(50 + 150 * x, 700 - 20 * y, text) for x, text in enumerate(row)] for y, row in enumerate(TABLE)]


@pytest.mark.parametrize(
    "drawn",
    [
        [piece for row in CELLS for piece in reversed(row)],
        [row[0] for row in CELLS] + [piece for row in CELLS for piece in row[1:]],
        [piece for row in CELLS for piece in row[1:]] + [row[0] for row in CELLS],
        [row[2] for row in CELLS] + [piece for row in CELLS for piece in row[:2]],
        [row[x] for x in range(3) for row in reversed(CELLS)],
        [CELLS[at % 4][at % 3] for at in range(0, 60, 5)],
    ],
    ids=["from the right", "names first", "names last", "last column first", "from below", "across"],
)
def test_a_table_whose_cells_are_drawn_in_another_order_is_read_by_rows(drawn: list[Piece]) -> None:
    assert in_reading_order(drawn) == "\n".join(map(" ".join, TABLE))


def test_two_tables_side_by_side_stay_apart() -> None:
    other = [[at(600 + 150 * x, 700 - 20 * y, text) for x, text in enumerate(row)] for y, row in enumerate(TABLE)]
    drawn = [piece for table in (CELLS, other) for row in table for piece in row]
    assert in_reading_order(drawn) == "\n".join(map(" ".join, TABLE + TABLE))


def test_the_lines_of_a_tables_head_stay_together() -> None:
    drawn = [*column(50, "Number of", "Shares"), *column(150, "Average", "Price", "Per Share"), *column(250, "Plans")]
    assert in_reading_order(drawn) == "Number of\nShares\nAverage\nPrice\nPer Share\nPlans"
    heads = [column(50 + 100 * at, "Foreign", "Exchange", f"Contracts {at}", down=11) for at in range(4)]
    assert in_reading_order([piece for head in heads for piece in head]).split("\n")[:3] == [
        "Foreign",
        "Exchange",
        "Contracts 0",
    ]


def test_an_index_in_columns_is_no_table() -> None:
    words = [f"entry {letter}, see" for letter in "abcdefghijklmnopqrst"]
    drawn = [*column(50, *words), *column(200, *words), *column(350, *words)]
    assert in_reading_order(drawn) == "\n".join([*words, *words, *words])


def test_the_page_numbers_of_a_list_of_contents_join_their_lines() -> None:
    drawn = [*column(50, "Foreword", "Soils and rivers", "Index"), *column(400, "3", "17", "98")]
    assert in_reading_order(drawn) == "Foreword 3\nSoils and rivers 17\nIndex 98"
