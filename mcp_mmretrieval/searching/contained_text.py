"""Whether one text says nothing that another one lacks: a copy, a quoted message, the same page read once more. Pure.

Shingles of words (Broder, "On the resemblance and containment of documents", 1997) tell how much of a text stands in
the other. What two forms of one template share says nothing, so a share is not enough: where the words
are those of the files, each run of three must stand there; what a recogniser read may differ by its slips, as
`store.quote_match` judges them: never by a number, a name or a negation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

import jellyfish

from mcp_mmretrieval.store.quote_match import LETTERS_AN_EDIT, begins_alike, may_be_slip
from mcp_mmretrieval.store.quote_words import QuoteText, QuoteWord
from mcp_mmretrieval.types import Recogniser

SHINGLE_WORDS = 3
MIN_RECOGNISED_SHARE = 0.7
"""Words of a text that stand in the other one together with their neighbours, where a recogniser read one of them: it
joins words, misreads some, and takes the cells of a table in another order. Where none did, all have to."""
MIN_ROUGH_SHARE, MIN_ROUGH_SHARE_UNREAD = 0.5, 0.8
"""Of the words as they are divided by blanks, where a recogniser read one of the texts, and where none did: below it
nothing is looked at closely."""
MIN_ROUGH_RUNS = 0.4
"""The same of runs of three words, where no recogniser read them: notes of one vocabulary share words, not runs. A word
that a line's end divides costs three of them."""
MIN_TELLING_WORDS = 12
"""Of a text that is told from others by its words alone: what is shorter, many say of something else."""
MIN_SPELT_LETTERS = 3
"""Of a word whose spelling tells it from another one that OCR made of the same picture."""
MIN_LONG_LETTERS = 6
"""Of a word in which OCR may have misread any letter; of a shorter one only a letter of the same shape."""
MOST_UNEVEN = 2
"""How many times as many words one of two readings may have in a place where both differ, and still be compared."""
FEW_ALONE = 2
"""Words that stand in one of two readings alone and are told from lines that were passed over."""
MAX_LACKING = 0.1
"""Words of each of two readings of one picture that the other lacks: OCR passes words over, but few in both."""
_ENVELOPE = re.compile(
    r"^[> ]*(?:(?:From|To|Cc|Reply-To|Subject|Date|Sent): .*|-{3,}.*-{3,}"
    r"|.*\b(?:wrote|schrieb|a \u00e9crit|escribi\u00f3) ?:)$",
    re.MULTILINE,
)
_LETTERS_OF_A_SHAPE = ("aceo", "ijlt", "hnmr", "uvy", "gq", "bh")
_OCR: frozenset[Recogniser] = frozenset({"ocr"})
_ENDINGS = ".,;:!?()[]{}\"'>*|-"


def rough_share(text: str, other: str, *, run: int = 1) -> float:
    """The share of the words of `text`, or of its runs of so many, that stand in `other`, fast and roughly.

    1 for a text that has none.
    """
    runs = _rough_runs(text, run)
    return len(runs & _rough_runs(other, run)) / len(runs) if runs else 1.0


@lru_cache(maxsize=1024)  # the same places are found by many searches
def says_nothing_new(
    text: str, other: str, recognisers: frozenset[Recogniser], *, dropped: frozenset[str] = frozenset()
) -> bool:
    """Whether all that `text` says stands in `other`.

    `recognisers`: what may have misread either of them. `dropped`: words at the edges of `text` that are no part of
    it, such as the number of a page.
    """
    if not recognisers and rough_share(text, other, run=SHINGLE_WORDS) < MIN_ROUGH_RUNS:
        return False
    there = _quote_text(other)
    words = _quote_words(text)
    while words and words[-1].form in dropped:
        words = words[:-1]
    while words and words[0].form in dropped:
        words = words[1:]
    length = min(SHINGLE_WORDS, len(words))
    starts = range(len(words) - length + 1)
    if not recognisers:
        return all(_stream(words[at : at + length]) in there.stream for at in starts)
    standing = [_stream(words[at : at + length]) in there.stream for at in starts]
    if all(standing):
        return True
    covered = [any(standing[max(0, at - length + 1) : at + 1]) for at in range(len(words))]
    if sum(covered) < MIN_RECOGNISED_SHARE * len(words):
        return False
    return _only_misread(words, covered, other, recognisers)


@lru_cache(maxsize=1024)
def nothing_contradicts(text: str, other: str) -> bool:
    """Whether two readings by OCR may be of one picture: for pictures that look the same.

    What one of them lacks was not recognised. Where both have something, but not the same, they are two: a number for
    another number, a word for one that is spelt otherwise.
    """
    words, known = _quote_words(text), _quote_words(other)
    more, fewer = (Counter(word.form for word in some) for some in (words, known))
    more, fewer = more - fewer, fewer - more
    lacking = lacked = 0
    swapped: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    aligned = SequenceMatcher(None, [word.form for word in words], [word.form for word in known], autojunk=False)
    for what, first, last, begin, end in aligned.get_opcodes():
        if what == "equal":
            continue
        if last - first == end - begin == 1 and words[first].numbers and known[begin].numbers:
            swapped.add((words[first].numbers, known[begin].numbers))
        here = [word for word in words[first:last] if word.form in more]
        there = [word for word in known[begin:end] if word.form in fewer]
        if max(last - first, end - begin) <= MOST_UNEVEN * min(last - first, end - begin):
            here, there = _without_slips(here, there)
            if _contradict(here, there):
                return False
        elif len(here) + len(there) <= FEW_ALONE and any(word.negates for word in (*here, *there)):
            return False
        lacking, lacked = lacking + len(here), lacked + len(there)
    if any(here != there and (there, here) in swapped for here, there in swapped):
        return False
    shares = lacking / max(1, len(words)), lacked / max(1, len(known))
    return len(words) < MIN_TELLING_WORDS or (shares[0] <= 1 - MIN_RECOGNISED_SHARE and min(shares) <= MAX_LACKING)


