"""One normal form for words: what is indexed and what is asked go through it before FTS5 sees them. Pure.

The form of a text is its words in order, divided by spaces. Case, accents, points, widths, ligatures and invisible
characters are gone; a number is written in one way (`4,310`, `4.310` and `4310`, `eight` and `8`, `007` and `7`);
letters and digits part (`ISO9001` and `ISO 9001`, `16oz` and `16 oz`). Scripts without spaces, and Korean with its
particles, are pairs of neighbouring characters (`character_bigrams`). What a word may also be written as stands beside
it, never instead of it: see `other_forms`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SMALL = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        map(str, range(20, 100, 10)),
        strict=True,
    )
)
_SPOKEN = {word: str(number) for number, word in enumerate(_SMALL)} | _TENS
_ONES = frozenset(_SMALL[1:10])

_MONTHS = {  # as they stand in dates, without accents
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "jan feb mrz apr mai jun jul aug sept okt nov dez",
        "januar februar marz april mai juni juli august september oktober november dezember",
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
        "januari februari mars april maj juni juli augusti september oktober november december",
        "januar februar marts april maj juni juli august september oktober november desember",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia",
        "ledna unora brezna dubna kvetna cervna cervence srpna zari rijna listopadu prosince",
        "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
        "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesakuuta heinakuuta elokuuta syyskuuta lokakuuta "
        "marraskuuta joulukuuta",
        "ocak subat mart nisan mayis haziran temmuz agustos eylul ekim kasim aralik",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "ιανουαριου φεβρουαριου μαρτιου απριλιου μαιου ιουνιου ιουλιου αυγουστου σεπτεμβριου οκτωβριου νοεμβριου "  # noqa: RUF001
        "δεκεμβριου",
    )
    for number, name in enumerate(names.split(), 1)
}

_UNSPACED = (
    "\u0e00-\u0e4f\u0e5a-\u0ecf\u0eda-\u0eff"  # Thai, Lao; their digits are numbers as others
    "\u1000-\u103f\u104a-\u109f"  # Myanmar
    "\u1780-\u17df\u17ea-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029"  # CJK radicals and numerals
    "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\uac00-\ud7a3"  # Hangul, whose words end in particles
    "\U00020000-\U000323af"  # Han, extensions
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_INDIC = "\u0900-\u0963\u0966-\u0dff"
"""Whose vowels are marks, which `\\w` leaves out."""
_DROPPED_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
"""Marks of Latin, Greek, Cyrillic, Hebrew and Arabic, and the stroke that stretches Arabic words."""
_UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
_SOFT_BREAK = re.compile("\u00ad[^\\S\n]*\n\\s*")
_BEFORE_FRACTION = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_FRACTION = re.compile("[\u00bc-\u00be\u2150-\u215e]")
_GROUP_SPACE = re.compile("(?<=\\d)[\u00a0\u2009\u202f](?=\\d{3}(?!\\d))")
_PLAIN_LETTERS = str.maketrans(
    {
        **dict(zip("đĐłŁøØħĦŧŧıðÐŋŊ", "dDlLoOhHttidDnN", strict=True)),
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "þ": "th",
        "Þ": "Th",
        "\u2019": "'",
        "\u2011": "-",
        "\u2010": "-",
        "\u0629": "\u0647",
        "\u0649": "\u064a",
        "\u06cc": "\u064a",
        "\u06a9": "\u0643",
    }
)
"""Letters that Unicode does not take apart; the forms of Arabic letters that writers and keyboards mix up."""

_LETTERS = rf"(?:[^\W\d_{_INDIC}]|[{_INDIC}])+"  # no letter is in both: a long word would be tried in 2^n ways
_NUMBER = r"\d+(?:[.,']\d+)*"
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|{_LETTERS}|(?<=[^\W\d_])\+\+|(?<=\b[A-Za-z])#(?!\w)")
_SIGNS = {"++": "plusplus", "#": "sharp"}
_GROUPED = re.compile(
    r"(?P<whole>[1-9]\d{0,2}([.,'])\d{3}(?:\2\d{3})*|[1-9]\d?(?:,\d\d)+,\d{3})(?:(?!\2)[.,](?P<fraction>\d{1,2}))?"
)
"""Groups of three, or as in India."""
_DECIMAL = re.compile(r"(?P<whole>\d+)[.,](?P<fraction>\d+)")

_LINE_END = re.compile(r"(?<=[^\W\d_])-[^\S\n]*\n[\s>#*]*(?=[^\W\d_])")
"""Within a quoted message or a comment too."""
_STOPS = ".,;:!?()[]\"'"
_COMPOUND = re.compile(rf"(?<![\w{_INDIC}-]){_LETTERS}(?:(?:[-_\u00b7]|-[^\S\n]*\n\s*){_LETTERS}){{1,4}}(?![\w-])")
_CAMEL = re.compile(r"(?<![^\W\d_])[A-Za-z]*[a-z][A-Z][A-Za-z]*(?![^\W\d_])\d*")
_CAMEL_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PREFIXED = re.compile(r"\b[A-Z]'[A-Z][^\W\d_]+")  # O'Neill
_HEBREW_ACRONYM = re.compile(
    "(?<![\u05d0-\u05ea])[\u05d0-\u05ea]{1,12}(?:[\"\u05f4\u201d]|'')[\u05d0-\u05ea]{1,12}(?![\u05d0-\u05ea])"
)
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_CODE = re.compile(r"(?<![\w.,-])[A-Za-z0-9]+(?:[-/._][A-Za-z0-9]+)+")
_DIGIT_GROUPS = re.compile(r"\d(?:(?<![\w.,'-]\d)|(?<=\b[A-Z]{2}\d))\d*(?:[ )(/-]{1,3}(?:[A-Z]{4} )?\d+)+(?![.,']?\w)")
_HARDWARE_ADDRESS = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
_NUMBER_PLATE = re.compile(r"\b([A-Z]{1,3})-([A-Z]{1,2}) ?(\d{1,4})\b")
_INTERNATIONAL = re.compile(
    r"(?<![\w+])\+(?P<country>1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d\d)"
    r"[ /.-]?(?:\(0\))?(?P<rest>[ (/.-]*\d(?:[ )(/.-]{0,3}\d){5,13})(?!\w)"
)
"""A telephone number with its country's code (ITU-T E.164), and the zero that is left out behind it."""
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?: \d{3})+")
_YEARS = re.compile(r"(?:(?:19|20)\d\d\W*)+")
_COUNTRY = re.compile(r"\b[A-Z]{2}$")
_ROW = re.compile(r"\b\d{1,3}(?:,\d{3})+\b")  # an amount, or two cells of a row
_INNER_DIGITS = re.compile(r"\d[^\dA-Za-z]+\d")
_DAY_MONTH_YEAR = re.compile(
    r"\d(?<!\w\d)(\d?)(?:st|nd|rd|th|er|\.)?[ /-](?:of |de )?(?P<month>[^\W\d_]{3,})\.?,?[ /-](?:de )?(?P<year>\d{4})\b"
)
_DAY_YEAR = re.compile(r"(?P<day>\d(?<!\w\d)\d?)(?:st|nd|rd|th)?,? (?P<year>\d{4})\b")
_MONTH_BEFORE = re.compile(r"\b([^\W\d_]{3,})\.? $")
_NUMERIC_DATE = re.compile(
    r"(?P<one>\d(?<!\w\d)\d{0,3})(?P<mark>[-./]) ?(?P<two>\d{1,2})(?P=mark) ?(?P<three>\d{1,4})\b"
)

