"""Rows as a picture of a table."""

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.server.tools.drawn_table import SIDE_PIXELS, draw_table, table_picture

ROWS = [["Region", "Sold"], ["North", "1,204"], ["South", "98"]]


def ink(picture: Image.Image | np.ndarray, left: float, right: float) -> int:
    """Dark pixels between two shares of the width."""
    grey = np.asarray(Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).mean(axis=2)
    wide = grey.shape[1]
    return int((grey[:, round(left * wide) : round(right * wide)] < 90).sum())


def test_a_small_table_is_no_larger_than_it_needs() -> None:
    assert table_picture(ROWS).shape[0] < 200
    assert draw_table(ROWS, (320, 240)).size == (320, 240)


@pytest.mark.parametrize(
    "rows",
    [
        [["one"]],
        [["a", "b", "c"], ["1"], []],
        [[f"column {at}" for at in range(60)]] * 3,
        [["id", "text"], *([str(at), "word " * 300] for at in range(80))],
        [["製品", "価格"], ["自転車" * 200, "¥ 120,000"]],
        [["الاسم", "العدد"], ["مرحبا بالعالم", "12"]],
        [["x" * 9_000, "\x00\n\t"], ["🌂", "a\u0301"]],
    ],
)
def test_any_table_fits(rows: list[list[str]]) -> None:
    high, wide, _ = table_picture(rows).shape
    assert max(high, wide) <= SIDE_PIXELS
    assert draw_table(rows, (200, 150)).size == (200, 150)


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    wide = "a note that is long enough to make its column wide"
    numbers, words = table_picture([[wide], ["1"], ["2"], ["3"]]), table_picture([[wide], ["i"], ["l"], ["t"]])
    assert ink(numbers[60:], 0, 0.5) == 0 < ink(numbers[60:], 0.5, 1)
    assert ink(words[60:], 0.5, 1) == 0 < ink(words[60:], 0, 0.5)


def test_hebrew_stands_to_the_right() -> None:
    wide = "a note that is long enough to make its column wide"
    assert ink(table_picture([[wide], ["שלום"]])[60:], 0, 0.5) == 0


def test_what_is_left_out_is_counted_below() -> None:
    few, many = ([["id"], *([str(at)] for at in range(count))] for count in (5, 500))
    whole, cut = table_picture(few), table_picture(many)
    assert ink(whole[-20:], 0.5, 1) == 0
    assert ink(cut[-20:], 0.1, 1) > 0
