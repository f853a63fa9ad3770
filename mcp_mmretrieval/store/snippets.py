"""Where the terms of a query stand in a text, and the stretch of it to show. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from mcp_mmretrieval.store.fulltext import QueryTerms
from mcp_mmretrieval.store.normal_form import bigrams, folded

_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]+")
_ROW = re.compile(r"^(.* \| .*)\n(?=.* \| )", re.MULTILINE)
"""A row of a table before another one, as readers write them."""
_NUMBER = re.compile(r"\d+(?:[.,'\u2019]\d+)+")
"""With separators."""
_WORD = re.compile(_NUMBER.pattern + r"|(?:[^\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0dff])+")


def best_snippet(text: str, terms: QueryTerms, *, characters: int = 240) -> str:
    """The stretch of `text` that holds most of the terms, on one line, cut at words, `…` where some was left out.

    Rows of a table are kept apart.
    """
    text = text if text.isascii() else _INVISIBLE.sub("", text)
    text = " ".join((_ROW.sub(r"\1 / ", text) if " | " in text else text).split())
    if len(text) <= characters:
        return text
    places = _places(text, terms)
    start = _fullest(places, characters)
    start = max(0, min(start - characters // 6, len(text) - characters))
    return _cut(text, start, start + characters)


def terms_in(text: str, terms: QueryTerms) -> frozenset[str]:
    """Which of the terms stand in a text, each by its stem or pair."""
    return frozenset(term for _, term in _places(text, terms))


def _places(text: str, terms: QueryTerms) -> list[tuple[int, str]]:
    """Where terms stand, in order: offset and which one. A word counts when it begins like the term's stem."""
    pairs = {pair for run in terms.runs for pair in bigrams(run)}
    found = [(match.start(), pair) for pair in pairs for match in re.finditer(re.escape(pair), text, re.IGNORECASE)]
    if stems := _stems(terms.words):
        plain = text.isascii() and not _NUMBER.search(text)
        found += _in_plain(text.lower(), stems) if plain else _in_words(text, stems)
    return sorted(found)


@lru_cache(maxsize=64)  # the same for each hit of a search
def _stems(words: tuple[str, ...]) -> tuple[str, ...]:
    """How words begin that count as these, the longest first."""
    return tuple(sorted({word[: max(4, len(word) - 3)] for word in map(_bare, words) if word}, key=len, reverse=True))


def _in_words(text: str, stems: tuple[str, ...]) -> list[tuple[int, str]]:
    """Where the words of a text begin like a stem, and like which: the longest."""
    found = []
    for match in _WORD.finditer(text):
        word = _bare(match[0])
        if word.startswith(stems):
            found.append((match.start(), next(filter(word.startswith, stems))))
    return found


def _in_plain(text: str, stems: tuple[str, ...]) -> list[tuple[int, str]]:
    """The same of small letters in ASCII without numbers that have separators: no word of it has another normal form.

    So stems are looked for, and not words: a tenth of the time.
    """
    found: dict[int, str] = {}
    for stem in stems:
        at = text.find(stem)
        while at >= 0:
            if at == 0 or not text[at - 1].isalnum():
                found.setdefault(at, stem)
            at = text.find(stem, at + 1)
    return list(found.items())


@lru_cache(maxsize=10_000)  # the hits of a search share most of their words
def _bare(word: str) -> str:
    """A word in normal form, a number without its separators."""
    return re.sub(r"[^\w]", "", folded(word)) if not word.isalpha() else folded(word)


def _fullest(places: list[tuple[int, str]], width: int) -> int:
    """The offset from which `width` characters hold most different terms; the first such."""
    best, start = 0, 0
    for index, (offset, _) in enumerate(places):
        inside = {term for at, term in places[index : index + 64] if at < offset + width * 5 // 6}
        if len(inside) > best:
            best, start = len(inside), offset
    return start


def _cut(text: str, start: int, end: int) -> str:
    """`text[start:end]`, moved inward to the next space if one is near, with `…` at open ends."""
    if start > 0:
        space = text.find(" ", start, start + 24)
        start = space + 1 if space >= 0 else start
    if end < len(text):
        space = text.rfind(" ", end - 24, end)
        end = space if space >= 0 else end
    return ("…" if start > 0 else "") + text[start:end] + ("…" if end < len(text) else "")