MIN_JOINED_DIGITS = 7
"""Digits of a number in groups (telephone, account) at least, before it counts as one number as well."""
MAX_JOINED = 34
"""Characters of a code or number in groups at most: an IBAN has no more. What is longer is a row of a table."""


@dataclass(frozen=True, slots=True)
class WrittenOtherwise:
    """A stretch of a plain text that may be written in another way."""

    start: int
    end: int
    form: str
    """The other way, as words in normal form."""


def plain(text: str) -> str:
    """The text without accents, points, widths, ligatures and invisible characters. Case and punctuation stay."""
    if text.isascii():
        return text
    text = _UNSEEN.sub("", _SOFT_BREAK.sub("", _GROUP_SPACE.sub("'", _BEFORE_FRACTION.sub(" ", text))))
    text = _DROPPED_MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_PLAIN_LETTERS)
    return unicodedata.normalize("NFC", text)


def plain_with_offsets(text: str) -> tuple[str, Sequence[int]]:
    """The plain text, letter by letter, and where in `text` each of its letters stands."""
    if text.isascii():
        return text, range(len(text))
    pieces = [f" {plain(char)}" if _FRACTION.match(char) else plain(char) for char in _GROUP_SPACE.sub("'", text)]
    return "".join(pieces), [at for at, piece in enumerate(pieces) for _ in piece]


