"""Whether one text says nothing that another one lacks: a copy, a quoted message, the same page read once more. Pure.

Shingles of words (Broder, "On the resemblance and containment of documents", 1997) tell how much of a text stands in
the other. What two forms of one template share says nothing, so a share is not enough: each number, name and negation
must stand there too, as `store.quote_match` judges it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from mcp_mmretrieval.store.quote_match import may_be_slip
from mcp_mmretrieval.store.quote_words import QuoteText, QuoteWord
from mcp_mmretrieval.types import Recogniser

SHINGLE_WORDS = 3
MIN_SHARE = 0.9
"""Words of a text that stand in the other one together with their neighbours; where both have their words by file."""
MIN_RECOGNISED_SHARE = 0.7
"""The same where a recogniser read one of them: it joins words, and takes cells of a table in another order."""
MIN_ROUGH_SHARE = 0.5
"""Of the words as they are divided by blanks: below it nothing is looked at closely."""
MIN_WORDS = 12
"""Of a text that is told from others by its words alone: what is shorter, many texts say."""
_ENDINGS = ".,;:!?()[]{}\"'>*|-"


def rough_share(text: str, other: str) -> float:
    """The share of the words of `text` that stand in `other`, fast and roughly; 1 for a text without words."""
    words = _rough_words(text)
    return len(words & _rough_words(other)) / len(words) if words else 1.0


def says_nothing_new(
    text: str, other: str, recognisers: Collection[Recogniser], *, dropped: Collection[str] = ()
) -> bool:
    """Whether all that `text` says stands in `other`, in whatever order its paragraphs are.

    `recognisers`: what may have misread either of them. `dropped`: words at the edges of `text` that are no part of
    it, such as the number of a page.
    """
    there = _quote_text(other)
    words = _quote_text(text).words()
    while words and words[-1].form in dropped:
        words = words[:-1]
    while words and words[0].form in dropped:
        words = words[1:]
    known = there.words()
    if _too_many(words, known):
        return False
    covered = _covered(words, there)
    if covered.count(True) < (MIN_RECOGNISED_SHARE if recognisers else MIN_SHARE) * len(words):
        return False
    forms = {word.form: word for word in known}
    alone = [word for word, stands in zip(words, covered, strict=True) if not stands]
    return all(_stands(word, forms, there.stream, recognisers) for word in alone)


def _too_many(words: Sequence[QuoteWord], known: Sequence[QuoteWord]) -> bool:
    """Whether a number or negation stands there more often than in the other text.

    A number that OCR may have read as letters is left to `_stands`.
    """
    mine, others = (
        Counter(form for word in some for form in (*word.numbers, *["not"] * word.negates)) for some in (words, known)
    )
    return any(count > others[form] and others[form] for form, count in mine.items())


def _covered(words: Sequence[QuoteWord], there: QuoteText) -> list[bool]:
    """Of each word whether it stands in a text together with neighbours."""
    covered = [False] * len(words)
    length = min(SHINGLE_WORDS, len(words))
    for at in range(len(words) - length + 1):
        if _stream(words[at : at + length]) in there.stream:
            covered[at : at + length] = [True] * length
    return covered


def _stands(word: QuoteWord, forms: dict[str, QuoteWord], stream: str, recognisers: Collection[Recogniser]) -> bool:
    """Whether a word stands in a text without its neighbours, or was misread there."""
    if word.form in forms:
        return True
    if not word.numbers and len(word.form) > SHINGLE_WORDS and word.form in stream:  # its blanks were lost
        return True
    return bool(recognisers) and any(may_be_slip([word], [other], recognisers) for other in forms.values())


def _stream(words: Sequence[QuoteWord]) -> str:
    """As `QuoteText.stream` has them."""
    return "".join(word.stream for word in words)


@lru_cache(maxsize=256)
def _quote_text(text: str) -> QuoteText:
    return QuoteText(text)


@lru_cache(maxsize=512)
def _rough_words(text: str) -> frozenset[str]:
    return frozenset(filter(None, (word.strip(_ENDINGS) for word in text.casefold().split())))
