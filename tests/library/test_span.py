"""Text that is shown at once, and where one reads on."""

from collections.abc import Sequence

import pytest

from mcp_mmretrieval.library.span import (
    MAX_SPAN_CHARACTERS,
    Span,
    part_beside,
    parts_within,
    place_after,
    place_before,
    text_span,
)
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, cut_passages
from mcp_mmretrieval.store import StoredSegment
from mcp_mmretrieval.types import Modality, Place, Segment

NOTE = "\n\n".join(
    f"Paragraph {number} says something, and then some more of it. " * 5 for number in range(100)
).strip()


def stored(*segments: tuple[str, str] | tuple[str, str, Modality]) -> list[StoredSegment]:
    """Segments of one document by their fragments and texts."""
    made = []
    for ordinal, (fragment, text, *modality) in enumerate(segments):
        place = Place.parse(fragment)
        assert place is not None
        segment = Segment(document="ab" * 32, modality=modality[0] if modality else "text", place=place, text=text)
        made.append(StoredSegment(key=ordinal + 1, ordinal=ordinal, segment=segment))
    return made


def passages(text: str) -> list[StoredSegment]:
    cut = cut_passages(text, [], ENDS_IN_PROSE)
    return stored(*((f"char={one.first},{one.last}", text[one.first : one.last]) for one in cut))


def opened(held: Sequence[StoredSegment], fragment: str, most: int = MAX_SPAN_CHARACTERS) -> tuple[Span, str, str]:
    """The span at a place, and the fragments before and behind it."""
    place = Place.parse(fragment)
    assert place is not None
    span = text_span([one for one in held if one.segment.place.overlaps(place)], place, most)
    assert span is not None
    beside = {one.ordinal: one.segment for one in held}
    before = place_before(span, beside.get(span.first.ordinal - 1), most)
    after = place_after(span, beside.get(span.last.ordinal + 1), most)
    return span, before.fragment if before else "", after.fragment if after else ""


def words(text: str) -> list[str]:
    return text.split()


def test_a_long_note_is_read_in_two_calls_and_no_word_is_lost_or_read_twice() -> None:
    assert len(NOTE) > 25_000
    held = passages(NOTE)
    first, before, after = opened(held, "")
    assert (before, first.unfinished) == ("", True)
    assert 18_000 < len(first.segment.text) <= MAX_SPAN_CHARACTERS
    second, before, end = opened(held, after)
    assert (end, second.unfinished) == ("", False)
    assert words(first.segment.text) + words(second.segment.text) == words(NOTE)
    place = second.segment.place
    assert first.segment.place.last is not None and place.first is not None
    assert before == f"char={max(0, place.first - MAX_SPAN_CHARACTERS + 2_400)},{place.first}"
    assert after == f"char={first.segment.place.last},{first.segment.place.last + MAX_SPAN_CHARACTERS}"


@pytest.mark.parametrize(("first", "last"), [(0, 100), (3, 40), (100, 5_000), (2_345, 2_350), (20_000, 90_000)])
def test_a_range_of_any_length_is_shown_in_whole_lines_as_it_stands_in_the_source(first: int, last: int) -> None:
    span, before, after = opened(passages(NOTE), f"char={first},{last}")
    place = span.segment.place
    assert place.first is not None and place.last is not None
    assert words(span.segment.text) == words(NOTE[place.first : place.last])
    shown = range(place.first, place.last + 1)
    assert first in shown and min(last, len(NOTE)) in shown
    line = len(NOTE[: NOTE.index("\n")])
    assert first - place.first <= line and place.last - last <= line
    assert bool(before) == (place.first > 0) and bool(after) == (place.last < len(NOTE))


def test_reading_backward_leads_to_the_beginning() -> None:
    held = passages(NOTE)
    fragment, read = f"char={len(NOTE) - 10},{len(NOTE)}", ""
    while fragment:
        span, fragment, _ = opened(held, fragment, 3_000)
        read = f"{span.segment.text} {read}"
    assert "".join(words(read)) == "".join(words(NOTE))


def test_what_of_a_passage_is_not_shown_stands_around_it() -> None:
    held = stored(("char=0,11", "one\ntwo\nsix"), ("char=12,15", "ten"))
    for fragment in ("char=4,7", "char=5,6", "char=4,8", "char=6,7"):
        span, *_ = opened(held, fragment)
        assert (span.before, span.segment.text, span.after) == ("one\n", "two", "\nsix")
        assert span.segment.place == Place(first=4, last=7)
    assert opened(held, "char=5,9")[0].segment.text == "two\nsix"


def test_a_passage_of_a_notation_is_not_cut_and_its_place_says_so() -> None:
    held = stored(("char=10,50", "what is read"), ("char=60,99", "what follows"))
    span, _, after = opened(held, "char=12,20")
    assert (span.segment.text, span.segment.place.fragment) == ("what is read", "char=10,50")
    assert after == "char=50,20050"


def test_passages_are_joined_as_they_stood() -> None:
    held = stored(("char=0,2", "一。"), ("char=2,4", "二。"), ("char=5,8", "abc"), ("char=20,23", "end"))
    span, *_ = opened(held, "")
    assert span.segment.text == "一。二。\nabc\n\nend"


