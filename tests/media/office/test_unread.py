"""What is left out of an Office file becomes one note a sort."""

from mcp_mmretrieval.media.office.unread import UnreadParts


def test_each_sort_of_loss_is_one_note_with_a_count_and_some_places() -> None:
    unread = UnreadParts()
    for number in range(8):
        unread.hidden(f"slide {number}")
    unread.hidden("slide 1")
    unread.linked("a.mp4", "slide 2")
    assert [about.note for about in unread.notes()] == [
        "Hidden shapes, which were left out (9): slide 0, slide 1, slide 2, slide 3, slide 4, ....",
        "Files that are only linked, which were not fetched (1): a.mp4 (slide 2).",
    ]


def test_nothing_left_out_is_no_note() -> None:
    assert not list(UnreadParts().notes())
    assert not UnreadParts().metafile("a.png", "slide 1")
