"""The language of a text, and what stands for all forms of a word in it: `договора` and `договор`.

Stems stand beside the plain words in the index, never instead of them. English has none here: the tables' own porter
makes its forms one.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from mcp_mmretrieval.store.normal_form import folded

_ALGORITHMS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
"""The languages that have a stemmer, and its name in Snowball."""
_OTHERS = re.findall(r"\w+", "en be bg bn he hr is ja ko la lv mk ms sk sl sq th uk ur vi zh")
"""Languages that are told from those, so that they are not taken for one of them."""
_UMLAUTS = frozenset(["de", "da", "et", "fi", "hu", "no", "sv", "tr"])
"""Where a keyboard without the letters writes `ue` for `ü`."""

_WORD = re.compile("(?:[^\\W\\d_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0b80-\u0bff])+")
_SCRIPTS = (
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), frozenset({"el"})),
    (re.compile("[\u0400-\u052f]"), frozenset({"ru", "sr"})),
    (re.compile("[\u0530-\u058f]"), frozenset({"hy"})),
    (re.compile("[\u0600-\u06ff]"), frozenset({"ar", "fa"})),
    (re.compile("[\u0900-\u097f]"), frozenset({"hi", "ne"})),
    (re.compile("[\u0b80-\u0bff]"), frozenset({"ta"})),
)
_LATIN = frozenset(_ALGORITHMS) - frozenset().union(*(languages for _, languages in _SCRIPTS)) | {"sr"}
_ENGLISH = frozenset(re.findall(r"\w+", "the and that with from this which what how where when were have does"))
"""Words that hardly a text of another language holds together."""

SAMPLE_CHARACTERS = 3_000
MIN_CERTAINTY = 0.5
"""Of the detector, from which on its language is believed."""
MIN_WORDS = 3


def language_of(texts: Sequence[str]) -> str:
    """The language of a document's texts (ISO 639-1) where it has a stemmer; empty for English and what is unsure."""
    share = max(120, SAMPLE_CHARACTERS // max(1, len(texts)))
    step = max(1, len(texts) * share // SAMPLE_CHARACTERS)
    sample = " ".join(text[:share] for text in texts[::step] if text)[:SAMPLE_CHARACTERS].lower()
    words = _WORD.findall(sample)
    if len(words) < MIN_WORDS or is_english(words):
        return ""
    with _lock:
        language, certainty = _detector().classify(" ".join(words))
    return language if language in _ALGORITHMS and certainty >= MIN_CERTAINTY else ""


def is_english(words: Collection[str]) -> bool:
    """Whether words in small letters hold as many of the small words of English as its texts do."""
    return sum(word in _ENGLISH for word in words) > len(words) // 10


def stems_beside(text: str, language: str) -> str:
    """The stems of a text's words in normal form, for the index; empty without a language."""
    if not language:
        return ""
    with _lock:
        stems = _stemmer(language).stemWords(_WORD.findall(text.lower()))
    return folded(" ".join(stems))


def stems_of(word: str, languages: Collection[str]) -> list[str]:
    """The stems of a query's word in normal form, where texts of these languages are held.

    `word` has its accents and is in small letters.
    """
    spoken = sorted(_languages_of_script(word) & set(languages))
    found: list[str] = []
    for language in spoken:
        spelt = re.sub(r"([aou])e(?=[^\W\d_])", _umlaut, word) if language in _UMLAUTS else word
        with _lock:
            found += _stemmer(language).stemWords([word, spelt])
    return [stem for stem in dict.fromkeys(map(folded, found)) if stem]


def spelt_words(text: str) -> dict[str, str]:
    """The words of a text as they are spelt, in small letters, by their normal form: what `stems_of` asks for."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return {folded(word): word for word in words}


def transcribed(word: str) -> list[str]:
    """A word in small letters with `ü`, `ø` or `å` written in plain letters as a keyboard without them does."""
    spelt = re.sub("[äöüæøå]", lambda letter: _TRANSCRIBED[letter[0]], word)
    return [folded(spelt)] if spelt != word else []


_TRANSCRIBED = {"ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "å": "aa"}


def _umlaut(match: re.Match[str]) -> str:
    return {"a": "ä", "o": "ö", "u": "ü"}[match[1]]


def _languages_of_script(word: str) -> frozenset[str]:
    return next((languages for script, languages in _SCRIPTS if script.search(word)), _LATIN)


# -- what is loaded when it is needed first. Neither may be used by two threads at once.

_lock = threading.Lock()


@lru_cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]  # takes a second

    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.set_languages([*_ALGORITHMS, *_OTHERS])
    return detector


@lru_cache
def _stemmer(language: str) -> Any:
    import Stemmer  # type: ignore[import-not-found]

    return Stemmer.Stemmer(_ALGORITHMS[language], 0)
