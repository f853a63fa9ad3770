"""Which texts say nothing that another one lacks."""

import textwrap

import pytest

from mcp_mmretrieval.searching.contained_text import rough_share, says_nothing_new
from mcp_mmretrieval.types import Recogniser

LETTER = (
    "Dear Ms Okafor, we have looked at the pump of the northern well on 14 March 2025. The seal was worn and has been "
    "replaced at a cost of 1,240.50 euros. The pump shall be tested once more before the summer, and the log of the "
    "last 12 months is to be sent to Mr Larsen. The guarantee does not cover the filters of the second stage."
)


def test_other_line_breaks_hyphens_and_quotation_marks_of_mails_say_nothing_new() -> None:
    assert says_nothing_new("\n".join(f"> {line}" for line in textwrap.wrap(LETTER, 40)), LETTER, ())
    assert says_nothing_new(LETTER.replace("replaced", "re-\nplaced"), LETTER, ())


def test_a_part_says_nothing_new_beside_the_whole_and_the_whole_does_beside_a_part() -> None:
    part = LETTER[LETTER.index("The seal") : LETTER.index("The guarantee")]
    assert says_nothing_new(part, LETTER, ())
    assert not says_nothing_new(LETTER, part, ())


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("14 March", "15 March"),
        ("1,240.50", "1,340.50"),
        ("Okafor", "Tanaka"),
        ("does not cover", "does cover"),
        ("shall be tested", "shall not be tested"),
        ("northern", "southern"),
        ("last 12 months", "last 24 months"),
    ],
)
@pytest.mark.parametrize("recognisers", [frozenset(), frozenset({"ocr"})])
def test_another_number_name_or_negation_is_something_new(
    there: str, here: str, recognisers: frozenset[Recogniser]
) -> None:
    altered = LETTER.replace(there, here)
    assert altered != LETTER
    assert says_nothing_new(LETTER, LETTER, recognisers)
    assert not says_nothing_new(altered, LETTER, recognisers)
    assert not says_nothing_new(LETTER, altered, recognisers)


def test_numbers_that_changed_places_in_a_table_are_something_new() -> None:
    table = (
        "Pumps by month and depot: north 51 in March, south 37 in April, east 44 in May, west 29 in June of the year"
    )
    assert not says_nothing_new(table.replace("51", "x").replace("37", "51").replace("x", "37"), table, ())


def test_what_ocr_may_have_misread_is_nothing_new() -> None:
    scanned = LETTER.replace("pump of", "purnp of").replace("replaced at", "replacedat").replace("filters", "fiIters")
    assert says_nothing_new(scanned, LETTER, ("ocr",))
    assert not says_nothing_new(scanned, LETTER, ())


def test_the_number_of_a_page_is_no_part_of_it() -> None:
    assert says_nothing_new(f"{LETTER}\n7", LETTER, (), dropped={"7"})
    assert not says_nothing_new(f"{LETTER}\n7", LETTER, ())


def test_the_rough_share_counts_words_without_case_and_stops() -> None:
    assert rough_share("One (two) THREE.", "three two one") == 1.0
    assert rough_share("one four", "three two one") == 0.5
    assert rough_share("", "anything") == 1.0
