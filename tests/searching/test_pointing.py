"""Where in a document the places are that are pointed at."""

import time
from collections.abc import Iterable
from itertools import zip_longest

from mcp_mmretrieval.searching.pointers import parse_pointers
from mcp_mmretrieval.searching.pointing import pointed_places
from mcp_mmretrieval.store import StoredSegment
from mcp_mmretrieval.types import Place, Segment, part_name


def numbered(segments: Iterable[Segment]) -> list[StoredSegment]:
    """Segments with keys from 1."""
    return [StoredSegment(key=key, ordinal=key - 1, segment=segment) for key, segment in enumerate(segments, 1)]


def pages(*texts: str, labels: tuple[str, ...] = ()) -> list[StoredSegment]:
    """Pages with keys from 1."""
    return numbered(
        Segment(document="d", modality="page", place=Place(page=number), text=text, label=label)
        for number, (text, label) in enumerate(zip_longest(texts, labels, fillvalue=""), 1)
    )


def best(question: str, segments: list[StoredSegment]) -> list[int]:
    """The keys with the highest evidence."""
    evidence = pointed_places(parse_pointers(question), segments)
    return [key for key, value in evidence.items() if value == max(evidence.values())]


def test_a_number_means_the_page_in_the_file_and_the_one_that_is_printed() -> None:
    held = pages("", "", "", "", labels=("i", "ii", "1", "2"))
    assert best("page 2", held) == [2, 4]
    assert best("page ii", held) == [2]
    assert best("page 9", held) == []


def test_pages_are_counted_from_either_end() -> None:
    held = pages("a", "b", "c")
    assert best("the cover page", held) == [1]
    assert best("the last page", held) == [3]
    assert best("the second to last slide", held) == [2]


def test_a_line_that_begins_with_the_caption_goes_before_a_mention() -> None:
    held = pages("As Figure 3 shows, it rose.", "Rain\nFigure 3: Rain by month", "Figure 30: Snow\nFigure 3.1: Hail")
    assert best("What does Figure 3 show?", held) == [2]
    assert pointed_places(parse_pointers("Figure 3"), held).keys() == {1, 2}


def test_a_caption_is_found_under_another_name_and_number_of_its_kind() -> None:
    held = pages("Fig. 2. Rain", "CHAPTER III\nSnow", "Annex B\nHail")
    assert best("figure 2", held) == [1]
    assert best("chapter 3", held) == [2]
    assert best("Appendix B", held) == [3]


def test_a_section_is_found_by_its_number_alone() -> None:
    held = pages("Contents\n4.1 Rain ........ 2", "4.1 Rain\nIt rained.", "4.1.2 Drizzle")
    assert best("Section 4.1", held) == [2]


def test_a_heading_is_found_where_it_stands_alone_in_a_line() -> None:
    held = pages("see Parts and Features below", "2 PARTS AND FEATURES\nan egg bin")
    assert best('the styles in the "Parts and Features" section', held) == [2]


def test_the_list_of_contents_is_the_page_that_lists() -> None:
    lines = "\n".join(f"Chapter {number} ...... {number}0" for number in range(1, 7))
    held = pages("Cover", f"Contents\n{lines}", "The contents are listed before.")
    assert best("the table of contents", held) == [2]


def test_a_heading_is_looked_for_in_no_time_among_blank_lines() -> None:
    began = time.process_time()
    held = pages("\n" * 10_000 + "... 2. Parts and features\n", "-" * 10_000, "\u00ad\n" * 10_000)
    assert best('the "Parts and features" section', held) == [1]
    assert time.process_time() - began < 1.0


def parts(*places: Place, headings: tuple[str, ...] = ()) -> list[StoredSegment]:
    """Places in the parts of a file, with keys from 1."""
    said = headings or ("",) * len(places)
    return numbered(
        Segment(document="d", modality="text", place=place, text="words", heading=heading)
        for place, heading in zip(places, said, strict=True)
    )


def test_a_slide_is_found_by_its_number_also_within_another_file() -> None:
    held = parts(*(Place(part=part_name("slide", number), first=0, last=5) for number in (1, 2, 2, 3)))
    assert best("what does slide 2 say?", held) == [2, 3]
    assert best("the last slide", held) == [4]
    assert best("the title slide", held) == [1]
    assert best("slide 9", held) == []
    within = parts(*(Place(part=f"member=deck.pptx&slide={number}") for number in (1, 2)))
    assert best("slide 2", within) == [2]


def test_a_sheet_is_found_by_its_name_or_else_by_its_number() -> None:
    names = ("Q1", "Q3", "Petty cash", "2")
    held = parts(*(Place(part=part_name("sheet", name), top=2, bottom=40) for name in names))
    assert best("the sum on sheet Q3", held) == [2]
    assert best('the sum on sheet "Petty Cash"', held) == [3]
    assert best('the "petty cash" worksheet', held) == [3]
    assert best("sheet 2", held) == [4]
    assert best("sheet 3", held) == [3]
    assert best("the balance sheet 2023", held) == []


def test_a_row_is_found_in_the_sheet_that_is_named_or_else_in_any() -> None:
    sheets = [(name, top) for name in ("Q1", "Q3") for top in (2, 41)]
    held = parts(*(Place(part=part_name("sheet", name), top=top, bottom=top + 38) for name, top in sheets))
    assert best("row 12", held) == [1, 3]
    assert best("row 12 of sheet Q3", held) == [3]
    assert best("rows 30 to 50 on sheet Q3", held) == [3, 4]
    assert best("rows 5 and 41 on sheet Q1", held) == [1, 2]
    assert best("row 4000", held) == []


def test_a_chapter_is_found_by_its_number_in_the_file_and_by_its_heading() -> None:
    places = [Place(part=part_name("chapter", number), first=0, last=5) for number in (1, 2, 3, 4)]
    held = parts(*places, headings=("Preface", "Chapter 1: Rain", "Chapter 2: Snow", "Chapter 3: Hail"))
    assert best("what happens in chapter 3?", held) == [3, 4]
    assert best("chapter II", held) == [2, 3]
    assert best("Chapter 9", held) == []