def test_names_of_columns_that_were_put_over_a_passage_are_shown_once() -> None:
    rows = "a,b\n1,2\n", "3,4\n5,6"
    held = stored(("char=0,8", rows[0]), ("char=8,15", f"a,b\n{rows[1]}"))
    assert opened(held, "")[0].segment.text == "a,b\n1,2\n3,4\n5,6"
    alone, *_ = opened(held[1:], "")
    assert alone.segment.text == f"a,b\n{rows[1]}"


SHEET = stored(
    ("sheet=Q3&row=1,3", "Region | Sold\nNorth | 12\nSouth | 9"),
    ("sheet=Q3&row=4,6", "Region | Sold\nEast | 7\nWest | 3\nTop | 1"),
    ("sheet=Q4&row=1,1", "Nothing yet"),
)


def test_the_rows_of_a_sheet_are_joined_under_one_row_of_names() -> None:
    span, before, after = opened(SHEET, "sheet=Q3")
    assert span.segment.text == "Region | Sold\nNorth | 12\nSouth | 9\nEast | 7\nWest | 3\nTop | 1"
    assert span.segment.place.fragment == "sheet=Q3&row=1,6"
    assert (before, after) == ("", "")


def test_some_rows_stand_under_the_names_where_they_have_any() -> None:
    span, before, after = opened(SHEET, "sheet=Q3&row=5,5")
    assert span.segment.text == "Region | Sold\nWest | 3"
    assert span.segment.place.fragment == "sheet=Q3&row=5,5"
    assert (before, after) == ("sheet=Q3&row=1,4", "sheet=Q3&row=6,459")
    assert (span.before, span.after) == ("East | 7", "Top | 1")


def test_a_sheet_that_is_long_goes_on_behind_its_last_row() -> None:
    span, _, after = opened(SHEET, "sheet=Q3", 50)
    assert (span.segment.place.fragment, span.unfinished) == ("sheet=Q3&row=1,3", True)
    assert after == "sheet=Q3&row=4,6"
    assert opened(SHEET, after, 50)[0].segment.text.startswith("Region | Sold\nEast")


def test_empty_rows_between_passages_are_passed_over() -> None:
    held = stored(("sheet=Q3&row=1,2", "a | b\n1 | 2"), ("sheet=Q3&row=40,41", "a | b\n3 | 4\n5 | 6"))
    assert opened(held, "sheet=Q3&row=1,2", 9)[2] == "sheet=Q3&row=40,41"
    assert opened(held, "sheet=Q3&row=40,41", 9)[1] == "sheet=Q3&row=1,2"


def test_rows_with_empty_ones_between_them_are_shown_whole() -> None:
    held = stored(("sheet=Q3&row=1,9", "Region | Sold\nNorth | 12"))
    assert opened(held, "sheet=Q3&row=5,6")[0].segment.place.fragment == "sheet=Q3&row=1,9"


DECK = stored(
    ("slide=1&char=0,5", "Title"),
    ("slide=2&char=0,4", "Text"),
    ("slide=2&char=5,9", "Note"),
    ("slide=2&picture=1", "", "image"),
    ("slide=2&picture=2", "", "image"),
    ("slide=3&picture=1", "", "image"),
)


def test_a_slide_is_its_text_and_its_pictures_are_named() -> None:
    span, *_ = opened(DECK, "slide=2")
    assert (span.segment.text, span.segment.place.fragment) == ("Text\nNote", "slide=2&char=0,9")
    assert [place.fragment for place in parts_within(DECK, "slide=2")] == ["slide=2&picture=1", "slide=2&picture=2"]
    assert opened(DECK, "page=2")[0].segment.text == "Text\nNote"
    assert opened(DECK, "")[0].segment.text == "Title"


def test_what_is_no_text_has_no_span() -> None:
    assert text_span(DECK[3:4], Place(part="slide=2&picture=1")) is None
    assert text_span(DECK[5:], Place(part="slide=3")) is None
    assert text_span([], Place()) is None


def test_a_text_with_pictures_is_its_text_wherever_they_stand() -> None:
    held = stored(("picture=1", "", "image"), ("char=0,5", "Words"))
    assert opened(held, "")[0].segment.text == "Words"
    assert [place.fragment for place in parts_within(held, "")] == ["picture=1"]


@pytest.mark.parametrize(
    ("place", "neighbour", "beside"),
    [
        ("page=3", "page=4", "page=4"),
        ("member=a.pdf&page=3", "member=a.pdf&page=4", "member=a.pdf&page=4"),
        ("member=a.pdf&page=9", "member=b.zip&member=c.txt&char=0,3", "member=b.zip"),
        ("slide=2", "slide=3&picture=1", "slide=3"),
        ("slide=2&picture=1", "slide=2&picture=2", "slide=2&picture=2"),
        ("slide=2&picture=1", "slide=3&char=0,4", "slide=3"),
        ("slide=2&picture=1", "slide=2&char=0,4", "slide=2"),
        ("char=0,9", "picture=1", ""),
        ("t=0.0,30.0", "t=30.0,60.0", ""),
        ("page=3&xywh=percent:0,0,50,50", "page=4", "page=4"),
    ],
)
def test_beside_a_place_lies_the_next_page_or_part(place: str, neighbour: str, beside: str) -> None:
    own, other = Place.parse(place), Place.parse(neighbour)
    assert own is not None and other is not None
    found = part_beside(own, other)
    assert (found.fragment if found else "") == beside
