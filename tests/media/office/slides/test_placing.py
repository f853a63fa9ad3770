"""The order in which a person reads what is placed on a slide."""

import pytest

from mcp_mmretrieval.media.office.slides.placing import PlacedBox, length, row_by_row


def test_rows_from_top_to_bottom_and_each_from_left_to_right() -> None:
    placed = [
        (PlacedBox(500, 120, 100, 100), "right"),
        (PlacedBox(0, 400, 900, 100), "below"),
        (PlacedBox(0, 100, 100, 100), "left"),
        (PlacedBox(250, 90, 100, 100), "middle"),
    ]
    assert row_by_row(placed) == ["left", "middle", "right", "below"]


def test_lines_without_a_height_are_rows_of_their_own_in_their_order() -> None:
    assert row_by_row([(PlacedBox(9, 1), "a"), (PlacedBox(1, 1), "b"), (PlacedBox(0, 2), "c")]) == ["a", "b", "c"]
    assert row_by_row([]) == []


@pytest.mark.parametrize(
    ("written", "units"),
    [("360000", 360_000), ("1cm", 360_000), ("-2.5mm", -90_000), ("1in", 914_400), ("1pt", 12_700)]
    + [(other, 0) for other in ("", "wide", "1.2.3cm", "5em", None)],
)
def test_lengths_are_told_in_one_unit(written: str | None, units: float) -> None:
    assert length(written) == units
