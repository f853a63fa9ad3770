"""The words in pictures."""

import numpy as np
import pytest
from PIL import ImageFont

from mcp_mmretrieval.models import TextReader
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.drawings import bar_chart, canvas, pixels, traffic_light

pytestmark = pytest.mark.builtin


@pytest.fixture(scope="module")
def reader(models: ModelPool) -> TextReader:
    reader = models.text_reader()
    assert reader is not None
    return reader


def test_a_chart_is_read_line_by_line_from_the_top(reader: TextReader) -> None:
    assert reader.read(bar_chart()).splitlines() == ["Revenue by region 2026", "million euros", "North South East"]


def test_lines_of_a_paragraph_keep_their_order(reader: TextReader) -> None:
    lines = ["The gearbox was too hot.", "The oil filter holds metal.", "A bearing is worn out."]
    image, draw = canvas(size=(700, 300))
    for number, line in enumerate(lines):
        draw.text((40, 40 + 60 * number), line, fill="black", font=ImageFont.load_default(32))
    assert reader.read(pixels(image)).splitlines() == lines


def test_colours_are_read_as_red_green_and_blue(reader: TextReader) -> None:
    image, draw = canvas("navy", size=(500, 120))
    draw.text((30, 30), "Harbour office", fill="yellow", font=ImageFont.load_default(48))
    assert reader.read(pixels(image)) == "Harbour office"


@pytest.mark.parametrize("picture", [traffic_light(), np.full((200, 200, 3), 255, np.uint8)], ids=["drawing", "blank"])
def test_a_picture_without_words_has_no_text(reader: TextReader, picture: np.ndarray) -> None:
    assert reader.read(picture) == ""


@pytest.mark.parametrize("shape", [(1, 1), (1, 5_000), (5_000, 1), (2, 3), (20, 4_000)])
def test_a_picture_of_any_shape_is_read(reader: TextReader, shape: tuple[int, int]) -> None:
    assert reader.read(np.full((*shape, 3), 255, np.uint8)) == ""


def test_the_identity_is_the_one_that_was_named_before_loading(reader: TextReader, models: ModelPool) -> None:
    assert " ".join(map(str, reader.identity.values())) == models.reading["ocr"]


def test_a_page_of_two_columns_is_read_column_by_column(reader: TextReader) -> None:
    image, draw = canvas(size=(1000, 560))
    for number in range(9):
        for left, side in ((30, "left"), (530, "right")):
            text = f"the {side} column, line number {number}"
            draw.text((left, 30 + 56 * number), text, fill="black", font=ImageFont.load_default(28))
    expected = [f"the {side} column, line number {number}" for side in ("left", "right") for number in range(9)]
    assert reader.read(pixels(image)).splitlines() == expected


def scan() -> np.ndarray:
    image, draw = canvas(size=(700, 420))
    for number, line in enumerate(SCANNED):
        draw.text((40, 40 + 70 * number), line, fill="black", font=ImageFont.load_default(34))
    return pixels(image)


SCANNED = [
    "Inspection of the suspension bridge",
    "Two hangers are corroded",
    "The parapet leans by four degrees",
    "Close the footpath until Easter",
]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_scan_is_read_in_order_whichever_way_it_lies(reader: TextReader, turn: int) -> None:
    found = reader.recognise(np.rot90(scan(), turn // 90))
    assert (found.text.splitlines(), found.turn, found.note) == (SCANNED, turn, "")


def test_small_print_of_a_long_screenshot_is_read_each_line_once(reader: TextReader) -> None:
    image, draw = canvas(size=(360, 2_600))
    lines = [f"message number {number}" for number in range(100, 140)]
    for number, line in enumerate(lines):
        draw.text((20, 20 + 64 * number), line, fill="black", font=ImageFont.load_default(16))
    assert reader.read(pixels(image)).splitlines() == lines
