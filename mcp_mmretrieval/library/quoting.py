"""Whether a quotation stands where a citation says: there, elsewhere in the document, or nowhere in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mcp_mmretrieval.answers import QuoteCheck, QuoteDifference, QuoteVerdict
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.library.looking import shown_segment
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.store.normal_form import plain
from mcp_mmretrieval.store.quote_match import QuoteMatch
from mcp_mmretrieval.store.quote_pieces import MAX_OMITTED_CHARACTERS, exact_pieces, nearest_pieces, quote_pieces
from mcp_mmretrieval.store.quote_words import QuoteText
from mcp_mmretrieval.targets import ConnectionView, Target
from mcp_mmretrieval.types import Recogniser, Segment

MAX_QUOTE_CHARACTERS = 2_000
"""Of a quotation: some paragraphs."""
MAX_PIECES = 8
"""Of a quotation with omissions."""
MIN_KEY_LETTERS = 4
"""Letters of the words by which places are sifted before any is compared."""
MIN_KEY_SHARE = 0.5
"""Of these words that a place has, at least, where the quotation may stand nearly."""
MAX_COMPARED = 6
"""Places that are compared word by word at most: the likeliest."""


class QuoteChecker:
    """Checks quotations for one connection: its roots bound what can be looked at."""

    def __init__(self, catalog: Catalog, view: ConnectionView) -> None:
        self._catalog = catalog
        self._targets = view.targets

    def check(self, target: str, quote: str) -> QuoteCheck:
        """See `Library.check_quote`."""
        if len(quote) > MAX_QUOTE_CHARACTERS:
            raise BadArgument(f"quote has {len(quote):,} characters, {MAX_QUOTE_CHARACTERS:,} at most. Quote less.")
        asked = quote_pieces(quote)
        if not asked:
            raise BadArgument("quote has no word and no number. Pass the words that are quoted, as they were.")
        if len(asked) > MAX_PIECES:
            raise BadArgument(f"quote has {len(asked)} pieces, {MAX_PIECES} at most. Check some of them by themselves.")
        found = self._targets.find(target)
        segment = shown_segment(found).segment
        cited = self._cited(found, replace(segment, place=found.place))
        here = {stored.key for stored in found.segments}
        room = 2 * len(quote) + 200 + MAX_OMITTED_CHARACTERS * (len(asked) - 1)
        stretches = [*_sifted(_stretches(self._catalog.segments_of(found.document.id), room), asked)]
        there = [one for one in stretches if not here.isdisjoint(one.keys)]
        judged = _judged(there, stretches, asked, here)
        if judged is None:
            return QuoteCheck(verdict="nowhere", target=cited)
        verdict, stretch, match = judged
        return QuoteCheck(
            verdict=verdict,
            target=cited,
            citation=self._cited(found, stretch.stored.segment),
            found=match.found,
            distance=match.edits,
            differences=tuple(QuoteDifference(quoted=one.quoted, found=one.found) for one in match.differences),
            recognised_by=stretch.recognised_by,
        )

    def _cited(self, found: Target, segment: Segment) -> str:
        file = self._targets.visible_file(self._catalog.files_of_one(found.document.id))
        return self._targets.citation(file, segment)


@dataclass
class _Stretch:
    """A segment, and as much of what follows it in its part as a quotation that begins in it may need."""

    stored: StoredSegment
    text: str
    ends: tuple[tuple[int, int], ...]
    """The key of each segment in it, and where in `text` that ends."""
    share: float = 1.0
    """Of the quotation's longer words that stand in it."""

    @property
    def keys(self) -> set[int]:
        return {key for key, _ in self.ends}

    @property
    def recognised_by(self) -> tuple[Recogniser, ...]:
        return tuple(sorted(self.stored.segment.traits.recognisers))

    @cached_property
    def words(self) -> QuoteText:
        return QuoteText(self.text)

    def touched(self, match: QuoteMatch) -> set[int]:
        """The keys of the segments in which a match stands; none where it does not begin in the first."""
        if match.start >= self.ends[0][1]:
            return set()
        begins = [0, *(end for _, end in self.ends)]
        return {
            key for (key, end), begin in zip(self.ends, begins, strict=False) if match.start < end and match.end > begin
        }


_Judged = tuple[QuoteVerdict, _Stretch, QuoteMatch]


def _judged(
    there: Sequence[_Stretch], everywhere: Sequence[_Stretch], asked: Sequence[QuoteText], here: Collection[int]
) -> _Judged | None:
    """The verdict, and where it is best seen; None where not even similar words stand in the document."""
    for stretch in there:
        match = exact_pieces(stretch.words, asked)
        if match and not stretch.touched(match).isdisjoint(here):
            return "exact", stretch, match
    near_here = list(_nearest(there, asked))
    best = _best((stretch, match) for stretch, match in near_here if not stretch.touched(match).isdisjoint(here))
    if best and best[1].near:
        return "near", *best
    for stretch in everywhere:
        match = exact_pieces(stretch.words, asked)
        if match and stretch.touched(match):
            return "elsewhere", stretch, match
    other = _best((stretch, match) for stretch, match in _nearest(everywhere, asked) if stretch.touched(match))
    if other and other[1].near:
        return "elsewhere", *other
    nearest = best or other
    return ("nowhere", *nearest) if nearest else None


def _best(found: Iterable[tuple[_Stretch, QuoteMatch]]) -> tuple[_Stretch, QuoteMatch] | None:
    """The nearest stretch: one that is near, then that with the fewest letters that differ."""
    return min(found, key=lambda one: (not one[1].near, one[1].edits), default=None)


def _nearest(stretches: Sequence[_Stretch], asked: Sequence[QuoteText]) -> Iterator[tuple[_Stretch, QuoteMatch]]:
    likeliest = sorted(stretches, key=lambda one: one.share, reverse=True)[:MAX_COMPARED]
    for stretch in likeliest:
        if match := nearest_pieces(stretch.words, asked, stretch.recognised_by):
            yield stretch, match


def _stretches(whole: Sequence[StoredSegment], room: int) -> Iterator[_Stretch]:
    for at, stored in enumerate(whole):
        text = stored.segment.text
        ends = [(stored.key, len(text))]
        limit = len(text) + room
        for then in whole[at + 1 :]:
            if len(text) >= limit or then.segment.place.part != stored.segment.place.part:
                break
            text += "\n" + then.segment.text
            ends.append((then.key, len(text)))
        if len(text) > limit:
            text = text[:limit].rpartition(" ")[0] or text[:limit]
        yield _Stretch(stored, text, tuple(ends))


def _sifted(stretches: Iterable[_Stretch], asked: Sequence[QuoteText]) -> Iterator[_Stretch]:
    """Those where enough of the quotation's longer words stand; all where it has none."""
    forms = {atom.form for piece in asked for atom in piece.atoms if not atom.number}
    keys = [form for form in forms if len(form) >= MIN_KEY_LETTERS]
    for stretch in stretches:
        if keys:
            text = plain(stretch.text).casefold()
            stretch.share = sum(key in text for key in keys) / len(keys)
        if stretch.share >= MIN_KEY_SHARE:
            yield stretch
