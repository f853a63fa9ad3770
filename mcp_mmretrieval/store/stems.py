"""The language of a text, and what stands for all forms of a word in it: `договора` and `договор`.

Stems stand beside the plain words in the index, never instead of them. English has none here: the tables' own porter
makes its forms one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any

from mcp_mmretrieval.store.normal_form import composed, folded

_ALGORITHMS = {
    "ar": "arabic",
    "be": "russian",  # near enough to share most endings, as Bulgarian and Ukrainian are
    "bg": "russian",
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
    "he": "",  # has none: see `_without_prefix`
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
    "uk": "russian",
}
"""The languages that have a stemmer, and its name in Snowball."""
_OTHERS = re.findall(r"\w+", "en bn hr is ja ko la lv mk ms sk sl sq th ur vi zh")
"""Languages that are told from those, so that they are not taken for one of them."""
_UMLAUTS = frozenset(["de", "da", "et", "fi", "hu", "no", "sv", "tr"])
"""Where a keyboard without the letters writes `ue` for `ü`."""

_WORD = re.compile("(?:[^\\W\\d_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0b80-\u0bff])+")
_ACRONYM_MARK = re.compile("(?<=[\u05d0-\u05ea])(?:[\"\u05f4\u201d]|'')(?=[\u05d0-\u05ea])")
"""Of Hebrew: an acronym has prefixes as other words do."""
_SCRIPTS = (
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), frozenset({"el"})),
    (re.compile("[\u0400-\u052f]"), frozenset({"be", "bg", "ru", "sr", "uk"})),
    (re.compile("[\u0530-\u058f]"), frozenset({"hy"})),
    (re.compile("[\u0590-\u05ff]"), frozenset({"he"})),
    (re.compile("[\u0600-\u06ff]"), frozenset({"ar", "fa"})),
    (re.compile("[\u0900-\u097f]"), frozenset({"hi", "ne"})),
    (re.compile("[\u0b80-\u0bff]"), frozenset({"ta"})),
)
_COMMON = tuple(
    (script, language)
    for script, languages in _SCRIPTS
    for language in ("ar", "el", "he", "hy", "ru")
    if language in languages
)
"""The language that most texts of a script are in. All that share the Cyrillic one have the same stemmer, or nearly."""
_PERSIAN = re.compile("[\u067e\u0686\u0698\u06af\u06a9\u06cc]")
_LATIN = frozenset(_ALGORITHMS) - frozenset().union(*(languages for _, languages in _SCRIPTS)) | {"sr"}
_ENGLISH = frozenset(re.findall(r"\w+", "the and that with from this which what how where when were have does"))
"""Small words that hardly another language has."""
_ENGLISH_TEXT = _ENGLISH | set(re.findall(r"\w+", "of to is for it was on by are not you or"))
"""Small words that make more than a sixth of an English text, and of no other."""

SAMPLE_CHARACTERS = 3_000
MIN_CERTAINTY = 0.5
"""Of the detector, from which on its language is believed."""
MIN_WORDS = 3
FEW_WORDS = 20
FEW_WORDS_CERTAINTY = 0.9
"""The same for texts of fewer words in Latin letters: the labels of a chart look like many a language."""


def language_of(texts: Sequence[str]) -> str:
    """The language of a document's texts (ISO 639-1) where it has a stemmer; empty for English and what is unsure."""
    share = max(120, SAMPLE_CHARACTERS // max(1, len(texts)))
    step = max(1, len(texts) * share // SAMPLE_CHARACTERS)
    sample = " ".join(text[:share] for text in texts[::step] if text)[:SAMPLE_CHARACTERS].lower()
    words = _WORD.findall(sample)
    if len(words) < MIN_WORDS:
        return _language_of_script(words)
    if 6 * sum(word in _ENGLISH_TEXT for word in words) > len(words):
        return ""  # English as a rule, and then the detector is not loaded
    with _lock:
        language, certainty = _detector().classify(" ".join(words))
    few = len(words) < FEW_WORDS and language in _LATIN
    certain = certainty >= (FEW_WORDS_CERTAINTY if few else MIN_CERTAINTY)
    if certain and (language in _ALGORITHMS or not _language_of_script(words)):
        return language if language in _ALGORITHMS else ""
    return _language_of_script(words)


def _language_of_script(words: Sequence[str]) -> str:
    """The language that texts of a script mostly are in, where all of these words are written in it; or empty."""
    for script, language in _COMMON:
        if words and all(script.search(word) for word in words):
            return "fa" if language == "ar" and _PERSIAN.search(" ".join(words)) else language
    return ""


def is_english(words: Collection[str]) -> bool:
    """Whether the words of a query, in small letters, hold small words of English."""
    return sum(word in _ENGLISH for word in words) > len(words) // 10


def stems_beside(text: str, language: str) -> str:
    """The stems of a text's words in normal form, for the index; empty without a language."""
    if not language:
        return ""
    spelt = composed(text).lower()
    if language == "he":
        spelt = _ACRONYM_MARK.sub("", spelt)
    return folded(" ".join(_stems(_WORD.findall(spelt), language)))


def stems_of(word: str, languages: Collection[str]) -> list[str]:
    """The stems of a query's word in normal form, where texts of these languages are held, and in its script's own.

    `word` has its accents and is in small letters.
    """
    spoken = sorted(_languages_of_script(word) & {*languages, _language_of_script([word])})
    found: list[str] = []
    for language in spoken:
        spelt = _TWO_LETTERS.sub(_umlaut, word) if language in _UMLAUTS else word
        found += _stems([word, spelt], language)
    return [stem for stem in dict.fromkeys(map(folded, found)) if stem]


def _stems(words: list[str], language: str) -> list[str]:
    if language == "he":
        return [form for word in words for form in _without_prefix(folded(word))]
    if language == "ar":
        words = [form for word in words for form in _with_article(word)]
    if language == "pt":
        words = [_PORTUGUESE_PLURAL.sub(_portuguese_singular, word) for word in words]
    if language == "es":  # juez, jueces
        words = [f"{word[:-1]}ce" if word.endswith("z") else word for word in words]
    with _lock:
        stems = list(_stemmer(language).stemWords(words))
    return [_FLEETING.sub("", stem) for stem in stems] if _ALGORITHMS[language] == "russian" else stems


_FLEETING = re.compile("(?<=[^\\W\\d_][бвгджзклмнпрстфхцчшщ])[еёо](?=[кц]$)")
"""Vowels of Slavic words that only the form without an ending has: `подарок`, `подарки`."""


_PORTUGUESE_PLURAL = re.compile("(?<=[^\\W\\d_]{2})(?:ões|ães|ais|éis|óis)$")


def _portuguese_singular(found: re.Match[str]) -> str:
    """The ends of words that the stemmer takes for two: `reuniões` and `reunião`, `papéis` and `papel`."""
    return {"ões": "ão", "ães": "ão", "ais": "al", "éis": "el", "óis": "ol"}[found[0]]


def _without_prefix(word: str) -> Iterator[str]:
    """A Hebrew word with its prefixes (and, the, in, to, as, from, that) and without: which are prefixes is unsure."""
    yield word
    while len(word) > 3 and word[0] in "\u05d5\u05d4\u05d1\u05dc\u05db\u05de\u05e9":
        word = word[1:]
        yield word


_ARABIC_PREFIX = re.compile("^[\u0648\u0641]?(?:[\u0628\u0643]?\u0627\u0644|\u0644\u0644)(?=\\w{3})")


def _with_article(word: str) -> Iterator[str]:
    """An Arabic word as it is written, and with the article alone: `and`, `then`, `in` and `as` may stand before it.

    The stemmer takes away one of these, and the first letter of many a word without article for a prefix.
    """
    yield word
    yield "\u0627\u0644" + _ARABIC_PREFIX.sub("", word)


def spelt_words(text: str) -> dict[str, str]:
    """The words of a text as they are spelt, in small letters, by their normal form: what `stems_of` asks for."""
    words = _WORD.findall(composed(text).lower())
    return {folded(word): word for word in words}


def transcribed(word: str) -> list[str]:
    """A word in small letters with `ü`, `ø` or `å` written in plain letters as a keyboard without them does."""
    spelt = re.sub("[äöüæøå]", lambda letter: _TRANSCRIBED[letter[0]], word)
    return [folded(spelt)] if spelt != word else []


def respelt(word: str) -> list[str]:
    """A word in small letters, written on a keyboard without `ü`, as it is written with it: `mueller`."""
    spelt = _TWO_LETTERS.sub(_umlaut, word)
    return [folded(spelt)] if spelt != word else []


_TWO_LETTERS = re.compile(r"([aou])e(?=[^\W\d_aeiou])")
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
