"""Chinese and Japanese that run down the page, by the places of their letters."""

from mcp_mmretrieval.media.pdf.vertical_writing import Letter, is_vertical, vertical_text


def down(x: float, text: str, top: float = 700, size: float = 14) -> list[Letter]:
    return [Letter(text[at], x, top - size * (at + 1), x + size, top - size * at) for at in range(len(text))]


def along(x: float, text: str, top: float = 700, size: float = 14) -> list[Letter]:
    return [Letter(text[at], x + size * at, top - size, x + size * (at + 1), top) for at in range(len(text))]


ENDS = [Letter("\r", 0, 0, 0, 0), Letter("\n", 0, 0, 0, 0)]


def test_letters_below_one_another_are_vertical_and_letters_in_lines_are_not() -> None:
    assert is_vertical([*down(100, "東京の天気"), *ENDS, *down(76, "晴れです。")])
    assert not is_vertical([*along(100, "東京の天気は"), *ENDS, *along(100, "晴れです。", top=680)])


def test_a_narrow_column_beside_lines_does_not_make_a_page_vertical() -> None:
    assert not is_vertical([*along(100, "週の予定と天気の表です"), *ENDS, *down(100, "月火水木金", top=600)])


def test_latin_letters_below_one_another_are_not_vertical_writing() -> None:
    assert not is_vertical(down(100, "ABCDEFGH"))


def test_columns_are_read_from_the_right_in_whatever_order_they_come() -> None:
    left, right = down(76, "晴れです。"), down(100, "東京の天気")
    assert vertical_text([*left, *right]) == vertical_text([*right, *left]) == "東京の天気\n晴れです。"


def test_tiers_are_read_from_the_top() -> None:
    tiers = [
        *down(76, "晴れです"),
        *down(100, "東京の空"),
        *down(76, "弱いです", top=500),
        *down(100, "風は西で", top=500),
    ]
    assert vertical_text(tiers) == "東京の空\n晴れです\n風は西で\n弱いです"


def test_a_number_that_takes_the_room_of_a_letter_stays_in_its_column() -> None:
    one, two = Letter("1", 100, 672, 107, 686), Letter("5", 107, 672, 114, 686)
    letters = [*down(100, "気"), one, two, *down(100, "度まで上", top=672)]
    assert vertical_text(letters) == "気15度まで上"


def test_lines_along_the_page_stand_before_the_columns() -> None:
    assert vertical_text([*down(100, "東京の天気"), *along(40, "新聞の第一面", top=760)]) == "新聞の第一面\n東京の天気"