def composed(text: str) -> str:
    """The text with its accents, each letter and its mark in one, without invisible characters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", _SOFT_BREAK.sub("", text)))


def folded(word: str) -> str:
    """One word in normal form: plain and without case."""
    return plain(word).casefold()


def normal_words(text: str) -> str:
    """The words of a text in normal form, in order, those of scripts without spaces left out."""
    return " ".join(word for word, _, _ in word_spans(_RUN.sub(" ", plain(text))))


def word_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a plain text in normal form, each with where it stands; a number may be several words."""
    tens: tuple[str, int, int] | None = None  # waits for its ones: twenty-five
    for match in _TOKEN.finditer(text):
        word, start, end = match[0], match.start(), match.end()
        if match["number"]:
            if tens:
                yield tens
                tens = None
            for part in _number_words(word):
                yield part, start, end
            continue
        word = word.casefold()
        if tens:
            if word in _ONES and text[tens[2] : start] in (" ", "-"):
                yield str(int(tens[0]) + int(_SPOKEN[word])), tens[1], end
                tens = None
                continue
            yield tens
            tens = None
        if word in _TENS:
            tens = _TENS[word], start, end
        else:
            yield _SPOKEN.get(word) or _SIGNS.get(word, word), start, end
    if tens:
        yield tens


def _number_words(number: str) -> list[str]:
    """A number as it is looked for: no separators between groups, no zeros in front, no `.00`."""
    if not number.isascii():
        number = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in number)
    if number.isdigit():
        return [_bare(number)]
    parted = _GROUPED.fullmatch(number) or _DECIMAL.fullmatch(number)
    if parted is None:
        return [_bare(part) for part in re.findall(r"\d+", number)]
    whole = _bare(re.sub(r"\D", "", parted["whole"]))
    return [whole] if parted["fraction"] in (None, "00") else [whole, parted["fraction"]]


def _bare(digits: str) -> str:
    return digits.lstrip("0") or "0"


def other_forms(text: str, *, apart: bool = True) -> list[WrittenOtherwise]:
    """How stretches of a plain text may be written as well, in no order.

    A compound as one word (`e-mail`, `get_user_name`, a word that a line's end broke), `camelCase` as its words, a
    code, an account or a telephone number without separators, a date as its eight digits, initials without points.
    `apart`: also what spaces divide.
    """
    found = compounds(text) + _codes(text)
    if apart:
        found += _apart(text)
    for match in _CAMEL.finditer(text):
        found.append(_written(match, " ".join(_CAMEL_PARTS.findall(match[0]))))
    for match in _INITIALS.finditer(text):
        found.append(_written(match, match[0].replace(".", "")))
    for match in _PREFIXED.finditer(text):
        found.append(_written(match, match[0].replace("'", "")))
    for match in _ROW.finditer(text):
        found.append(_written(match, match[0].replace(",", " ")))
    return found


def compounds(text: str) -> list[WrittenOtherwise]:
    """Words of a plain text that hyphens, low lines, a line's end or the marks of Hebrew acronyms divide, as one."""
    found = [match for pattern in (_COMPOUND, _HEBREW_ACRONYM) for match in pattern.finditer(text)]
    return [_written(match, "".join(re.findall(_LETTERS, match[0]))) for match in found]


def numbers_joined(text: str) -> list[WrittenOtherwise]:
    """Codes, account and telephone numbers of a plain text without their separators."""
    return _codes(text) + _digit_groups(text) + _telephones(text)


def _apart(text: str) -> list[WrittenOtherwise]:
    """What is written otherwise over spaces."""
    plates = [_written(match, f"{match[1]}{match[2]} {match[3]}") for match in _NUMBER_PLATE.finditer(text)]
    return _digit_groups(text) + dates(text) + _telephones(text) + plates


def _telephones(text: str) -> list[WrittenOtherwise]:
    """International telephone numbers with and without the country's code; a zero in front is none in normal form."""
    found = []
    for match in _INTERNATIONAL.finditer(text):
        national = re.sub(r"\D", "", match["rest"])
        found += [_written(match, match["country"] + national), _written(match, national)]
    return found


