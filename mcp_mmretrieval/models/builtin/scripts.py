"""Which scripts the built-in OCR knows, and how one sees that a picture holds letters of another one.

PP-OCRv6 small knows the Latin letters of Europe, kana and Han. A letter that it does not know it leaves out, and may be
sure of what is left: a long line then has hardly any letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

UNKNOWN_SCRIPT_NOTE = (
    "Some of the words in it were not read: they are in letters that the text recognition does not know. It knows "
    "Latin, Chinese and Japanese ones."
)
PARTLY_KNOWN_NOTE = (
    "Some letters are missing from what was read in it: the text recognition knows {script} only in part."
)

_LONG = 5.0
"""Length over height from which on a line tells."""
_SPARSE = 0.45
"""Letters for each height of a line's length: Latin ones are 2, Han 1.1, what is left of unknown ones at most 0.3."""
_UNSURE, _SPARSE_IF_UNSURE = 0.6, 0.75
"""Score below which a line is a guess, and the letters that it may have then to count as unread."""
_SHARE = 0.3
"""Length of the lines that were not read, of all lines that tell."""
_FEWEST = 10.0
"""Their length in heights, at least: photos have short lines that are none."""
_VIETNAMESE = re.compile("[ươ]", re.IGNORECASE)
_GREEK = re.compile("[\u03b1-\u03c9]{2,}")
_PARTLY_KNOWN = 3
"""Words that show a script which is known in part."""


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line that was seen, and what was read of it."""

    text: str
    score: float
    length: float
    """Over its height."""


def script_note(lines: Sequence[LineRead]) -> str:
    """What to tell of letters that were not read; empty where there is nothing to tell."""
    telling = [line for line in lines if line.length >= _LONG]
    unread = sum(line.length for line in telling if _is_unread(line))
    if unread >= _FEWEST and unread >= _SHARE * sum(line.length for line in telling):
        return UNKNOWN_SCRIPT_NOTE
    text = " ".join(line.text for line in lines)
    for script, sign in (("Vietnamese", _VIETNAMESE), ("Greek", _GREEK)):
        if len(sign.findall(text)) >= _PARTLY_KNOWN:
            return PARTLY_KNOWN_NOTE.format(script=script)
    return ""


def _is_unread(line: LineRead) -> bool:
    letters = sum(not letter.isspace() for letter in line.text) / line.length
    return letters < (_SPARSE_IF_UNSURE if line.score < _UNSURE else _SPARSE)
