"""Words of a query and of a text: which terms to look for, and where they stand. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST = 48
"""Terms of one query at most: each costs a walk through its list of segments."""

_STOP = frozenset(
    word
    for line in (
        "a about all also an and any are as at be been but by can could did do does for from had has have he her his",
        "how i if in into is its just me more most my no not of on or our out she should so some such than that the",
        "their them then there these they this to up was we were what when where which why with would you your",
    )
    for word in line.split()
)

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
_WORD = re.compile(rf"{_LETTERS}(?:['\u2019]{_LETTERS})*")


@dataclass(frozen=True, slots=True)
class Terms:
    """What to look for."""

    words: tuple[str, ...] = ()
    """Words of scripts with spaces, without stop words (unless there is nothing else)."""
    runs: tuple[str, ...] = ()
    """Unbroken runs of scripts without spaces (Chinese, Japanese, Thai, ...)."""

    def __bool__(self) -> bool:
        return bool(self.words or self.runs)

    @property
    def words_match(self) -> str:
        """An FTS5 expression for the table `words`. Quoted: nothing in a word is syntax."""
        return " OR ".join(f'"{word}"' for word in self.words)

    @property
    def pairs_match(self) -> str:
        """An FTS5 expression for the table `pairs`; a run of one character stands for the pairs it begins."""
        found = dict.fromkeys(
            f'"{pair}"' if len(pair) > 1 else f'"{pair}"*' for run in self.runs for pair in _pairs(run)
        )
        return " OR ".join(list(found)[:MOST])


def terms(query: str) -> Terms:
    """Terms of what a person or an agent wrote. Nothing in it is read as query syntax."""
    query = unicodedata.normalize("NFC", query)
    runs = dict.fromkeys(_RUN.findall(query))
    words = list(dict.fromkeys(word.casefold() for word in _WORD.findall(_RUN.sub(" ", query))))
    telling = [word for word in words if word not in _STOP]
    return Terms(tuple((telling or ([] if runs else words))[:MOST]), tuple(runs))


def pairs(text: str) -> str:
    """Overlapping pairs of characters of each run without spaces, for the table `pairs`; empty where there is none."""
    return " ".join(pair for run in _RUN.findall(text) for pair in _pairs(run))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def snippet(text: str, terms: Terms, *, characters: int = 240) -> str:
    """The stretch of `text` that holds most of the terms, on one line, cut at words, `…` where some was left out."""
    text = " ".join(text.split())
    if len(text) <= characters:
        return text
    places = _places(text, terms)
    start = _fullest(places, characters)
    start = max(0, min(start - characters // 6, len(text) - characters))
    return _cut(text, start, start + characters)


def _places(text: str, terms: Terms) -> list[tuple[int, str]]:
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
    return "".join(char for char in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(char))
