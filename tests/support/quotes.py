"""Quoted passages with known answers: true ones, ones with another number, ones of another document."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_mmretrieval.answers import QuoteCheck

Truth = Literal["true", "altered", "other"]
QUOTE_WORDS = (8, 24)
"""Words of a quotation: from, to."""
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])")
_TRIES = 2_000


@dataclass(frozen=True, slots=True)
class TruePlace:
    """A place and what is truly written or said there."""

    document: str
    citation: str
    text: str


@dataclass(frozen=True, slots=True)
class Quotation:
    truth: Truth
    target: str
    quote: str

    def judged_right(self, check: QuoteCheck) -> bool:
        if self.truth == "true":
            return check.verdict in ("exact", "near") and check.citation == self.target
        return check.verdict == "nowhere"


def quotations(chance: random.Random, places: Sequence[TruePlace], counts: Mapping[Truth, int]) -> list[Quotation]:
    """So many of each, from places in turn. Raises ValueError where the places do not give that many."""
    whole = {place.document: "" for place in places}
    for place in places:
        whole[place.document] += _bare(place.text)
    made: list[Quotation] = []
    for truth, count in counts.items():
        found = _of(truth, chance, places, whole)
        made += [next(found) for _ in range(count)]
    return made


def _of(
    truth: Truth, chance: random.Random, places: Sequence[TruePlace], whole: Mapping[str, str]
) -> Iterator[Quotation]:
    for at in range(_TRIES):
        place = places[at % len(places)]
        target = chance.choice([one for one in places if one.document != place.document]) if truth == "other" else place
        quote = _slice(chance, place.text)
        if truth == "altered":
            quote = with_another_number(chance, quote)
        if not quote or (truth != "true" and _bare(quote) in whole[target.document]):
            continue
        yield Quotation(truth, target.citation, _as_written_elsewhere(chance, quote))
    raise ValueError(f"too few passages for quotations that are {truth}")


def with_another_number(chance: random.Random, quote: str) -> str:
    """The quotation with one digit of one number changed; empty where it has none."""
    numbers = list(_NUMBER.finditer(quote))
    if not numbers:
        return ""
    number = chance.choice(numbers)
    at = chance.choice([at for at in range(*number.span()) if quote[at].isdigit()])
    other = chance.choice([digit for digit in "123456789" if digit != quote[at]])
    return quote[:at] + other + quote[at + 1 :]


def _slice(chance: random.Random, text: str) -> str:
    words = text.split()
    count = chance.randint(*QUOTE_WORDS)
    if len(words) < QUOTE_WORDS[0]:
        return ""
    start = chance.randrange(max(1, len(words) - count))
    quote = " ".join(words[start : start + count])
    return quote if len(re.findall(r"[^\W\d_]{4,}", quote)) >= 4 else ""


def _as_written_elsewhere(chance: random.Random, quote: str) -> str:
    """The same words with other blanks, capitals, a word broken at a line's end, or a ligature."""
    way = chance.randrange(5)
    if way == 1:
        return re.sub(r" ", lambda _: chance.choice((" ", "\n", "  ", "\t")), quote)
    if way == 2:
        return quote.upper()
    if way == 3:
        return re.sub(r"([a-z]{4})([a-z]{3})", "\\1-\n\\2", quote, count=1)
    if way == 4:
        return quote.replace("fi", "\ufb01").replace("fl", "\ufb02").replace("'", "\u2019")
    return quote


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()
