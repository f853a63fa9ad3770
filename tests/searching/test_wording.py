"""What is looked for of a question."""

import pytest

from mcp_mmretrieval.searching.wording import line_items, without_instructions


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What is the margin? Round your answer to two decimal places.", "What is the margin?"),
        ("What is the margin?Answer in percentage term, round to one decimal place.", "What is the margin?"),
        ("How many steps are there? Write the answer in int format.", "How many steps are there?"),
        ("Is it signed? Directly answer 'yes' or 'no'.", "Is it signed?"),
        ('List the ports. The answer shall be formatted as a list, for example, ["Oban"].', "List the ports."),
        ("List the ports and formatted as a list", "List the ports"),
        ("What is the date? Format your answer as YYYY-MM-DD.", "What is the date?"),
    ],
)
def test_how_to_answer_is_not_looked_for(question: str, asked: str) -> None:
    assert without_instructions(question) == asked


@pytest.mark.parametrize(
    "question",
    [
        "how to round numbers",
        "the answer sheet in format A4",
        "Round your answer.",
        "he gave an answer in parliament about millions",
        "rounded arches of Norman churches",
    ],
)
def test_a_question_that_is_about_such_words_keeps_them(question: str) -> None:
    assert without_instructions(question) == question


@pytest.mark.parametrize(
    ("question", "item"),
    [
        ("What is the quick ratio?", "total current liabilities"),
        ("the cash_ratio in 2021", "cash and cash equivalents"),
        ("ROA of the group", "net income"),
        ("the group's ROE", "net income"),
        ("Gross margins fell", "cost of sales"),
    ],
)
def test_a_measure_is_looked_for_by_what_it_is_computed_from(question: str, item: str) -> None:
    assert item in line_items(question).split(", ")


def test_what_is_no_measure_stays_as_it_is() -> None:
    assert line_items("a current of cold air, in a ratio of two to one") == ""
    assert line_items("roe deer in the snow") == ""
