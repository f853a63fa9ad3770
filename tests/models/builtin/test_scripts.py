"""Letters of unknown scripts are told of, from the lines that were seen and hardly read."""

import pytest

from mcp_mmretrieval.models.builtin.scripts import (
    PARTLY_KNOWN_NOTE,
    UNKNOWN_SCRIPT_NOTE,
    LineRead,
    script_note,
)

ENGLISH = LineRead("The harbour master checks every crane", 0.99, 18.0)


@pytest.mark.parametrize("text", ["", "     ", "7 u", "5"])
def test_long_lines_with_hardly_a_letter_are_in_an_unknown_script(text: str) -> None:
    assert script_note([LineRead(text, 0.9, 16.0), ENGLISH]) == UNKNOWN_SCRIPT_NOTE


def test_a_guess_at_other_letters_is_no_reading() -> None:
    assert script_note([LineRead("cnasnnn", 0.45, 13.0)]) == UNKNOWN_SCRIPT_NOTE


def test_read_lines_and_short_marks_are_told_nothing_of() -> None:
    assert script_note([ENGLISH, LineRead("港口主任每年冬天前检查起重机", 1.0, 12.0)]) == ""
    assert script_note([LineRead("", 0.0, 3.0)] * 9) == ""
    assert script_note([LineRead("", 0.0, 12.0), *[ENGLISH] * 5]) == ""
    assert script_note([]) == ""


def test_scripts_that_are_known_in_part_are_named() -> None:
    vietnamese = LineRead("Trưng hc m ca vào bui sáng, tri đp, ngưi, nưc", 0.99, 17.0)
    greek = LineRead("\u03c4\u03bf \u03bb\u03b9\u03bc\u03bd\u03b9 \u03c4\u03b7 \u03c0\u03bf\u03bb\u03b7", 0.9, 8.0)
    assert script_note([vietnamese]) == PARTLY_KNOWN_NOTE.format(script="Vietnamese")
    assert script_note([greek]) == PARTLY_KNOWN_NOTE.format(script="Greek")
