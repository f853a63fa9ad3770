"""Letters of the fonts Symbol and Wingdings are those of Unicode."""

import pytest

from mcp_mmretrieval.media.office.symbols import symbol_letter


@pytest.mark.parametrize(
    ("font", "code", "letter"),
    [
        ("Symbol", "F061", "\u03b1"),
        ("Symbol", "57", "\u03a9"),
        ("Symbol", "F0B7", "\u2022"),
        ("Symbol", "F032", "2"),
        ("Symbol", "F0FF", " "),
        ("Wingdings", "F0FC", "\u2713"),
        ("Wingdings", "F021", " "),
        ("Wingdings 3", "F0FC", " "),
        ("Segoe UI Symbol", "2713", "\u2713"),
        ("Arial", "D800", " "),
        ("Arial", "none", ""),
    ],
)
def test_a_sign_is_the_letter_that_is_shown(font: str, code: str, letter: str) -> None:
    assert symbol_letter(font, code) == letter
