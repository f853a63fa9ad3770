"""What a question points at, as people write it."""

import time

import pytest

from mcp_mmretrieval.searching.pointers import Caption, parse_pointers


@pytest.mark.parametrize(
    ("question", "pages"),
    [
        ("the chart on page 14", ("14",)),
        ("slide 7", ("7",)),
        ("What is on Page three?", ("3",)),
        ("the date at the beginning of page(1)", ("1",)),
        ("see p. 12", ("12",)),
        ("pp. 12-14", ("12", "13", "14")),
        ("pages 3 to 5", ("3", "4", "5")),
        ("pages 3, 4 and 7", ("3", "4", "7")),
        ("the preface, page iv", ("iv",)),
        ("page A-3 of the annex", ("a-3",)),
        ("the 3rd slide", ("3",)),
        ("the fourteenth page", ("14",)),
        ("Was steht auf Seite 7?", ("7",)),
        ("¿Qué dice la página 9?", ("9",)),
        ("page 14 and 2010 sales", ("14",)),
        ("page i of the preface", ("i",)),
        ("what does page i say?", ("i",)),
        ("pages xlix and cxii", ("xlix", "cxii")),
        ("page  14", ("14",)),
        ("the totals (p14)", ("14",)),
        ("the chart on p14", ("14",)),
        ("slide7", ("7",)),
    ],
)
def test_a_page_is_pointed_at_by_its_number(question: str, pages: tuple[str, ...]) -> None:
    assert parse_pointers(question).pages == pages


@pytest.mark.parametrize(
    ("question", "positions"),
    [
        ("who signed on the last page?", (-1,)),
        ("the first page", (1,)),
        ("the cover page", (1,)),
        ("the title slide", (1,)),
        ("the last two pages", (-1, -2)),
        ("the second to last page", (-2,)),
        ("the back cover", (-1,)),
    ],
)
def test_a_page_is_pointed_at_from_either_end(question: str, positions: tuple[int, ...]) -> None:
    assert parse_pointers(question).positions == positions


@pytest.mark.parametrize(
    ("question", "caption"),
    [
        ("What does Figure 3 show?", Caption("figure", "3")),
        ("fig. 4b", Caption("figure", "4b")),
        ("the totals in Table 2.1", Caption("table", "2.1")),
        ("Section 4.1?", Caption("section", "4.1")),
        ("Appendix B", Caption("appendix", "B")),
        ("times that Exhibit P-10 is mentioned", Caption("exhibit", "P-10")),
        ("Tabelle 5", Caption("table", "5")),
        ("§ 5", Caption("section", "5")),
        ("Chapter I of the book", Caption("chapter", "I")),
        ("Table I lists them", Caption("table", "I")),
        ("What does Section I say?", Caption("section", "I")),
        ("Section 1983", Caption("section", "1983")),
    ],
)
def test_a_part_is_pointed_at_by_its_kind_and_number(question: str, caption: Caption) -> None:
    assert parse_pointers(question).captions == (caption,)


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("compare Figures 2 and 3", ["2", "3"]),
        ("Tables 2.1, 2.2 and 4b", ["2.1", "2.2", "4b"]),
        ("Figure 2 and 3 apples", ["2"]),
    ],
)
def test_several_parts_are_pointed_at_by_their_plural(question: str, numbers: list[str]) -> None:
    assert [caption.number for caption in parse_pointers(question).captions] == numbers


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ('the steps in the "Parts and Features" section', "Parts and Features"),
        ("in the Section Warning and Cautions, what", "Warning and Cautions"),
        ("the table titled “Net sales by region”", "Net sales by region"),
    ],
)
def test_a_part_is_pointed_at_by_its_heading(question: str, heading: str) -> None:
    assert parse_pointers(question).headings == (heading,)


def test_the_list_of_contents_is_pointed_at() -> None:
    assert parse_pointers("the chapters in the table of contents").contents


@pytest.mark.parametrize(
    "question",
    [
        "How many pages has it?",
        "the slide I liked",
        "a table of 5 rows",
        "figure a dog",
        "balance sheet 2023",
        "the fact sheet 12",
        "lecture slides 2023",
        "web page 404",
        "the page i saved about whales",
        "page civil rights",
        "the chart I made last year",
        "the chapter I've read",
        "sales chart 2023",
        "exam schedule 2025",
        "mutations of p53",
        "P100 GPU",
        'the column headed "???"',
        "coffee order: large, sixteen ounce",
        'formatted as a list, for example ["Chapter 5", "Page 8"]',
    ],
)
def test_what_points_nowhere_is_looked_up_nowhere(question: str) -> None:
    assert not parse_pointers(question)


def test_the_document_as_such_is_known_by_its_beginning_and_its_contents() -> None:
    assert parse_pointers("Who wrote this report?").beginning
    assert parse_pointers("What is the date of the document?").beginning
    assert parse_pointers("How many chapters are in this report?").contents
    assert not parse_pointers("What is the date of the treaty?").beginning


def test_a_question_on_this_report_points_without_anything_to_look_up() -> None:
    pointers = parse_pointers("What does this report say about rain?")
    assert (bool(pointers), pointers.phrases) == (False, ("this report",))


@pytest.mark.parametrize("question", ["the annual report of the harbour board", "the report on harbour dues"])
def test_a_report_that_is_described_is_not_pointed_at(question: str) -> None:
    assert parse_pointers(question).phrases == ()


def test_the_rest_is_what_is_asked_of_the_page() -> None:
    assert parse_pointers("According to the chart on page 14 how much was spent?").rest == "how much was spent?"
    assert parse_pointers("How much was spent?").rest == "How much was spent?"
    assert parse_pointers("balance sheet 2023").rest == "balance sheet 2023"


def test_long_questions_take_no_time() -> None:
    began = time.process_time()
    for question in ("page 1 " * 4_000, "pages 1" + " " * 20_000 + "x"):
        parse_pointers(question)
    assert time.process_time() - began < 3.0


def test_rows_are_pointed_at_alone_in_ranges_and_in_lists() -> None:
    for question, rows in {
        "What stands in row 12?": ((12, 12),),
        "rows 12 to 40 of sheet Q3": ((12, 40),),
        "Zeile 7": ((7, 7),),
        "rows 3, 5 and 9-11": ((3, 3), (5, 5), (9, 11)),
        "three wins in a row": (),
        "the front row": (),
        "row house": (),
    }.items():
        assert parse_pointers(question).rows == rows
    assert parse_pointers("the price in row 12 of sheet Q3").rest == "the price"
