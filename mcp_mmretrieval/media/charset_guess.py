"""Which older encoding a text without any declaration is in, for `charset`.

chardet (0BSD) tells how well the bytes go with the letter pairs of each language in each encoding. On short texts it
puts rare encodings first and reads `Straße` as Turkish. So its figure is weighed here by how often the encoding is met,
and by how likely the decoded text is: letters of one script in a word, capitals where capitals stand, signs where
signs stand, and no letter that the language does not have.
"""

from __future__ import annotations

import codecs
import importlib.readers  # noqa: F401  # chardet imports it with its models, when a locked worker can import no more
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Set
from functools import lru_cache
from pathlib import Path

import chardet

MODELS_FOLDER = str(Path(chardet.__file__).parent)
"""chardet reads its models when it is first asked, which takes a fifth of a second: a locked worker must be let in."""

_SAMPLE = 4_096
"""Bytes that are looked at: from a little before the first that is not ASCII."""

_LINE_BEYOND_ASCII = re.compile(rb"[\x00-\x09\x0b-\x7f]{0,80}[\x80-\xff][^\n]*")
_NEIGHBOURS = re.compile(r"(?=(?:(?<=([\s\S]))|(?<![\s\S]))([^\x00-\x7f])([\s\S]?))")
_EAST_ASIAN_SIGN = re.compile(r"[\u3001\u3002\u3008-\u3011\u301c\uff00-\uff60]")

_MET = {
    "cp1252": 1.0,
    "iso8859-15": 0.3,
    "mac-roman": 0.3,
    "cp850": 0.25,
    "cp437": 0.12,
    "cp1250": 0.5,
    "iso8859-2": 0.45,
    "cp852": 0.2,
    "cp1254": 0.5,
    "cp1257": 0.45,
    "iso8859-13": 0.1,
    "cp1251": 0.7,
    "koi8-r": 0.5,
    "koi8-u": 0.4,
    "cp866": 0.35,
    "iso8859-5": 0.3,
    "mac-cyrillic": 0.15,
    "cp1253": 0.7,
    "iso8859-7": 0.5,
    "cp1255": 0.7,
    "iso8859-8": 0.4,
    "cp1256": 0.7,
    "iso8859-6": 0.4,
    "cp874": 0.7,
    "cp932": 1.0,
    "euc_jis_2004": 0.9,
    "gb18030": 0.9,
    "big5hkscs": 0.9,
    "cp949": 0.9,
}
"""How often an encoding is met, against cp1252: the encodings that are considered at all."""

_UNSURE = 0.005
"""Added to chardet's figure, which is next to nothing for very short texts."""

_LETTERS = {
    "da": "æøåéüö",
    "no": "æøåéòôàèöäü",
    "sv": "åäöéàü",
    "fi": "äöåšž",
    "is": "áðéíóúýþæö",
    "fo": "áæðíóøúý",
    "de": "äöüßéàè",
    "lb": "äéëöü",
    "nl": "éèëïöüáóíêç",
    "en": "éèàöüñçïâêä",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es": "áéíñóúüç",
    "pt": "áâãàçéêíóôõúü",
    "it": "àèéìòùîóí",
    "ca": "àçéèíïòóúüñ",
    "gl": "áéíñóúü",
    "eu": "ñçü",
    "ga": "áéíóú",
    "gd": "àèìòù",
    "br": "ñêùâôü",
    "cy": "âêîôûŵŷ",
    "mt": "ċġħżàèìòù",
    "eo": "ĉĝĥĵŝŭ",
    "sq": "çë",
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "pl": "ąćęłńóśźż",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
    "hr": "čćđšž",
    "bs": "čćđšž",
    "sl": "čšž",
    "tr": "çğıöşüâîûi̇",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "et": "äõöüšž",
    "az": "çəğıöşüi̇",
    "ms": "",
    "id": "",
    "vi": "ăâđêôơưàảãáạèéìíòóùúýõũĩẽ",
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "sr": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџшѐѝ",
}
"""Letters beyond ASCII of a language as chardet names it; others may have any."""

_SIGNS = frozenset("“”‘’‚„–—…€°§«»·•©®£²³½¼¾×±µ¿¡ºª™\xa0№¨¹‰")
_BEFORE_A_WORD = frozenset("©®№£€±×•¿¡°…²³½¼¾¹™‰")
"""Signs that do not stand directly before a small letter, but for some at the beginning of a word."""
_OPENING = frozenset("¿¡«“‘‚„•")
_ODD_BEHIND_A_LETTER = frozenset("‚„†‡¢£¤¥¦¨¬¯¸¿¡±×÷•–—€¶“‘")
_EAST_ASIAN = "[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]"
"""Compiled when it is first asked, as far ranges take milliseconds."""


