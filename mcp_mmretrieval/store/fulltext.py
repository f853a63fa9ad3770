"""Full text: what is looked for of a query, what a match is worth at most, and where it stands in a text. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

MAX_QUERY_TERMS = 48
"""Terms of one query at most: each costs a walk through its list of segments."""
MAX_WORDS_BETWEEN = 1
"""Words that may stand in a text between two neighbours of the query: a stop word, as in `deaths from cancer`."""

_STOP = frozenset(
    re.findall(
        r"\w+",
        """
    a about all also an and any are as at be been but by can could did do does for from had has have he her his how i
    if in into is its just me more most my no not of on or our out she should so some such than that the their them
    then there these they this to up was we were what when where which why with would you your
    """,
    )
)
_SMALL = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS = {word: str(number) for number, word in enumerate(_SMALL)} | {
    word: str(number) for number, word in zip(range(30, 100, 10), _TENS, strict=True)
}
_SPOKEN = {digits: word for word, digits in _DIGITS.items()}

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029"  # CJK radicals and numerals
    "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U000323af"  # Han, extensions
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
)
"""Combining marks, which `\\w` leaves out: accents, vowels of Hebrew and Arabic, all of the Indic scripts."""
_LETTERS = rf"(?:[^\W_]|[{_MARKS}])+"
_WORD = re.compile(rf"\d+(?:[.,]\d+)+|{_LETTERS}")
_CLITIC = re.compile(r"(?<=\w)['\u2019](?:s|t|d|m|ll|re|ve)\b", re.IGNORECASE)
_BREAK = re.compile(r"[,;:!?()\[\]{}\"\u201c\u201d\u00ab\u00bb|\n]|\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """What to look for in full text. Every word is quoted: nothing that a user wrote is FTS5 syntax."""

    match: str = ""
    """FTS5 expression for the table of words (unicode61, porter); empty when the query has none."""
    each: tuple[str, ...] = ()
    """One FTS5 expression a term of `match`: how many rows hold it gives `best_bm25` its frequencies."""
    pairs_match: str = ""
    """FTS5 expression for the table of pairs of characters (scripts without spaces); empty when the query has none."""
    each_pair: tuple[str, ...] = ()
    """One FTS5 expression a term of `pairs_match`."""
    words: tuple[str, ...] = ()
    """The words as they are written, for a snippet."""
    runs: tuple[str, ...] = ()
    """Unbroken runs of scripts without spaces (Chinese, Japanese, Thai, ...)."""

    def __bool__(self) -> bool:
        return bool(self.match or self.pairs_match)


def query_terms(query: str) -> QueryTerms:
    """What full text can find of a query.

    Any of its words counts, English stop words only where there is nothing else. A number matches digits and spoken
    words alike (`12`, `twelve`). Words that stand beside each other in the query, stop words and punctuation aside,
    count again where they are neighbours in the text too: nDCG@10 0.39 -> 0.44 on pages, 0.87 -> 0.89 on charts.
    """
    query = _CLITIC.sub(" ", unicodedata.normalize("NFC", query))
    runs = list(dict.fromkeys(_RUN.findall(query)))
    spaced = _RUN.sub(" , ", query)
    phrases = [[word.casefold() for word in _WORD.findall(piece)] for piece in _pieces(spaced)]
    telling = [[word for word in phrase if word not in _STOP] for phrase in phrases]
    if not any(telling) and not runs:
        telling = phrases
    words = list(dict.fromkeys(word for phrase in telling for word in phrase))[:MAX_QUERY_TERMS]
    each = list(dict.fromkeys(_term(word) for word in words))
    beside = dict.fromkeys(
        f'NEAR("{one}" "{other}", {MAX_WORDS_BETWEEN})'
        for phrase in telling
        for first, second in pairwise(phrase)
        if first != second
        for one in _forms(first)
        for other in _forms(second)
    )
    each_pair = list(dict.fromkeys(_quoted(pair) for run in runs for pair in _pairs(run)))[:MAX_QUERY_TERMS]
    return QueryTerms(
        " OR ".join([*each, *list(beside)[:MAX_QUERY_TERMS]]),
        tuple(each),
        " OR ".join(each_pair),
        tuple(each_pair),
        tuple(words),
        tuple(runs),
    )


def _pieces(text: str) -> list[str]:
    """The text cut at punctuation, but not inside a number."""
    pieces, start, end = [], 0, 0
    for word in _WORD.finditer(text):
        if _BREAK.search(text, end, word.start() + 1):
            pieces.append(text[start:end])
            start = word.start()
        end = word.end()
    return [*pieces, text[start:end]]


def _forms(word: str) -> list[str]:
    """A word, and the other way to write a number."""
    other = _DIGITS.get(word) or _SPOKEN.get(word)
    return [word, other] if other else [word]


def _term(word: str) -> str:
    forms = " OR ".join(f'"{form}"' for form in _forms(word))
    return f"({forms})" if " OR " in forms else forms


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def _quoted(pair: str) -> str:
    """A pair as FTS5 takes it; one character alone stands for all pairs that it begins."""
    return f'"{pair}"' if len(pair) > 1 else f'"{pair}"*'


def character_bigrams(text: str) -> str:
    """Overlapping pairs of characters of each run without spaces, for the table of pairs; empty where there is none."""
    return " ".join(pair for run in _RUN.findall(text) for pair in _pairs(run))


def best_bm25(frequencies: Iterable[int], rows: int) -> float:
    """What bm25 could give at most to a text that holds all terms: the measure for what a text did get.

    FTS5's bm25 (Robertson & Zaragoza 2009; k1 = 1.2) adds idf x tf x 2.2 / (tf + 1.2 x length) for each term, and no
    more than 2.2 idf. A word that no text holds counts too: a query half of whose words are unknown is half answered.
    `frequencies` are the rows that each of `QueryTerms.each` matches, of `rows` in the table.
    """
    idf = (math.log((rows - min(found, rows) + 0.5) / (found + 0.5)) for found in frequencies)
    return 2.2 * sum(max(value, 1e-6) for value in idf)


def best_snippet(text: str, terms: QueryTerms, *, characters: int = 240) -> str:
    """The stretch of `text` that holds most of the terms, on one line, cut at words, `…` where some was left out."""
    text = " ".join(text.split())
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
    found = [(match.start(), pair) for run in terms.runs for pair in _pairs(run) for match in re.finditer(pair, text)]
    stems = {_plain(word)[: max(4, len(word) - 3)] for word in terms.words}
    if stems:
        shortest, longest = min(map(len, stems)), max(map(len, stems))
        for match in _WORD.finditer(text):
            word = _plain(match[0])
            for length in range(longest, shortest - 1, -1):
                if word[:length] in stems:
                    found.append((match.start(), word[:length]))
                    break
    return sorted(found)


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


def _plain(word: str) -> str:
    """Without case and diacritics, as the words table compares."""
    if word.isascii():
        return word.lower()
    return "".join(char for char in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(char))
