"""The order in which pieces of text are read."""

from mcp_mmretrieval.models.builtin.layout import TextBox, lines_in_reading_order


def row(top: float, *pieces: tuple[float, float, str]) -> list[TextBox]:
    """Pieces of (left, right, text) on one line, 20 pixels high."""
    return [TextBox(left, top, right, top + 20, text) for left, right, text in pieces]


def columns(top: float, count: int) -> list[TextBox]:
    """Two columns of prose, 300 pixels each, line beside line."""
    numbers = range(count)
    return [
        box
        for number in numbers
        for box in row(top + 30 * number, (0, 300, f"left {number}"), (340, 640, f"right {number}"))
    ]


def test_no_text_has_no_lines() -> None:
    assert lines_in_reading_order([]) == []


def test_what_stands_side_by_side_is_one_line_from_the_left() -> None:
    assert lines_in_reading_order([*row(40, (200, 300, "South"), (0, 100, "North")), *row(0, (0, 300, "Revenue"))]) == [
        "Revenue",
        "North South",
    ]


def test_a_line_that_hangs_a_little_stays_one_line() -> None:
    assert lines_in_reading_order([TextBox(0, 0, 100, 20, "not"), TextBox(120, 8, 200, 28, "level")]) == ["not level"]


def test_an_upright_label_is_a_line_of_its_own() -> None:
    label = TextBox(0, 0, 20, 200, "million euros")
    assert lines_in_reading_order([label, *row(90, (60, 160, "North"), (200, 300, "South"))]) == [
        "million euros",
        "North South",
    ]


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    expected = [f"left {number}" for number in range(9)] + [f"right {number}" for number in range(9)]
    assert lines_in_reading_order(columns(0, 9)) == expected


def test_a_title_across_both_columns_parts_what_is_above_from_what_is_below() -> None:
    title = row(300, (100, 540, "Results"))
    read = lines_in_reading_order([*columns(0, 9), *title, *columns(340, 9)])
    middle = read.index("Results")
    assert (read[middle - 1], read[middle + 1]) == ("right 8", "left 0")


def test_a_table_is_read_row_by_row() -> None:
    table = [
        box
        for number in range(12)
        for box in row(30 * number, (0, 80, f"item {number}"), (400, 440, str(number)), (560, 640, "euros"))
    ]
    assert lines_in_reading_order(table)[:2] == ["item 0 0 euros", "item 1 1 euros"]


def test_a_list_with_figures_beside_it_is_read_row_by_row() -> None:
    entries = [box for number in range(12) for box in row(30 * number, (0, 500, f"chapter {number}"), (600, 640, "7"))]
    assert lines_in_reading_order(entries)[0] == "chapter 0 7"