def guess_encoding(data: bytes) -> str | None:
    """The name of the likeliest older encoding of bytes that are neither ASCII nor UTF-8; None where none fits."""
    sample = _sample(data)
    best: tuple[float, str | None] = (-1e9, None)
    found = chardet.detect_all(sample, ignore_threshold=True, compat_names=False, include_encodings=_MET)
    found = [one for one in found if one["encoding"] in _MET]
    languages = {one["language"] for one in found[:12]}
    leaning = 1 / (1 + sum(byte > 127 for byte in sample) / 40)  # the longer a text, the less need of a habit
    for one in found:
        encoding = one["encoding"]
        if encoding is None:
            continue
        text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
        confidence = max(one["confidence"], _in_small_letters(text, encoding)) + _UNSURE
        if confidence < (found[0]["confidence"] + _UNSURE) / 30:
            continue
        score = math.log(confidence) + leaning * math.log(_MET[encoding]) - _oddness(text, one["language"], languages)
        best = max(best, (score, encoding))
    return best[1]


def _in_small_letters(text: str, encoding: str) -> float:
    """Chardet's figure for a text in capitals, which it hardly knows, as if it were in small letters."""
    if not text.isupper():
        return 0.0
    data = text.lower().encode(encoding, "ignore")
    if data.isascii():
        return 0.0
    found = chardet.detect_all(data, ignore_threshold=True, compat_names=False, include_encodings=[encoding])
    return found[0]["confidence"]


def _sample(data: bytes) -> bytes:
    """Lines that are not all ASCII; of very long ones a stretch from before the first such byte."""
    pieces, left = [], _SAMPLE
    for line in _LINE_BEYOND_ASCII.finditer(data):
        pieces.append(line[0][: min(left, _SAMPLE // 2)])
        left -= len(pieces[-1])
        if left <= 0:
            break
    return b"\n".join(pieces)


def _oddness(text: str, language: str | None, languages: Set[str | None]) -> float:
    """How unlikely a decoded text is: the number of letters and signs where nobody would write them, weighed."""
    counts = Counter(_NEIGHBOURS.findall(text))
    odd = sum(_odd(*where) * min(count, 20) for where, count in counts.items())
    letters = Counter[str]()
    for (_, sign, _), count in counts.items():
        letters[sign.lower()] += count if _category(sign)[0] == "L" else 0
    return odd + min(_foreign(letters, other) + 0.7 * (other != language) for other in languages | {language})


def _foreign(letters: Counter[str], language: str | None) -> float:
    """How many letters a language does not have; one that occurs often is counted less than each time."""
    own = _LETTERS.get(language or "")
    if own is None:
        return 0.0
    return sum(min(count, 20) for letter, count in letters.items() if letter not in own)


def _odd(before: str, sign: str, after: str) -> float:
    """How odd one character beyond ASCII is between its neighbours (empty at the ends)."""
    category = _category(sign)
    if category[0] == "C" or sign == "\ufffd":
        return 3.0
    if category[0] not in "LM" or sign in "ªº":
        return _odd_sign(before, sign, after)
    odd = 0.0
    if (category == "Lu" and before.islower()) or (category == "Ll" and before.isupper() and after.isupper()):
        odd += 1.0
    if category == "Ll" and after.isupper():
        odd += 1.0
    return odd + sum(_mixed(sign, other) for other in (before, after) if other.isalpha())


def _mixed(letter: str, other: str) -> float:
    """How odd it is that two letters stand side by side: scripts are mixed in East Asia alone."""
    if _script(letter) == _script(other) or (re.match(_EAST_ASIAN, letter) and re.match(_EAST_ASIAN, other)):
        return 0.0
    return 0.5 if re.match(_EAST_ASIAN, letter) and not other.islower() else 1.5


def _odd_sign(before: str, sign: str, after: str) -> float:
    if _EAST_ASIAN_SIGN.match(sign) or _script(sign) in ("HEBREW", "ARABIC", "THAI"):
        return 0.0
    if sign not in _SIGNS and sign not in "ªº":
        return 1.0 + (before.isalpha() or after.isalpha())
    if sign in "•°±µ×™£§®©" and after > "\x7f":
        return 0.7
    if before.isalpha() and after.isalpha() and sign not in "’·–—\xa0":
        return 1.5
    if before.isalpha() and sign in _ODD_BEHIND_A_LETTER:
        return 0.8
    if after.islower() and sign in _BEFORE_A_WORD and sign not in _OPENING:
        return 1.0
    return 0.0


@lru_cache(maxsize=10_000)
def _script(letter: str) -> str:
    """The first word of a letter's name: LATIN, GREEK, CYRILLIC."""
    word = unicodedata.name(letter, "").split(" ")[0]
    return "LATIN" if word in ("FEMININE", "MASCULINE", "MICRO") else word


@lru_cache(maxsize=10_000)
def _category(sign: str) -> str:
    return unicodedata.category(sign)
