"""Bookmarks over pages, and the numbers that viewers show."""

from mcp_mmretrieval.media.pdf.outline import page_headings, page_label
from tests.support.media_files import pdf
from tests.support.pdf_pages import opened

SIX = ["A page with some words."] * 6


def test_bookmarks_stand_as_headings_over_their_pages() -> None:
    marks = [(0, "Part I", 1), (1, "Item 1", 2), (2, "Details", 2), (1, "Item 2", 4), (0, "Part II", 5)]
    assert page_headings(opened(pdf(SIX, bookmarks=marks)), 6) == [
        "Part I",
        "Part I > Item 1",
        "Part I > Item 1 > Details",
        "Part I > Item 2",
        "Part II",
        "Part II",
    ]


def test_labels_are_those_that_viewers_show_where_they_say_more_than_the_count() -> None:
    labels = b"/PageLabels << /Nums [0 << /S /r >> 2 << /S /D >> 5 << /P (A-) /S /D /St 7 >>] >>"
    document = opened(pdf(SIX).replace(b"/Type /Catalog", b"/Type /Catalog " + labels))
    assert [page_label(document, number) for number in range(1, 7)] == ["i", "ii", "1", "2", "3", "A-7"]


def test_a_label_that_is_the_count_and_none_at_all_are_empty() -> None:
    counted = pdf(SIX).replace(b"/Type /Catalog", b"/Type /Catalog /PageLabels << /Nums [0 << /S /D >>] >>")
    assert {page_label(opened(data), number) for data in (counted, pdf(SIX)) for number in range(1, 7)} == {""}
