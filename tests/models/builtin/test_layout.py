"""The order in which pieces of text are read."""

from mcp_mmretrieval.models.builtin.layout import (
    TextBox,
    columns_from_the_right,
    lines_in_reading_order,
    runs_down_in_han,
    turn_of_page,
)


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


def column(right: float, text: str, *, flipped: bool = False, top: float = 0) -> TextBox:
    return TextBox(right - 30, top, right, top + 30 * len(text), text, flipped)


def test_a_page_stands_as_nearly_all_its_words_do() -> None:
    lines = ["Inspection of the bridge", "Two hangers are corroded", "Close the path", "until Easter"]
    assert turn_of_page([column(40 * n, line, flipped=True) for n, line in enumerate(lines)]) == 90
    assert turn_of_page([column(40 * n, line) for n, line in enumerate(lines)]) == 270
    on_its_head = [TextBox(0, 40 * n, 300, 40 * n + 20, line, True) for n, line in enumerate(lines)]
    assert turn_of_page(on_its_head) == 180
    assert turn_of_page(on_its_head[:1]) == 0


def test_a_chart_with_labels_that_run_upwards_stays_as_it_is() -> None:
    labels = [column(40 * number, "Northern region", flipped=True) for number in range(6)]
    assert turn_of_page([*labels, *row(0, (0, 300, "Revenue by region 2026")), *row(900, (0, 90, "euros"))]) == 0


def test_writing_from_the_top_down_is_read_from_the_right() -> None:
    boxes = [column(100, "\u660e\u65e5"), column(200, "\u5929\u6c17", top=70), column(200, "\u6771\u4eac")]
    assert runs_down_in_han(boxes)
    title = TextBox(0, -60, 200, -30, "\u65b0\u805e")
    assert columns_from_the_right([*boxes, title]) == ["\u65b0\u805e", "\u6771\u4eac\u5929\u6c17", "\u660e\u65e5"]
    assert not runs_down_in_han(row(0, (0, 90, "\u6771\u4eac")))
    assert not runs_down_in_han([])
