"""One text of a page's own words and of those that OCR reads off it, each line once."""

from __future__ import annotations

from difflib import SequenceMatcher

from mcp_mmretrieval.media.pdf.legibility import is_language

_ALIKE = 0.85
"""Likeness of two lines, from 0 to 1, from which on one is a misreading of the other."""
_COMPARED = 200
"""Lines of the page's own that a line is compared with letter by letter, at most."""
_SHARED = 0.2
"""Of the words that OCR reads: what a text layer has of them at least, unless its letters mean nothing."""


def join_texts(own: str, read: str) -> str:
    """What stands in the file, then the lines that OCR reads and the file does not have.

    What stands in the file is left out where its letters are in no language's order and OCR reads other words.
    """
    if not own or not read:
        return own or read
    if not is_language(own) and _shared(own, read) < _SHARED:
        return read
    lines = [squeezed for line in own.splitlines() if (squeezed := _squeezed(line))]
    whole = "".join(lines)
    new = [line for line in read.splitlines() if not _known(_squeezed(line), whole, lines)]
    return "\n".join([own, *new])


def _shared(own: str, read: str) -> float:
    words = set(read.casefold().split())
    return len(words & set(own.casefold().split())) / max(len(words), 1)


def _known(line: str, whole: str, lines: list[str]) -> bool:
    if not line or (len(line) > 3 and line in whole) or line in lines:
        return True
    close = [own for own in lines[:_COMPARED] if 0.7 * len(line) <= len(own) <= 1.4 * len(line)]
    return any(SequenceMatcher(None, line, own, autojunk=False).ratio() >= _ALIKE for own in close)


def _squeezed(line: str) -> str:
    return "".join(letter for letter in line.casefold() if letter.isalnum())
