"""Values of cells: as a person sees them, with the unit that their format gives them."""

import datetime

import pytest

from mcp_mmretrieval.media.office.spreadsheets.cell_values import (
    CellValue,
    NumberFormat,
    cell_text,
    format_shown,
    number_format,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4310.0, "4310"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        (7, "7"),
        (True, "TRUE"),
        (False, "FALSE"),
        ("  two \n lines ", "two lines"),
        (datetime.date(2026, 3, 1), "2026-03-01"),
        (datetime.datetime(2026, 3, 1), "2026-03-01"),
        (datetime.datetime(2026, 3, 1, 14, 30), "2026-03-01 14:30"),
        (datetime.datetime(2026, 3, 1, 14, 30, 5), "2026-03-01 14:30:05"),
        (datetime.time(8, 5), "08:05"),
        (datetime.timedelta(hours=30, minutes=7), "30:07"),
        (datetime.timedelta(seconds=61), "0:01:01"),
    ],
)
def test_a_value_without_a_unit(value: CellValue, shown: str) -> None:
    assert cell_text(value) == shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("0%", "123450%"),
        ("0.0%;[Red]-0.0%", "123450.0%"),
        ('#,##0.00\\ "€"', "1234.50 €"),
        ("[$€-407]#,##0", "€1234"),
        ('_-"£"* #,##0.00_-', "£1234.50"),
        ("#,##0.00 [$CHF]", "1234.50 CHF"),
        ('#,##0.00" kr"', "1234.50 kr"),
        ("#,##0.00", "1234.5"),
        ("General", "1234.5"),
        ('0" %off"', "1234.5"),
        ("yyyy-mm-dd", "1234.5"),
    ],
)
def test_a_format_with_a_unit_is_followed(code: str, shown: str) -> None:
    assert cell_text(1234.5, number_format(200, code)) == shown


def test_formats_that_have_a_number_and_no_code_are_known() -> None:
    assert cell_text(0.25, number_format(9)) == "25%"
    assert cell_text(0.25, number_format(10)) == "25.00%"
    assert cell_text(-3.0, number_format(8)) == "-$3.00"
    assert number_format(0) is None
    assert number_format(14) is None


@pytest.mark.parametrize(
    ("shown", "form"),
    [
        ("25,6 %", NumberFormat(1, percent=True)),
        ("1.234,50 €", NumberFormat(2, unit="€")),
        ("-$5", NumberFormat(0, unit="$", unit_first=True)),
        ("12", None),
        ("", None),
    ],
)
def test_a_format_is_known_from_how_a_number_was_written(shown: str, form: NumberFormat | None) -> None:
    assert format_shown(shown) == form