def _codes(text: str) -> list[WrittenOtherwise]:
    found = []
    for match in _CODE.finditer(text):
        code = re.sub(r"[^A-Za-z0-9]", "", match[0])
        number = re.fullmatch(_NUMBER, match[0])
        amount = number is not None and len(_number_words(match[0])) < 3
        if 5 <= len(code) <= MAX_JOINED and _INNER_DIGITS.search(match[0]) and not amount:
            found.append(_written(match, code))
    return found + [_written(match, re.sub(r"[:-]", "", match[0])) for match in _HARDWARE_ADDRESS.finditer(text)]


def _digit_groups(text: str) -> list[WrittenOtherwise]:
    found = []
    for match in _DIGIT_GROUPS.finditer(text):
        if _YEARS.fullmatch(match[0]):
            continue
        country = _COUNTRY.search(text, max(0, match.start() - 3), match.start())
        start = country.start() if country else match.start()
        code = re.sub(r"[^A-Za-z0-9]", "", text[start : match.end()])
        enough = sum(map(str.isdigit, code)) >= MIN_JOINED_DIGITS or _THOUSANDS.fullmatch(match[0])
        if enough and len(code) <= MAX_JOINED:
            found.append(WrittenOtherwise(start, match.end(), normal_words(code)))
    return found


def dates(text: str) -> list[WrittenOtherwise]:
    """Dates of a plain text as eight digits, year first; one that may be read in two ways, in both."""
    found = []
    for match in _DAY_MONTH_YEAR.finditer(text):
        day = re.match(r"\d+", match[0])
        month = _MONTHS.get(match["month"].casefold())
        found += _date(match.start(), match.end(), (match["year"], month, day and day[0]))
    for match in _DAY_YEAR.finditer(text):
        before = _MONTH_BEFORE.search(text, max(0, match.start() - 14), match.start())
        month = _MONTHS.get(before[1].casefold()) if before else None
        found += _date(before.start() if before else 0, match.end(), (match["year"], month, match["day"]))
    for match in _NUMERIC_DATE.finditer(text):
        one, two, three = match["one"], match["two"], match["three"]
        orders = [(one, two, three)] if len(one) == 4 else [(three, two, one)] if len(three) == 4 else []
        if orders and match["mark"] == "/" and len(three) == 4:
            orders.append((three, one, two))
        for order in orders:
            found += _date(match.start(), match.end(), order)
    return found


def _date(start: int, end: int, order: tuple[str, int | str | None, int | str | None]) -> list[WrittenOtherwise]:
    """A date of year, month and day as its digits, where it is one."""
    year, month, day = order
    if month is None or day is None or not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return []
    return [WrittenOtherwise(start, end, f"{year}{int(month):02}{int(day):02}")]


def _written(match: re.Match[str], form: str) -> WrittenOtherwise:
    return WrittenOtherwise(match.start(), match.end(), " ".join(word for word, _, _ in word_spans(form)))


def forms_beside(text: str) -> str:
    """The other forms of a text's words, for the index; empty where there is none."""
    text = _LINE_END.sub("-", _RUN.sub(" ", plain(text)))
    # most words of a text are nothing but letters, and have no other form: only the rest is looked at closely
    odd = " ".join(word for word in text.split() if not word.strip(_STOPS).isalpha() or not word[1:].islower())
    found = other_forms(odd, apart=False) if odd else []
    if any(map(str.isdigit, odd)):
        found += _apart(text)
    return " ".join(dict.fromkeys(other.form for other in found))


# -- scripts without spaces


def unspaced_runs(text: str) -> list[str]:
    """Unbroken runs of scripts without spaces in a plain text, each once."""
    return list(dict.fromkeys(_RUN.findall(text)))


def without_runs(text: str, filler: str) -> str:
    """A plain text with `filler` in place of the runs of scripts without spaces."""
    return _RUN.sub(filler, text)


def bigrams(run: str) -> list[str]:
    """Overlapping pairs of characters of one run; a lone character is itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def character_bigrams(text: str) -> str:
    """Overlapping pairs of characters of each run without spaces, for the table of pairs; empty where there is none."""
    if text.isascii():
        return ""
    return " ".join(pair for run in _RUN.findall(plain(text).casefold()) for pair in bigrams(run))
