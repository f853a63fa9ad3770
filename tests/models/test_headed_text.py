"""Windows of text under the headings that they stand under."""

import pytest

from mcp_mmretrieval.models.headed_text import MAX_HEADING_CHARACTERS, space_identity, under_headings
from mcp_mmretrieval.types import Modality, Place, Segment
from tests.support.models import ColourEmbedder


def under(window: str, heading: str, modality: Modality = "text") -> str:
    place = Place(page=1) if modality == "page" else Place()
    return under_headings(window, Segment(document="ab" * 32, modality=modality, place=place, heading=heading))


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("", ""),
        (" > ", ""),
        ("Pumps", "Pumps\n"),
        ("Manual > Pumps > Care", "Pumps > Care\n"),
        ("Manual >  > Care", "Manual > Care\n"),
    ],
)
def test_the_two_nearest_headings_stand_before_a_window(heading: str, said: str) -> None:
    assert under("Grease it each week.", heading) == f"{said}Grease it each week."


@pytest.mark.parametrize("window", ["Care\n\nGrease it.", "## Care\n\nGrease it.", "CARE: grease it."])
def test_a_window_that_begins_with_its_heading_stays_as_it_is(window: str) -> None:
    assert under(window, "Pumps > Care") == window


def test_of_long_headings_the_end_counts_from_a_word_on() -> None:
    headings, _, window = under("Grease it.", "Pumps > " + "very " * 40 + "careful care").partition("\n")
    assert window == "Grease it."
    assert len(headings) <= MAX_HEADING_CHARACTERS
    assert headings.startswith("very ") and headings.endswith("careful care")
    assert len(under("Grease it.", "x" * 400)) <= MAX_HEADING_CHARACTERS + len("\nGrease it.")


def test_a_page_is_no_passage() -> None:
    assert under("Grease it.", "Care", "page") == "Grease it."


def test_the_rule_is_part_of_what_vectors_depend_on() -> None:
    embedder = ColourEmbedder()
    named = space_identity(embedder)
    assert {name: named[name] for name in embedder.identity} == embedder.identity
    assert len(named) > len(embedder.identity)
