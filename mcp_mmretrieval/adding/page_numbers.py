"""The numbers printed on a document's pages, where they run on from page to page and are not those of the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mcp_mmretrieval.types import Segment

_LINES = 3
"""Lines at the top and at the bottom of a page that may be its head and its foot."""
_LONG = 90
"""Characters of such a line, at most."""
_NEAR = 4
"""Pages before and after within which the numbers have to run on."""
_AGREE, _MOST = 3, 0.4
"""Pages of those, the page itself among them, that have to agree, and their share."""
_NUMBER = re.compile(r"(?<![\w.,/:$€£-])(?:[A-Z]-)?(\d{1,4})(?![\w/:%]|[.,]\d)")
_ROMAN = re.compile(r"(?<!\w)[ivxl]{1,7}(?!\w)")
_ROMAN_DIGITS = (("l", 50), ("xl", 40), ("x", 10), ("ix", 9), ("v", 5), ("iv", 4), ("i", 1))

_Sequence = tuple[str, int]
"""Arabic or Roman numbers, and how much more than the file's own count they are."""
_ARABIC, _LETTERS = "arabic", "roman"
_FILES_OWN: _Sequence = (_ARABIC, 0)


def with_printed_numbers(segments: Sequence[Segment]) -> list[Segment]:
    """The segments, those pages labelled with their printed number that have no label and another number in the file.

    A number counts where it is as far from the page's place in the file as those of most pages nearby.
    """
    pages = {each.place.page: each for each in segments if each.place.page and not _named(each)}
    printed = {page: dict(_printed(each)) for page, each in pages.items()}
    runs = {page: sequence for page in printed if (sequence := _running(page, printed))}
    labels = {page: printed[page].get(sequence, "") for page, sequence in runs.items() if sequence != _FILES_OWN}
    for page in printed.keys() - runs.keys():  # a page without a number, amid others that have one
        before, after = (runs.get(page + step) or runs.get(page + 2 * step) for step in (-1, 1))
        if before == after and before not in (None, _FILES_OWN) and before[0] == _ARABIC and page + before[1] > 0:
            labels[page] = str(page + before[1])
    return [
        replace(each, label=label) if (label := labels.get(each.place.page or 0)) and not _named(each) else each
        for each in segments
    ]


def _named(segment: Segment) -> bool:
    """Whether the file itself says what the page is called, or it is a page of a file within the file."""
    return bool(segment.label or segment.place.part)


def _running(page: int, printed: Mapping[int, Mapping[_Sequence, str]]) -> _Sequence | None:
    """The sequence of numbers that this page and most of those nearby belong to."""
    nearby = range(page - _NEAR, page + _NEAR + 1)
    votes = Counter(sequence for near in nearby for sequence in printed.get(near, ()))
    most = max(votes.values(), default=0)
    own = [sequence for sequence in printed[page] if votes[sequence] == most]
    enough = max(_AGREE, _MOST * sum(near in printed for near in nearby))
    return own[0] if own and most >= enough else None


def _printed(segment: Segment) -> Iterator[tuple[_Sequence, str]]:
    """What may be the page's number, by how far it is from the page's place in the file."""
    if segment.modality != "page":
        return
    page = segment.place.page or 0
    lines = segment.text.splitlines()
    for line in [*lines[:_LINES], *lines[max(_LINES, len(lines) - _LINES) :]]:
        if len(line) <= _LONG:
            for found in _NUMBER.finditer(line):
                yield (_ARABIC, int(found[1]) - page), found[0]
            for found in _ROMAN.finditer(line):
                if value := _roman(found[0]):
                    yield (_LETTERS, value - page), found[0]


def _roman(text: str) -> int:
    """The value of a Roman number in small letters; 0 where it is written wrongly, or a word."""
    value, rest = 0, text
    for digits, worth in _ROMAN_DIGITS:
        most = 3 if worth in (1, 10) else 1
        while rest.startswith(digits) and most:
            value, rest, most = value + worth, rest[len(digits) :], most - 1
    return 0 if rest else value