def _contradict(here: Sequence[QuoteWord], there: Sequence[QuoteWord]) -> bool:
    """Whether of two stretches in one place each has a number, or a word, that cannot be the other's."""
    if here and there and any(word.negates for word in here) != any(word.negates for word in there):
        return True
    return any(all(any(map(kind, words)) for words in (here, there)) for kind in (_is_number, _is_spelt))


def _without_slips(here: Sequence[QuoteWord], there: Sequence[QuoteWord]) -> tuple[list[QuoteWord], list[QuoteWord]]:
    """The words of two readings of one place without those that may be one word, misread or divided otherwise."""
    joined, others_joined = (_stream(words) for words in (here, there))
    if joined == others_joined:
        return [], []
    left = list(there)
    alone: list[QuoteWord] = []
    for word in here:
        same = next((one for one in left if _may_be_one(word, one)), None)
        if same is not None:
            left.remove(same)
        elif not _is_spelt(word) or word.form not in others_joined:
            alone.append(word)
    return alone, [word for word in left if not _is_spelt(word) or word.form not in joined]


def _may_be_one(word: QuoteWord, other: QuoteWord) -> bool:
    """Whether OCR may have made both words of one: the longer they are, the less their letters have to agree."""
    if may_be_slip([word], [other], _OCR):
        return True
    if not _is_spelt(word) or not _is_spelt(other):
        return bool(word.numbers) and word.numbers == other.numbers
    one, another = word.form, other.form
    if max(len(one), len(another)) < MIN_LONG_LETTERS:
        differing = [pair for pair in zip(one, another, strict=False) if pair[0] != pair[1]]
        return len(one) == len(another) and len(differing) == 1 and _look_alike(*differing[0])
    edits = jellyfish.levenshtein_distance(one, another)
    return edits <= 1 or (edits <= len(one) // LETTERS_AN_EDIT and begins_alike(one, another, _OCR))


def _look_alike(letter: str, other: str) -> bool:
    return any(letter in letters and other in letters for letters in _LETTERS_OF_A_SHAPE)


def _is_number(word: QuoteWord) -> bool:
    return bool(word.numbers)


def _is_spelt(word: QuoteWord) -> bool:
    """A word of letters; a sign that is told in letters is none."""
    return len(word.form) >= MIN_SPELT_LETTERS and word.form.isalpha() and not word.numbers and word.form != "percent"


def without_envelope(text: str) -> str:
    """A mail's words without its header, those of mails quoted in it, and the lines that lead to them."""
    return _ENVELOPE.sub("", text) if text.startswith("From: ") else text


def _only_misread(
    words: Sequence[QuoteWord], covered: Sequence[bool], other: str, recognisers: Collection[Recogniser]
) -> bool:
    """Whether the words that do not stand in a text were misread, judged by what stands in their place there."""
    known = _quote_words(other)
    forms = {word.form for word in known}
    aligned = SequenceMatcher(None, [word.form for word in words], [word.form for word in known], autojunk=False)
    for what, first, last, begin, end in aligned.get_opcodes():
        alone = [word for word, stands in zip(words[first:last], covered[first:last], strict=True) if not stands]
        if what == "insert" and first in (0, len(words)):  # before and behind the text the other one goes on
            continue
        if what != "equal" and any(word.negates for word in (*alone, *known[begin:end])):
            return False
        if not all(_stands(word, known[begin:end], forms, _quote_text(other).stream, recognisers) for word in alone):
            return False
    return True


def _stands(
    word: QuoteWord,
    instead: Sequence[QuoteWord],
    forms: Collection[str],
    stream: str,
    recognisers: Collection[Recogniser],
) -> bool:
    """Whether a word stands in a text without its neighbours, or what stands there instead may be its misreading."""
    if any(other.form == word.form or may_be_slip([word], [other], recognisers) for other in instead):
        return True
    lost_blanks = len(word.form) > SHINGLE_WORDS and word.form in stream
    return not word.numbers and (word.form in forms or lost_blanks)


def _stream(words: Sequence[QuoteWord]) -> str:
    """As `QuoteText.stream` has them."""
    return "".join(word.stream for word in words)


@lru_cache(maxsize=256)
def _quote_text(text: str) -> QuoteText:
    return QuoteText(text)


@lru_cache(maxsize=256)
def _quote_words(text: str) -> tuple[QuoteWord, ...]:
    return tuple(_quote_text(text).words())


@lru_cache(maxsize=1024)
def _rough_runs(text: str, run: int) -> frozenset[tuple[str, ...]]:
    words = [word for each in text.casefold().split() if (word := each.strip(_ENDINGS))]
    return frozenset(zip(*(words[at:] for at in range(run)), strict=False))
