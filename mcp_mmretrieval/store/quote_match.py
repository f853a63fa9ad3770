"""Whether the words of a quotation stand in a text: exactly, or as nearly as a recogniser reads or hears. Pure.

What is near is found by approximate matching of the quotation's words against any stretch of the text (Sellers 1980),
and then judged difference by difference. Numbers, names and negations must agree: of these only what OCR cannot tell
apart counts as one (`l`, `I` and `1`, `O` and `0`; two digits never). Another word may be spelt as it looks or sounds,
but begins alike: `effective` is not `ineffective`. What is put in or left out says little: `hardly` does not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import jellyfish

from mcp_mmretrieval.store.quote_words import QuoteText, QuoteWord
from mcp_mmretrieval.store.soundalike import sound_codes
from mcp_mmretrieval.types import Recogniser

MAX_EDIT_SHARE = 0.15
"""Letters of a quotation that may differ in all, as a share, where it is still near."""
LETTERS_AN_EDIT = 5
"""Letters of a word for each one that may differ; one may from four letters on."""
WORDS_AN_EXTRA = 8
"""Words of a quotation for each one that may be added or left out, where a recogniser read the text."""
MIN_CUT_LETTERS = 4
"""Letters of a word at the edge of a quotation that may be stuck to its neighbour in the text."""
MIN_AGREEING_SHARE = 0.6
"""Words that must agree before a stretch of text is told as the nearest one."""

_GAP_COST = 0.9
"""Of a word that one side lacks: less than of another word, so that one that was put in takes no neighbour's place."""
_SLIGHT = frozenset(re.findall(r"\w+", "uhm erm hmm mhm well like okay the and that"))
"""Words besides those of one or two letters that a recogniser may put in or leave out: they change no meaning."""
_OPPOSITES = (("hyper", "hypo"), ("inter", "intra"), ("macro", "micro"))
_FIRST_LETTERS = ("bhk", "aceo", "un", "ft", "ijl", "gq", "vy", "rn")
"""First letters that OCR takes for one another."""
_SHAPES = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b"})
_PAIRS_OF_SHAPES = (("rn", "m"), ("vv", "w"), ("cl", "d"))


@dataclass(frozen=True, slots=True)
class WordDifference:
    """Where a quotation and a text part."""

    quoted: str
    """As the quotation has it; empty where it lacks what the text has."""
    found: str
    edits: int
    """Letters to insert, delete or replace, in normal form (Levenshtein 1966)."""
    allowed: bool
    """Whether it may be a slip of the recogniser, or of who typed it."""


@dataclass(frozen=True, slots=True)
class QuoteMatch:
    """The stretch of a text that comes nearest to a quotation."""

    start: int
    end: int
    """Where in the text."""
    found: str
    """The words there."""
    differences: tuple[WordDifference, ...] = ()
    near: bool = True
    """Whether nothing differs but what a recogniser may have got wrong."""
    share: float = 1.0
    """Words that agree."""

    @property
    def edits(self) -> int:
        """Letters that differ in all."""
        return sum(difference.edits for difference in self.differences)


def exact_match(text: QuoteText, quote: QuoteText) -> QuoteMatch | None:
    """The first stretch of the text that has the quotation's words in normal form, blanks and hyphens aside."""
    found = text.find(quote)
    return None if found is None else QuoteMatch(*found, text.source[slice(*found)])


def nearest_match(text: QuoteText, quote: QuoteText, recognisers: Collection[Recogniser]) -> QuoteMatch | None:
    """The stretch of the text that is nearest to a quotation; None where too few words agree to speak of one."""
    asked, there = quote.words(), text.words()
    steps = _widened(_aligned(asked, there), asked, there)
    taken = [at for _, at in steps if at is not None]
    share = sum(one is not None and at is not None and asked[one].form == there[at].form for one, at in steps)
    if not taken or share < MIN_AGREEING_SHARE * len(asked):
        return None
    if recognisers:
        there = _without_neighbours(asked, there, steps)
    differences = [
        difference
        for one, other in _groups(steps, asked, there)
        if (difference := _difference(quote, one, text, other, recognisers))
    ]
    letters = sum(len(word.form) for word in asked)
    added = sum(not difference.quoted or not difference.found for difference in differences)
    near = (
        all(difference.allowed for difference in differences)
        and sum(difference.edits for difference in differences) <= MAX_EDIT_SHARE * letters
        and added <= len(asked) // WORDS_AN_EXTRA
    )
    start, end = there[taken[0]].start, there[taken[-1]].end
    return QuoteMatch(start, end, text.source[start:end], tuple(differences), near, share / len(asked))


