"""Fonts that know the letters of a text, and text cut to fit."""

import pytest

from mcp_mmretrieval.server.tools.lettering import fonts, narrowed, shortened, wrapped, written


def test_lines_are_no_wider_than_asked_and_no_word_is_lost() -> None:
    font, text = written("the quick brown fox jumps over a Donaudampfschifffahrtsgesellschaft", 15)
    lines = wrapped(text, font, 120)
    assert max(map(font.getlength, lines)) <= 120
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_what_is_cut_says_so() -> None:
    font = fonts(15)[0]
    assert shortened("a line that is much too long", font, 80).endswith("...")
    assert narrowed("reports/2024/annual-report.pdf", font, 120).endswith(".pdf")
    assert narrowed("a.pdf", font, 120) == "a.pdf"


@pytest.mark.parametrize("text", ["", "plain words", "\U0010fffe strange"])
def test_letters_that_no_font_has_become_question_marks(text: str) -> None:
    assert written(text, 15)[1] == text.replace("\U0010fffe", "?")
