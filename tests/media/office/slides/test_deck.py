"""Slide after slide, whatever the format."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.slides.deck import slides_in_order
from mcp_mmretrieval.media.structure import StructuredText
from mcp_mmretrieval.types import DocumentMetadata


def slide(number: int) -> tuple[bool, Iterator[CompoundStep]]:
    if number == 3:
        raise ValueError("damaged")
    text = StructuredText(f"text {number}")
    return number in (2, 4), iter([TextPart(text=text, part=f"slide={number}", heading=f"Title {number}")])


def steps(count: int, limits: Limits, *, titled: bool = True) -> tuple[list[str], list[str], list[str]]:
    """Headings of parts, notes and titles."""
    found = list(slides_in_order(count, slide, limits, titled=titled))
    said = [step for step in found if isinstance(step, DocumentMetadata)]
    parts = [step.heading for step in found if isinstance(step, TextPart)]
    return parts, [one.note for one in said if one.note], [one.title for one in said if one.title]


def test_a_bad_slide_costs_a_note_and_hidden_ones_are_said() -> None:
    parts, notes, titles = steps(4, Limits())
    assert parts == ["Title 1", "Title 2", "Title 4"]
    assert notes[0].startswith("Slide 3 was not read")
    assert notes[1:] == ["Hidden slides, which were read as well: 2, 4."]
    assert titles == []


@pytest.mark.parametrize(("titled", "titles"), [(True, []), (False, ["Title 1"])])
def test_a_deck_without_a_title_has_that_of_its_first_slide(titled: bool, titles: list[str]) -> None:
    assert steps(2, Limits(), titled=titled)[2] == titles


def test_of_too_many_slides_the_first_are_read() -> None:
    parts, notes, _ = steps(5, replace(Limits(), pages=1))
    assert parts == ["Title 1"]
    assert notes == ["Only the first 1 of 5 slides were read."]
