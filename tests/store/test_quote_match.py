"""How near a quotation is to a text."""

import pytest

from mcp_mmretrieval.store.quote_match import exact_match, nearest_match
from mcp_mmretrieval.store.quote_words import QuoteText
from mcp_mmretrieval.types import Recogniser

TRUE = "In 2019 the modern burner of Miller heated their chamber to 118 degrees without any further repair"


def near(text: str, quote: str = TRUE, by: frozenset[Recogniser] = frozenset({"ocr"})) -> bool:
    match = nearest_match(QuoteText(text), QuoteText(quote), by)
    return match is not None and match.near


@pytest.mark.parametrize(
    "noise",
    [
        ("modern", "modem"),
        ("2019", "20l9"),
        ("Miller", "Mi11er"),
        ("chamber", "charnber"),
        ("burner of", "burnerof"),
        ("degrees", "de grees"),
        ("further", "furtber"),
        ("without any", "without any |"),
        ("repair", "repairand"),
    ],
)
def test_what_ocr_cannot_tell_apart_is_near(noise: tuple[str, str]) -> None:
    assert near(f"Chapter 4. {TRUE.replace(*noise)} was made. The end.")


@pytest.mark.parametrize(
    "change",
    [
        ("2019", "2018"),
        ("118", "181"),
        ("118", "1 18"),
        ("Miller", "Muller"),
        ("without any", "with any"),
        ("118 degrees", "118 million degrees"),
        ("118 degrees", "degrees"),
        ("burner", "boiler"),
    ],
)
@pytest.mark.parametrize("by", [frozenset(), frozenset({"ocr"}), frozenset({"speech"})])
def test_another_number_name_word_or_meaning_is_never_near(change: tuple[str, str], by: frozenset[Recogniser]) -> None:
    text = QuoteText(f"Chapter 4. {TRUE.replace(*change)} was made.")
    assert exact_match(text, QuoteText(TRUE)) is None
    match = nearest_match(text, QuoteText(TRUE), by)
    assert match is not None and not match.near


def test_a_denial_that_is_lost_is_not_near() -> None:
    assert not near("they can find the key in the drawer below", "they can't find the key in the drawer below")
    assert not near("it is safe to open the outer valve by hand", "it is not safe to open the outer valve by hand")


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("the drug was effective in most adults", "the drug was ineffective in most adults"),
        ("such a loss is possible in every winter", "such a loss is impossible in every winter"),
        ("they were reported by the border police", "they were deported by the border police"),
        ("some were newer than all of the others", "some were fewer than all of the others"),
        ("hypertension was seen in the second group", "hypotension was seen in the second group"),
        ("the firm accepted the offer that was made to it", "the firm hardly accepted the offer that was made to it"),
        ("only adults may take two of the tablets each day", "adults may take two of the tablets each day"),
    ],
)
@pytest.mark.parametrize("by", [frozenset(), frozenset({"ocr"}), frozenset({"speech"})])
def test_a_word_that_turns_the_meaning_is_not_near(quote: str, text: str, by: frozenset[Recogniser]) -> None:
    assert not near(f"It is said: {text}, and more.", quote, by)


def test_speech_is_near_where_it_sounds_alike_and_ocr_is_not() -> None:
    heard = TRUE.replace("their", "there").replace("further", "ferther")
    assert near(heard, by=frozenset({"speech"}))
    assert not near(TRUE.replace("Miller", "Muller"), by=frozenset({"speech"}))
    assert not near(TRUE.replace("heated", "hided"), by=frozenset({"ocr"}))


def test_where_every_word_stands_in_the_file_one_slip_in_a_longer_word_is_near_and_a_lost_word_is_not() -> None:
    assert near(TRUE.replace("chamber", "chambre"[:6]), by=frozenset())
    assert not near(TRUE.replace(" further", ""), by=frozenset())


def test_what_differs_is_told_with_the_letters_that_do() -> None:
    text = QuoteText(f"Chapter 4. {TRUE.replace('118', '181').replace('modern', 'modem')} was made.")
    match = nearest_match(text, QuoteText(TRUE), frozenset({"ocr"}))
    assert match is not None
    assert [(one.quoted, one.found, one.edits, one.allowed) for one in match.differences] == [
        ("modern", "modem", 2, True),
        ("118", "181", 2, False),
    ]
    assert (match.edits, match.found.split()[0], match.found.split()[-1]) == (4, "In", "repair")


def test_among_stretches_alike_the_one_with_the_right_numbers_is_taken() -> None:
    rows = " ".join(f"The pump number {at} was repaired by the furnace works in {1900 + at}." for at in range(40))
    text = QuoteText(rows.replace("repaired", "repaircd"))
    match = nearest_match(text, QuoteText("The pump number 17 was repaired by the furnace works in 1917"), {"ocr"})
    assert match is not None and match.near
    assert "number 17 " in match.found


def test_a_text_about_something_else_has_nothing_near() -> None:
    assert nearest_match(QuoteText("Recipes for bread and for soup with leeks."), QuoteText(TRUE), {"ocr"}) is None
