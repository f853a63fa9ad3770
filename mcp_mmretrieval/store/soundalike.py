"""How words sound, as codes that full text can hold: what a recogniser misheard is often spelt otherwise. Pure.

Metaphone (Philips 1990) writes an English word by its consonants: `bee`, `be` and `B` are one code, as are `lark` and
`LARC`. Here a consonant and its voiceless twin are one, too: `bison` and `Pyson`. Words in other letters than Latin
have no code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import jellyfish

_WORD = re.compile(r"[a-z]+")
MIN_JOINED_LETTERS = 5
"""Letters of two words together from which they may be one that was heard apart: `mountain goat`."""

_VOICELESS = str.maketrans("bj", "px")
"""Metaphone itself makes no difference between d and t, v and f, z and s, g and k."""


def sound_codes(text: str) -> str:
    """The codes of a text's words, and of each two neighbours as one word; empty where there are none."""
    words = _words(text)
    joined = [one + other for one, other in pairwise(words) if len(one + other) >= MIN_JOINED_LETTERS]
    return " ".join(filter(None, map(_code, (*words, *joined))))


def sound_terms(words: Iterable[str]) -> tuple[str, ...]:
    """One FTS5 expression for each different code of the words of a query."""
    codes = (_code(word) for each in words for word in _words(each))
    return tuple(dict.fromkeys(f'"{code}"' for code in codes if code))


def _words(text: str) -> list[str]:
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    return _WORD.findall(plain)


@lru_cache(maxsize=10_000)
def _code(word: str) -> str:
    return jellyfish.metaphone(word).replace(" ", "").casefold().translate(_VOICELESS)