Step = tuple[int | None, int | None]
"""Which word of the quotation meets which one of the text; None where one side has none."""


def _aligned(asked: Sequence[QuoteWord], there: Sequence[QuoteWord]) -> list[Step]:
    """The cheapest way through both, from wherever in the text to wherever."""
    cost = [0.0] * (len(there) + 1)
    table: list[list[float]] = [cost]
    forms = [word.form for word in there]
    for word in asked:
        unlike = {form: _unlikeness(word.form, form) for form in set(forms)}
        row = [cost[0] + _GAP_COST]
        for at, form in enumerate(forms):
            row.append(min(cost[at] + unlike[form], cost[at + 1] + _GAP_COST, row[at] + _GAP_COST))
        table.append(row)
        cost = row
    one, at = len(asked), min(range(len(cost)), key=cost.__getitem__)
    steps: list[Step] = []
    while one:
        here = table[one][at]
        if at and here == table[one - 1][at - 1] + _unlikeness(asked[one - 1].form, forms[at - 1]):
            one, at = one - 1, at - 1
            steps.append((one, at))
        elif at and here == table[one][at - 1] + _GAP_COST:
            at -= 1
            steps.append((None, at))
        else:
            one -= 1
            steps.append((one, None))
    return steps[::-1]


def _widened(steps: list[Step], asked: Sequence[QuoteWord], there: Sequence[QuoteWord]) -> list[Step]:
    """The same way, with the other half of a word at its edge that is two in the text."""
    one, at = steps[0]
    if one is not None and at and asked[one].form == there[at - 1].form + there[at].form:
        steps = [(None, at - 1), *steps]
    one, at = steps[-1]
    if one is not None and at is not None and at + 1 < len(there):
        steps = [*steps, (None, at + 1)] if asked[one].form == there[at].form + there[at + 1].form else steps
    return steps


def _without_neighbours(
    asked: Sequence[QuoteWord], there: Sequence[QuoteWord], steps: Sequence[Step]
) -> list[QuoteWord]:
    """The text's words; of the first and last of the stretch only what the quotation takes of them.

    For where a recogniser lost the blank between it and a neighbour.
    """
    cut = list(there)
    for (one, at), first in ((steps[0], True), (steps[-1], False)):
        if one is None or at is None or len(asked[one].form) < MIN_CUT_LETTERS or not there[at].form.isalpha():
            continue
        length = len(asked[one].form)
        word = there[at]
        if first and word.form.endswith(asked[one].form) and word.end - word.start == len(word.form):
            cut[at] = replace(word, form=asked[one].form, start=word.end - length)
        elif not first and word.form.startswith(asked[one].form) and word.end - word.start == len(word.form):
            cut[at] = replace(word, form=asked[one].form, end=word.start + length)
    return cut


@lru_cache(maxsize=50_000)
def _unlikeness(one: str, other: str) -> float:
    """From 0 for the same word to 1 for one that is mostly another."""
    if one == other:
        return 0.0
    longest = max(len(one), len(other))
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) >= MIN_CUT_LETTERS and (longer.startswith(shorter) or longer.endswith(shorter)):
        return min(0.5, 1 - len(shorter) / longest)
    if 2 * len(shorter) < longest:
        return 1.0
    share = jellyfish.levenshtein_distance(one, other) / longest
    return 1.0 if share > 0.5 else share


Group = tuple[list[QuoteWord], list[QuoteWord]]


