"""A quotation with omissions (`the pump … failed`): its pieces stand in a text in their order, near each other. Pure.

What was left out may be no denial: `the pump never failed` is not `the pump … failed`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from mcp_mmretrieval.store.quote_match import QuoteMatch, WordDifference, exact_match, nearest_match
from mcp_mmretrieval.store.quote_words import QuoteText
from mcp_mmretrieval.types import Recogniser

MAX_OMITTED_CHARACTERS = 600
"""Of the text, for each omission: some sentences."""
_OMISSION = re.compile(r"[\[(]\s*(?:\u2026|\.\s?\.\s?\.)\s*[\])]|\u2026|(?<!\.)\.\s?\.\s?\.(?:\s?\.)?(?!\.)")
"""Three dots or four: more lead to a number in a list of contents."""
_SENTENCE_END = re.compile(r"[.!?]\s")


def quote_pieces(quote: str) -> list[QuoteText]:
    """What stands between the omissions of a quotation, in order; what has no word and no number is left out."""
    return [piece for part in _OMISSION.split(quote) if (piece := QuoteText(part)).atoms]


def exact_pieces(text: QuoteText, pieces: Sequence[QuoteText]) -> QuoteMatch | None:
    """The first stretch of the text in which every piece stands exactly (`exact_match`), in order."""
    first, *others = pieces
    if not others:
        return exact_match(text, first)
    for start, end in text.places(first):
        omitted: list[tuple[int, int]] = []
        for piece in others:
            place = next(text.places(piece, end), None)
            if place is None:
                return None
            omitted.append((end, place[0]))
            end = place[1]
        if not _too_far(omitted) and not any(_denials(text, *gap) for gap in omitted):
            return QuoteMatch(start, end, text.source[start:end])
    return None


def nearest_pieces(
    text: QuoteText, pieces: Sequence[QuoteText], recognisers: Collection[Recogniser]
) -> QuoteMatch | None:
    """The stretch where each piece is nearest (`nearest_match`) behind the one before it; None where none is near."""
    if len(pieces) == 1:
        return nearest_match(text, pieces[0], recognisers)
    found: list[tuple[int, int]] = []
    differences: list[WordDifference] = []
    near, share, behind = True, 0.0, 0
    for piece in pieces:
        match = nearest_match(QuoteText(text.source[behind:]), piece, recognisers)
        if match is None:
            near = False
            differences.append(_difference(quoted=piece.source.strip()))
            continue
        place = behind + match.start, behind + match.end
        differences += [_difference(found=word) for word in _denials(text, behind, place[0]) if found]
        differences += match.differences
        found.append(place)
        near, share, behind = near and match.near, share + match.share, place[1]
    if not found:
        return None
    omitted = [(one[1], other[0]) for one, other in pairwise(found)]
    near = near and all(one.allowed for one in differences) and not _too_far(omitted)
    start, end = found[0][0], found[-1][1]
    return QuoteMatch(start, end, text.source[start:end], tuple(differences), near, share / len(pieces))


def _difference(quoted: str = "", found: str = "") -> WordDifference:
    """Of what one side lacks."""
    return WordDifference(quoted=quoted, found=found, edits=len(quoted or found), allowed=False)


def _denials(text: QuoteText, start: int, end: int) -> list[str]:
    """Words such as "not" that were left out of a sentence of which something is quoted."""
    parts = _SENTENCE_END.split(text.source[start:end])
    touching = [parts[0], parts[-1]] if len(parts) > 1 else parts
    return [word.form for part in touching for word in QuoteText(part).words() if word.negates]


def _too_far(omitted: Sequence[tuple[int, int]]) -> bool:
    return sum(end - start for start, end in omitted) > MAX_OMITTED_CHARACTERS * len(omitted)
