"""A quotation with omissions in a text."""

import pytest

from mcp_mmretrieval.store.quote_pieces import MAX_OMITTED_CHARACTERS, exact_pieces, nearest_pieces, quote_pieces
from mcp_mmretrieval.store.quote_words import QuoteText

TEXT = (
    "In May the old pump, made of brass, failed twice. It was not replaced before the winter, as Miller had proposed."
)


def exact(quote: str, text: str = TEXT) -> str:
    match = exact_pieces(QuoteText(text), quote_pieces(quote))
    return match.found if match else ""


@pytest.mark.parametrize(
    "mark", ["\u2026", " \u2026 ", "...", " . . . ", " [...] ", " (\u2026) ", "[ ... ]", ", .... "]
)
def test_each_way_of_writing_an_omission_is_one(mark: str) -> None:
    assert exact(f"the old pump{mark}failed twice") == "the old pump, made of brass, failed twice"


def test_dots_at_the_ends_and_of_a_list_of_contents_leave_nothing_out() -> None:
    assert exact("... made of brass ...") == "made of brass"
    assert quote_pieces("...") == quote_pieces("") == []
    assert len(quote_pieces("Pumps ........ 12")) == 1


@pytest.mark.parametrize(
    "quote",
    [
        "failed twice ... the old pump",
        "the old pump ... failed ... made of brass",
        "It was ... replaced before the winter",
        "the old pump ... exploded",
        "the old pump ... pump",
    ],
)
def test_another_order_a_lost_denial_and_a_piece_that_is_not_there_are_no_match(quote: str) -> None:
    assert exact(quote) == ""
    match = nearest_pieces(QuoteText(TEXT), quote_pieces(quote), {"ocr"})
    assert match is None or not match.near


def test_a_denial_in_a_whole_sentence_that_was_left_out_is_none_of_what_is_quoted() -> None:
    assert exact("The pump ran ... It was cleaned", "The pump ran. Nobody saw it. It was cleaned.")
    assert not exact("The pump ran ... was cleaned", "The pump ran. It never was cleaned.")


def test_pieces_stand_near_each_other_from_whichever_place_of_the_first() -> None:
    between = "word " * (MAX_OMITTED_CHARACTERS // 4)
    assert exact("the pump ... failed", f"The pump. {between} failed.") == ""
    assert exact("the pump ... failed", f"The pump. {between} The pump then failed.") == "The pump then failed"


def test_pieces_that_were_misread_are_near_and_what_differs_is_told() -> None:
    read = QuoteText(TEXT.replace("brass", "bra5s").replace("twice", "twlce"))
    match = nearest_pieces(
        read, quote_pieces("old pump, made of brass \u2026 failed twice. It was not replaced"), {"ocr"}
    )
    assert match is not None and match.near
    assert [(one.quoted, one.found) for one in match.differences] == [("brass", "bra5s"), ("twice", "twlce")]
    absent = nearest_pieces(read, quote_pieces("the old pump \u2026 exploded in flames"), {"ocr"})
    assert absent is not None and not absent.near
    assert [(one.quoted, one.found) for one in absent.differences] == [("exploded in flames", "")]
