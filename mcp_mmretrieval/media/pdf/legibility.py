"""Whether a text layer is in some language: where a font's map to characters is wrong, it only looks like letters.

Told by statistics, without a dictionary: which pairs of letters follow one another, and how often each letter comes. In
every language some letters are frequent. Where they are frequent but stand in pairs that no language has, they were
exchanged. Where none is frequent, these are codes, and nothing is wrong with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from string import ascii_lowercase

_READ = 3_000
"""Characters of a page that are looked at."""
_FEWEST = 20
"""Characters, blanks apart, that it takes to say something."""
_STRANGE_SHARE = 0.3
"""Of the characters: control characters, private ones, those of no writing."""
_ACCENTED_SHARE = 0.5
"""Of the letters: no language has more accents, but Cyrillic or Greek that was taken for Latin has."""
_WORDS = range(10, 80)
"""Words, each counted once, that it takes to judge the pairs, and as many as are looked at."""
_RARE_PAIRS = 3.6
"""Mean class of a text's pairs. 41 languages: at most 3.4 on 10 words; with exchanged letters: 99.5 % above 3.6."""
_FREQUENT_LETTERS = 0.047
"""Chance that two letters of a text are the same. Languages: 99 % above 0.049; letters by chance: 0.038."""

# what PDFium and fonts put into good text: line ends, hyphens at them, bullets, TeX's ligatures
_GOOD = re.compile("[\\s\x02\x0b-\x0f\x1b-\x1f\xad\ufffe\uf0a7\uf0b7\uf0d8]")
_STRANGE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u0180-\u019f\u01a2-\u01ae\u01b1-\u02ff\ue000-\uf8ff\ufff0-\uffff]")
_ACCENTED = re.compile("[\xa1-\xff]")
_ACCENT = re.compile("[\u0300-\u036f]")
_LATIN = re.compile("[A-Za-z]")
_WORD = re.compile("[a-z]{4,15}")
_PAIRS = (
    "32224423132110527011335744",
    "25882995378487389367398959",
    "29593991284586299465489966",
    "27841774257565379346367955",
    "24323434233120437012435544",
    "39983586388497399465498979",
    "27762843365465359346387958",
    "28762788375565368464476959",
    "24222424442220236211435653",
    "28873899497875489856489988",
    "17782897364475289444267959",
    "15641656155255269744357947",
    "14872785287646239656387958",
    "16321515144553277621357736",
    "44335435343221437123434764",
    "29882785387477249255489979",
    "99997999899999999999499999",
    "04431545164543158333356845",
    "25361553152444337621356954",
    "17781773165564279243267946",
    "34444545353232448223657775",
    "29772989287696499667579958",
    "39784998598886699778898959",
    "69896998699999779997799999",
    "36545667686553569545676987",
    "37763977387665479776567966",
)
"""For each first letter the second ones from a to z: 0 are the most frequent pairs, 9 those that hardly occur. Counted
over word lists of 41 languages in Latin letters, accents dropped, each language with equal weight."""
_CLASS = {
    first + second: int(digit)
    for first, row in zip(ascii_lowercase, _PAIRS, strict=True)
    for second, digit in zip(ascii_lowercase, row, strict=True)
}


def has_letters(text: str) -> bool:
    """Whether the characters of a text layer, as it came from the file, are those of some writing; in doubt yes."""
    sample = _sample(text)
    characters = sum(map(len, sample.split()))
    if characters < _FEWEST:
        return True
    letters = sum(map(str.isalpha, sample))
    strange, accented = len(_STRANGE.findall(sample)), len(_ACCENTED.findall(sample))
    return strange <= _STRANGE_SHARE * characters and accented <= _ACCENTED_SHARE * max(letters, _FEWEST)


def is_language(text: str) -> bool:
    """Whether the letters of a text stand as they do in some language; in doubt, and in other scripts, yes."""
    sample = _sample(text)
    if len(_LATIN.findall(sample)) < 0.5 * sum(map(str.isalpha, sample)):
        return True
    plain = unicodedata.normalize("NFKD", sample.lower())
    words = sorted(set(_WORD.findall(_ACCENT.sub("", plain))))
    words = words[:: len(words) // _WORDS.stop + 1]
    return len(words) < _WORDS.start or not _exchanged(words)


def _sample(text: str) -> str:
    return _GOOD.sub(" ", text[:_READ])


def _exchanged(words: list[str]) -> bool:
    pairs = [_CLASS[one + other] for word in words for one, other in pairwise(word)]
    counts = Counter("".join(words))
    total = sum(counts.values())
    same = sum(count * (count - 1) for count in counts.values()) / (total * (total - 1))
    return sum(pairs) > _RARE_PAIRS * len(pairs) and same > _FREQUENT_LETTERS
