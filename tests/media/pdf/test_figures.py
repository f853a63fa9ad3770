"""Pictures inside of PDF pages: which count, and how they are given to be read."""

from __future__ import annotations

from typing import cast

import numpy as np
from PIL import Image

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.types import Picture, SplitPart
from tests.support.media_files import illustrated_pdf, parts, source

LIMITS = Limits()
SENTENCE = "A page with a text layer that says enough for itself."
RED = Image.new("RGB", (400, 300), "red")
BLUE = Image.new("RGB", (300, 200), "blue")
TOP, BELOW = (100, 400, 300, 225), (100, 100, 300, 200)


def marked(data: bytes) -> list[bool]:
    """For each page whether its pictures are to be read later."""
    return [part.figures for part in parts(list(media.split(source(data), LIMITS)))]


def sheets(data: bytes, start: int = 0) -> list[Picture | None]:
    found = [step for step in media.figures(source(data), LIMITS, start) if isinstance(step, SplitPart)]
    return [cast("Picture | None", part.content) for part in found]


def colours(sheet: Picture) -> set[tuple[int, ...]]:
    """Those that cover at least a hundredth of it."""
    values, counts = np.unique(sheet.reshape(-1, 3), axis=0, return_counts=True)
    return {
        tuple(map(int, value)) for value, count in zip(values, counts, strict=True) if count > sheet[..., 0].size / 100
    }


def test_a_page_with_a_large_picture_is_marked_and_gives_it_on_a_second_look() -> None:
    data = illustrated_pdf([(SENTENCE, []), (SENTENCE, [(RED, TOP)])])
    assert marked(data) == [False, True]
    plain, sheet = sheets(data)
    assert plain is None
    assert sheet is not None
    assert np.allclose(sheet.shape, (300, 400, 3), atol=1)  # as fine as the picture itself
    assert colours(sheet) == {(255, 0, 0)}


def test_several_pictures_stand_one_below_the_other_in_the_order_of_the_page() -> None:
    (sheet,) = sheets(illustrated_pdf([(SENTENCE, [(BLUE, BELOW), (RED, TOP)])]))
    assert sheet is not None
    assert tuple(sheet[10, 10]) == (255, 0, 0)
    assert tuple(sheet[-10, 10]) == (0, 0, 255)
    assert (255, 255, 255) in colours(sheet)


def test_a_second_look_takes_up_at_a_page() -> None:
    data = illustrated_pdf([(SENTENCE, [(RED, TOP)]), (SENTENCE, []), (SENTENCE, [(BLUE, TOP)])])
    assert [sheet is not None for sheet in sheets(data, start=1)] == [False, True]


def test_ornaments_and_what_the_text_layer_covers_are_left_alone() -> None:
    logo = (RED, (500, 740, 60, 40))
    behind = (RED, (0, 0, 612, 792))
    assert marked(illustrated_pdf([(SENTENCE, [logo]), (SENTENCE, [behind])])) == [False, False]


def test_a_large_picture_is_given_no_larger_than_the_limit() -> None:
    (sheet,) = sheets(illustrated_pdf([(SENTENCE, [(Image.new("RGB", (3000, 300), "red"), (50, 300, 500, 50))])]))
    assert sheet is not None
    assert max(sheet.shape) <= LIMITS.side


def test_a_file_whose_places_hold_no_pictures_gives_nothing() -> None:
    assert list(media.figures(source(b"# Heading", "note.md"), LIMITS)) == []
