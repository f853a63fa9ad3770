"""Which texts say nothing that another one lacks."""

import textwrap

import pytest

from mcp_mmretrieval.searching.contained_text import (
    nothing_contradicts,
    rough_share,
    says_nothing_new,
    without_envelope,
)
from mcp_mmretrieval.types import Recogniser

OCR: frozenset[Recogniser] = frozenset({"ocr"})
LETTER = (
    "Dear Ms Okafor, we have looked at the pump of the northern well on 14 March 2025. The seal was worn and has been "
    "replaced at a cost of 1,240.50 euros. The pump shall be tested once more before the summer, and the log of the "
    "last 12 months is to be sent to Mr Larsen. The guarantee does not cover the filters of the second stage."
)


def test_other_line_breaks_hyphens_and_quotation_marks_of_mails_say_nothing_new() -> None:
    assert says_nothing_new("\n".join(f"> {line}" for line in textwrap.wrap(LETTER, 40)), LETTER, frozenset())
    assert says_nothing_new(LETTER.replace("replaced", "re-\nplaced"), LETTER, frozenset())


def test_a_part_says_nothing_new_beside_the_whole_and_the_whole_does_beside_a_part() -> None:
    part = LETTER[LETTER.index("The seal") : LETTER.index("The guarantee")]
    assert says_nothing_new(part, LETTER, frozenset())
    assert not says_nothing_new(LETTER, part, frozenset())


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
@pytest.mark.parametrize("recognisers", [frozenset(), OCR])
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
    assert not says_nothing_new(table.replace("51", "x").replace("37", "51").replace("x", "37"), table, frozenset())


def test_what_ocr_may_have_misread_is_nothing_new() -> None:
    scanned = LETTER.replace("pump of", "purnp of").replace("replaced at", "replacedat").replace("filters", "fiIters")
    assert says_nothing_new(scanned, LETTER, OCR)
    assert not says_nothing_new(scanned, LETTER, frozenset())


def test_the_number_of_a_page_is_no_part_of_it() -> None:
    assert says_nothing_new(f"{LETTER}\n7", LETTER, frozenset(), dropped=frozenset({"7"}))
    assert not says_nothing_new(f"{LETTER}\n7", LETTER, frozenset())


def test_the_rough_share_counts_words_without_case_and_stops() -> None:
    assert rough_share("One (two) THREE.", "three two one") == 1.0
    assert rough_share("one four", "three two one") == 0.5
    assert rough_share("", "anything") == 1.0


def test_texts_of_the_same_words_are_told_apart_by_their_runs() -> None:
    assert rough_share("one two three four", "four three two one") == 1.0
    assert rough_share("one two three four", "four three two one", run=3) == 0.0
    assert rough_share("one two three four", "> one two\n> three", run=3) == 0.5
    assert rough_share("one two", "anything", run=3) == 1.0


CHART = (
    "Output of plant 3 by month in 2021 Percent of all tons shipped January 37 February 41 March 45 April 52 "
    "Source ACME"
)


def test_two_readings_of_one_picture_may_pass_words_over_and_join_them() -> None:
    read = CHART.replace("Percent of all tons shipped", "tonsshipped").replace("41", "")
    assert nothing_contradicts(read, CHART)
    assert nothing_contradicts(CHART, read)


@pytest.mark.parametrize(("there", "here"), [("2021", "2018"), ("45", "48"), ("plant", "harbour"), ("March", "August")])
def test_two_readings_that_differ_in_a_number_or_a_word_are_of_two_pictures(there: str, here: str) -> None:
    assert not nothing_contradicts(CHART.replace(there, here), CHART)


def test_a_mail_is_compared_without_its_header_and_those_that_it_quotes() -> None:
    mail = f"From: a@example.org\nSubject: Wells\n\n{LETTER}"
    quoted = f"From: b@example.org\nSubject: Fwd: Wells\n\nOn Monday, Ann wrote:\n> From: a@example.org\n> {LETTER}"
    assert says_nothing_new(without_envelope(quoted), without_envelope(mail), frozenset())
    assert without_envelope(f"Date: 1\n{LETTER}") == f"Date: 1\n{LETTER}"  # no mail


SHEET = (
    "ACME Supplies time sheet of March 2025 for Mr Larsen in building 4: Monday 8 Tuesday 3 Wednesday 5 Friday 5, and "
    "the work shall be approved: yes by the head of the northern site, output to increase"
)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("Tuesday 3", "Tuesday 5"),  # each number stands elsewhere in both
        ("Monday 8 Tuesday 3 Wednesday 5", "Monday 5 Tuesday 3 Wednesday 8"),
        ("building 4", "building 14"),
        ("yes", "no"),
        ("shall be", "shall not be"),
        ("increase", "decrease"),
        ("Tuesday", "Thursday"),
        ("northern", "southern"),
        ("Larsen", "Miller"),
    ],
)
def test_two_readings_of_forms_with_another_number_word_or_negation_are_of_two_pictures(there: str, here: str) -> None:
    altered = SHEET.replace(there, here)
    assert altered != SHEET
    assert not (nothing_contradicts(SHEET, altered) and nothing_contradicts(altered, SHEET))


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("Supplies", "Supplles"),
        ("building 4", "building4"),
        ("northern site", "northernsite"),
        ("shall", "sha1l"),
        ("yes", "ycs"),
        ("output", "utput"),
        ("Monday 8", ""),
    ],
)
def test_what_ocr_misread_joined_or_passed_over_may_be_of_one_picture(there: str, here: str) -> None:
    read = SHEET.replace(there, here)
    assert read != SHEET
    assert nothing_contradicts(SHEET, read)
    assert nothing_contradicts(read, SHEET)
