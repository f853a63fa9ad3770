"""What a question points at within a document: `page 14`, `Figure 3`, `the cover`, `this report`. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CAPTION_KINDS = {
    "figure": r"figures?|figs?|charts?|graphs?|diagrams?|abbildung|abb|figura|figuur|рисунок|рис",
    "table": r"tables?|tab|tabelle|tableau|tabla|tabela|tabella|tabel|cuadro|quadro|таблица|табл",
    "section": r"sections?|sect?|§+|abschnitt|sección|seção|sezione|paragraaf|раздел",
    "chapter": r"chapters?|chap|ch|kapitel|kap|chapitre|capítulo|capitolo|hoofdstuk|глава",
    "appendix": r"appendix|appendices|annexe?|anhang|anexo|apéndice|allegato|appendice|bijlage|приложение",
    "exhibit": r"exhibits?|exh|attachment|schedule|anlage",
    "part": r"part|articles?|clauses?|items?|notes?|teil|artikel|artículo|artigo|articolo|статья",
    "equation": r"equations?|eqs?|formula|algorithm|listing|theorem|lemma|definition|gleichung",
}
"""How the parts of a document are called, in patterns without case; a caption is found under any name of its kind."""
MAX_RANGE_PAGES = 50
"""Pages of one range (`pages 3 to 5`) at most."""

CARDINALS = re.findall(
    r"\w+",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
"""One to twenty, in order."""
ROMAN = {
    tens + ones: 10 * ten + one
    for ten, tens in enumerate(("", "X", "XX", "XXX"))
    for one, ones in enumerate(("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"))
    if tens + ones
}
"""Roman numerals up to 39."""
_ORDINALS = re.findall(
    r"\w+",
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
)
_VALUES = {word: number for words in (CARDINALS, _ORDINALS) for number, word in enumerate(words, 1)}
_OFTEN_ELSEWHERE = {"part", "equation"}
"""Kinds whose names are said of much else: they are looked up, and no note asks which document is meant."""
_OFTEN_DATED = {"figure", "table", "exhibit"}
"""Kinds behind whose names a year is none of their numbers: `sales chart 2023`."""
_COUNT = "|".join(sorted(CARDINALS, key=len, reverse=True))

_PAGE = (
    r"(?:page|pg|slide|sheet|folio|seite|folie|p[áa]gina|diapositiv[ea]|bladzijde|sida|strona|страница|стр)\b\.?|p\."
)
_PAGES = r"(?:pages|pgs|slides|sheets|seiten|folien|p[áa]ginas|pagine|diapositives|diapositivas|страницы)\b\.?|pp\b\.?"
_YEAR = r"(?:19|20)\d\d"
_ROMAN_NUMBER = r"(?=[ivxlc]{2})c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})(?<=\w)"
_NUMBER = rf"(?!{_YEAR}\b)\d{{1,4}}|{_ROMAN_NUMBER}|(?-i:[ivx])|[a-z]{{1,2}}-?\d{{1,3}}|{_COUNT}"
_THROUGH = r"\s*(?:[-\u2013\u2014]|to|through|until|bis|al?|à)\s*"
_AND = r"\s*,?\s*(?:,|&|and|or|und|et|y|e|en)\s*"
_SIGN = r"\s*(?:no\.?|number|nr\.?|#|№)?\s*[(\[]?\s*"
_OTHER_SHEETS = "".join(
    rf"(?<!\b{word} )"
    for word in re.findall(r"\w+", "answer balance call cheat data fact home landing rate score spec time tip web")
)
"""A balance sheet and a web page are no places in a document; nor is `p53`, where nothing before it says so."""
_NUMBERED_PAGES = re.compile(
    rf"{_OTHER_SHEETS}(?:\b(?:{_PAGES}){_SIGN}(?P<several>(?:{_NUMBER})\b(?:(?:{_THROUGH}|{_AND})(?:{_NUMBER})\b)*)|"
    rf"\b(?:{_PAGE}){_SIGN}(?P<one>(?:{_NUMBER})\b(?:{_THROUGH}(?:{_NUMBER})\b)?)|"
    r"(?:\b(?:pages?|slides?|pp)|(?:(?<=\bon )|(?<=\bat )|(?<=\bsee )|(?<=\())p)(?P<joined>\d{1,4})\b)",
    re.IGNORECASE,
)
_PAGE_RANGE = re.compile(rf"({_NUMBER})\b(?:{_THROUGH}({_NUMBER})\b)?", re.IGNORECASE)
_ROWS = re.compile(
    rf"\b(?:rows?|zeilen?|ligne|fila|riga|linha){_SIGN}(?P<several>\d{{1,7}}\b(?:(?:{_THROUGH}|{_AND})\d{{1,7}}\b)*)",
    re.IGNORECASE,
)
_ROW_RANGE = re.compile(rf"(\d+)(?:{_THROUGH}(\d+))?", re.IGNORECASE)
_ORDINAL_PAGE = re.compile(
    rf"\b(?:(?P<word>{'|'.join(_ORDINALS[1:])})|(?P<digits>\d{{1,4}})(?:st|nd|rd|th))\s+(?:page|slide|sheet)\b",
    re.IGNORECASE,
)
_END_PAGES = re.compile(
    rf"(?<!to[ -])\b(?P<end>first|last|final|opening|closing)\s+(?:(?P<count>\d{{1,2}}|{_COUNT})\s+)?"
    r"(?:page|slide|sheet)s?\b",
    re.IGNORECASE,
)
_SECOND_LAST = re.compile(
    r"\b(?:second[ -]to[ -]last|penultimate|next[ -]to[ -]last)\s+(?:page|slide)\b", re.IGNORECASE
)
_BACK_COVER = re.compile(r"\bback\s+cover\b", re.IGNORECASE)
_COVER = re.compile(
    r"\b(?:cover|title|front)\s+(?:page|slide|sheet)\b|\b(?:on|of|in)\s+the\s+(?:front\s+)?cover\b|"
    r"\b(?:titelseite|deckblatt|portada|page\s+de\s+garde|couverture|copertina)\b",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"\b(?:tables?\s+of\s+contents?|contents\s+page|inhaltsverzeichnis|table\s+des\s+matières|índice|sommario)\b",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    rf"(?<![\w§])(?i:{'|'.join(f'(?P<{kind}>{names})' for kind, names in CAPTION_KINDS.items())})"
    r"\.?\s*(?:(?i:no\.?|number|nr\.?)|#|№)?\s*"
    r"(?P<number>[A-Z]{1,2}[-.]?\d+(?:[.-]\d+)*[a-z]?|\d+(?:[.-]\d+)*[a-zA-Z]?|[IVXLC]{1,7}|[A-Z])(?!\w|[.,]\d)"
)
_NEXT_NUMBER = re.compile(rf"(?i:{_AND})(?P<number>\d+(?:[.-]\d+)*[a-zA-Z]?)(?!\w|[.,]\d)")
_QUOTED = r"[\"“”„«»](?P<{name}>[^\"“”„«»]{{3,80}})[\"“”„«»]"
_HEADING = re.compile(
    rf"{_QUOTED.format(name='before')}\s+(?:section|chapter|table|figure|chart|slide|(?:work)?sheet|page|part|heading)\b|"
    r"\b(?:section|chapter|table|figure|chart|slide|(?:work)?sheet|page|part|heading|titled|entitled|named|called|headed)\s+"
    rf"{_QUOTED.format(name='after')}",
    re.IGNORECASE,
)
_TITLED = re.compile(
    r"\b(?i:section|chapter)\s+(?P<title>(?!I['\u2019])[A-Z][\w'-]*[a-z][\w'-]*(?:\s+(?:(?:and|of|the|for|in|to|on|&)\s+)*[A-Z][\w'-]+)*)"
)
_THIS = re.compile(
    r"\b(?:(?:this|that|given|attached|provided)\s+(?:\w+\s+)?|the\s+)(?:document|report|paper|presentation|slide\s*deck|"
    r"slideshow|deck|slides?|guidebook|guide|manual|brochure|booklet|leaflet|handbook|white\s?paper|thesis|filing|"
    r"contract|agreement|pdf)\b(?!\s+(?:of|on|about|by|from|for|that|which|called|titled)\b)",
    re.IGNORECASE,
)
_EXAMPLES = re.compile(r"\[\s*[\"'][^\]]*\]")
"""How an answer is to be written: `as a list, for example, ["Chapter 5"]`."""
_ON_THE_WHOLE = re.compile(
    r"\b(?:dated?|titled?|subtitle|authors?|wrote|written|created|made|prepared|presented|published|publishers?|issued|"
    r"version|edition|revision|copyright)\b",
    re.IGNORECASE,
)
"""What stands at the beginning of a document about the whole of it."""
_HOW_MANY = re.compile(r"\bhow\s+many\s+(?:chapters|sections|parts|appendices|units|lessons|articles)\b", re.IGNORECASE)
_AS_PRONOUN = re.compile(
    r"['\u2019]|\s(?!(?:of|in|on|at|and|or|to|through|from|by|for|with|is)\b|(?!was\b)[a-z]+s\b)[a-z]"
)
"""What stands behind `I` where that is who asks: `the chart I made`, but not `Chapter I of` and `Table I lists`."""
_AUXILIARY = re.compile(r"\b(?:do|does|did|can|could|will|would|may|might|must|should)\s$", re.IGNORECASE)
"""What stands before a part that says something: `What does Section I say?`"""
_MAX_LEADING = 100
"""Characters before a page in which its `according to` is looked for."""
_LEADING = re.compile(
    r"(?:\b(?:according\s+to|based\s+on|(?:as\s+)?(?:shown|seen|stated|listed|given|mentioned|noted|presented)\s+(?:in|on|at)|"
    r"in|on|at|of|from)\s+)?(?:\bthe\s+)?(?:\b(?:chart|graph|table|figure|text|photo|photograph|picture|image|diagram)s?\s+"
    r"(?:on|in|at|of)\s+)?(?:\bthe\s+)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Caption:
    """A numbered part of a document: `Figure 3`, `Section 4.1`."""

    kind: str
    """One of `CAPTION_KINDS`."""
    number: str
    """As it is written: `3`, `4.1`, `B`, `P-10`."""


@dataclass(frozen=True, slots=True)
class Pointers:
    """What a question points at."""

    pages: tuple[str, ...] = ()
    """Numbers of pages as they may be printed, in lower case: `14`, `iv`, `a-3`."""
    rows: tuple[tuple[int, int], ...] = ()
    """Rows of sheets, the first and the last of each range."""
    positions: tuple[int, ...] = ()
    """Pages counted from an end: 1 is the first, -1 the last."""
    beginning: bool = False
    """Whether it asks for what stands at the beginning: who made the document, and when."""
    contents: bool = False
    """Whether it asks for the list of contents."""
    captions: tuple[Caption, ...] = ()
    headings: tuple[str, ...] = ()
    """Titles of sections, figures or pages that are named as such."""
    phrases: tuple[str, ...] = ()
    """How the question says all this, for a note; with them `this report` and the like."""
    rest: str = ""
    """The question without the numbers of pages that it points at: those words stand on any page."""

    def __bool__(self) -> bool:
        """Whether there is something to look up."""
        looked_up = self.pages or self.rows or self.positions or self.captions or self.headings
        return bool(looked_up or self.contents or self.beginning)


def parse_pointers(question: str) -> Pointers:
    """What a question points at; empty `phrases` where that is nothing."""
    question = " ".join(question.split())
    plain = _EXAMPLES.sub(lambda match: " " * len(match[0]), question)
    paged = [match for match in _found(plain, _NUMBERED_PAGES, _ORDINAL_PAGE) if not _ends_in_pronoun(match)]
    rows = _found(plain, _ROWS)
    ends = _found(plain, _END_PAGES, _SECOND_LAST, _BACK_COVER)
    covers = _found(plain, _COVER)
    contents = _found(plain, _CONTENTS)
    captions = [match for match in _found(plain, _CAPTION) if _is_caption(match)]
    headings = [match for match in _found(plain, _HEADING, _TITLED) if re.search(r"\w", _title(match))]
    plainly = [match for match in captions if _caption(match).kind not in _OFTEN_ELSEWHERE]
    whole = _found(plain, _THIS)
    named = [*paged, *rows, *ends, *covers, *contents, *plainly, *headings, *whole]
    return Pointers(
        pages=tuple(dict.fromkeys(number for match in paged for number in _numbers(match))),
        rows=tuple(dict.fromkeys(found for match in rows for found in _row_ranges(match))),
        positions=tuple(dict.fromkeys([at for match in ends for at in _positions(match)] + [1] * bool(covers))),
        beginning=bool(whole and _ON_THE_WHOLE.search(plain)),
        contents=bool(contents or (whole and _HOW_MANY.search(plain))),
        captions=tuple(dict.fromkeys(caption for match in captions for caption in _captions(match))),
        headings=tuple(dict.fromkeys(" ".join(_title(match).split()) for match in headings)),
        phrases=tuple(dict.fromkeys(match[0].strip() for match in sorted(named, key=lambda match: match.start()))),
        rest=_without(question, [match.span() for match in (*paged, *rows, *ends)]),
    )


def _found(text: str, *patterns: re.Pattern[str]) -> list[re.Match[str]]:
    return [match for pattern in patterns for match in pattern.finditer(text)]


def _numbers(match: re.Match[str]) -> Iterator[str]:
    """The numbers of pages in a match, ranges filled."""
    groups = match.groupdict()
    if groups.get("word") or groups.get("digits"):
        yield str(_value(groups["word"] or groups["digits"]))
        return
    written = groups["several"] or groups["one"] or groups["joined"]
    for first, last in _PAGE_RANGE.findall(written):
        low, high = _value(first), _value(last)
        if isinstance(low, int) and isinstance(high, int) and low < high:
            yield from map(str, range(low, min(high, low + MAX_RANGE_PAGES - 1) + 1))
        else:
            yield from (str(value) for value in (low, high) if value != "")


def _row_ranges(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    for first, last in _ROW_RANGE.findall(match["several"]):
        low, high = int(first), int(last or first)
        yield min(low, high), max(low, high)


def _value(number: str) -> int | str:
    """A number in digits or words as such; else as it may be printed."""
    number = number.lower()
    return int(number) if number.isdecimal() else _VALUES.get(number, number)


def _positions(match: re.Match[str]) -> list[int]:
    if match.re is _SECOND_LAST:
        return [-2]
    if match.re is _BACK_COVER:
        return [-1]
    count = _value(match["count"] or "1")
    numbers = range(1, (count if isinstance(count, int) else 1) + 1)
    return list(numbers) if match["end"].lower() in ("first", "opening") else [-number for number in numbers]


def _ends_in_pronoun(match: re.Match[str]) -> bool:
    """Whether the `I` at the end of a match is no number but the one who asks."""
    start, end = match.span()
    return (
        re.search(r"(?i:\bi)$", match[0]) is not None
        and _AS_PRONOUN.match(match.string, end) is not None
        and _AUXILIARY.search(match.string, max(0, start - 10), start) is None
    )


def _is_caption(match: re.Match[str]) -> bool:
    """Whether a kind and a number are a part of a document: neither `the chart I made` nor `exam schedule 2025`."""
    dated = _caption(match).kind in _OFTEN_DATED and re.fullmatch(_YEAR, match["number"]) is not None
    return not dated and not _ends_in_pronoun(match)


def _caption(match: re.Match[str]) -> Caption:
    kind = next(kind for kind in CAPTION_KINDS if match[kind])
    return Caption(kind, match["number"])


def _captions(match: re.Match[str]) -> Iterator[Caption]:
    """The caption of a match, and those that follow its plural: `Figures 2 and 3`."""
    first = _caption(match)
    yield first
    at = match.end()
    while match[first.kind].casefold().endswith("s") and (more := _NEXT_NUMBER.match(match.string, at)):
        yield Caption(first.kind, more["number"])
        at = more.end()


def _title(match: re.Match[str]) -> str:
    return next(text for text in match.groupdict().values() if text)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text without these stretches and the `according to the chart on` before them."""
    for start, end in sorted(spans, reverse=True):
        leading = _LEADING.search(text, max(0, start - _MAX_LEADING), start)
        text = f"{text[: leading.start() if leading else start].rstrip()} {text[end:].lstrip(' )]')}"
    return " ".join(text.split())