def _groups(steps: Sequence[Step], asked: Sequence[QuoteWord], there: Sequence[QuoteWord]) -> Iterator[Group]:
    """Words that differ: word by word where each has a partner, else what stands side by side together."""
    open_group: list[Step] = []
    for step in [*steps, (None, None)]:
        one, at = step
        if one is not None and at is not None and asked[one].form == there[at].form:
            pass
        elif step != (None, None):
            open_group.append(step)
            continue
        if all(None not in pair for pair in open_group):
            yield from (([asked[o]], [there[t]]) for o, t in open_group if o is not None and t is not None)
        else:
            yield [asked[o] for o, _ in open_group if o is not None], [there[t] for _, t in open_group if t is not None]
        open_group = []


def _difference(
    quote: QuoteText,
    asked: Sequence[QuoteWord],
    text: QuoteText,
    there: Sequence[QuoteWord],
    recognisers: Collection[Recogniser],
) -> WordDifference | None:
    """How two stretches differ, and whether that may be; None where only blanks do."""
    one, other = ("".join(word.form for word in words) for words in (asked, there))
    same_numbers = [_numbers(words) for words in (asked, there)]
    if one == other and same_numbers[0] == same_numbers[1]:
        return None
    return WordDifference(
        quoted=_written(quote, asked),
        found=_written(text, there),
        edits=max(1, jellyfish.levenshtein_distance(one, other)),
        allowed=may_be_slip(asked, there, recognisers),
    )


def may_be_slip(asked: Sequence[QuoteWord], there: Sequence[QuoteWord], recognisers: Collection[Recogniser]) -> bool:
    """Whether words that differ may be the same ones, misread by one of the recognisers or mistyped."""
    one, other = ("".join(word.form for word in words) for words in (asked, there))
    if _negates(asked) != _negates(there):
        return False
    if _numbers(asked) != _numbers(there):  # digits read as letters are told from other digits
        letters = any(re.search(r"[^\W\d_]", word) for word in (one, other))
        return "ocr" in recognisers and letters and len(asked) == len(there) == 1 and _shape(one) == _shape(other)
    if not one or not other:
        return bool(recognisers) and all(_is_slight(word) for word in (*asked, *there))
    if any(word.name or word.numbers for word in (*asked, *there)):
        return "ocr" in recognisers and one.translate(_SHAPES) == other.translate(_SHAPES)
    if "ocr" in recognisers and _shape(one) == _shape(other):
        return True
    if "speech" in recognisers and _sound(asked) == _sound(there) != "":
        return True
    if not begins_alike(one, other, recognisers):
        return False
    longest = max(len(one), len(other))
    most = max(int(longest >= 4), longest // LETTERS_AN_EDIT) if recognisers else int(longest >= LETTERS_AN_EDIT)
    return jellyfish.levenshtein_distance(one, other) <= most


def _is_slight(word: QuoteWord) -> bool:
    return not word.name and not word.numbers and word.form.isalpha() and (len(word.form) < 3 or word.form in _SLIGHT)


def begins_alike(one: str, other: str, recognisers: Collection[Recogniser]) -> bool:
    """Whether two words may be one word spelt otherwise, by how they begin: there most opposites differ."""
    for pair in (_OPPOSITES, [(second, first) for first, second in _OPPOSITES]):
        if any(one.startswith(first) and other.startswith(second) for first, second in pair):
            return False
    taken = "ocr" in recognisers and any(one[0] in letters and other[0] in letters for letters in _FIRST_LETTERS)
    return one[0] == other[0] or taken


def _numbers(words: Sequence[QuoteWord]) -> tuple[str, ...]:
    return tuple(number for word in words for number in word.numbers)


def _negates(words: Sequence[QuoteWord]) -> int:
    return sum(word.negates for word in words)


def _shape(form: str) -> str:
    """What a printed word looks like: different digits never become the same letter."""
    shape = form.translate(_SHAPES)
    for pair, one in _PAIRS_OF_SHAPES:
        shape = shape.replace(pair, one)
    return shape


def _sound(words: Sequence[QuoteWord]) -> str:
    return sound_codes("".join(word.form for word in words))


def _written(text: QuoteText, words: Sequence[QuoteWord]) -> str:
    return text.source[words[0].start : words[-1].end] if words else ""
