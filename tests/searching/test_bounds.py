"""What a search may come back with: a stretch of time, and all but what is to be left out."""

from pathlib import Path

import pytest

from mcp_mmretrieval.library import Library
from mcp_mmretrieval.searching.bounds import SegmentBounds
from tests.support.files import recording
from tests.support.models import PATIENCE


@pytest.fixture
def recorded(library: Library, folder: Path) -> Library:
    """A recording of two minutes and a note."""
    recording(folder / "call.wav", (440, 120))
    (folder / "valve.md").write_text("the valve leaks oil", encoding="utf-8")
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)
    return library


def test_a_stretch_of_a_recording_limits_a_search_to_it(recorded: Library) -> None:
    within = recorded.filters(document="call.wav#t=50,70")
    hits = recorded.search(like="call.wav", filters=within, limit=50).hits
    assert hits
    places = [hit.segment.place for hit in hits]
    assert all(place.start is not None and place.end is not None for place in places)
    assert all((place.start or 0.0) >= 50.0 and (place.end or 1e9) <= 70.0 for place in places)


def test_a_page_as_document_limits_to_the_whole_document_as_ever(recorded: Library) -> None:
    limited, whole = (recorded.filters(document=name) for name in ("valve.md#char=0,5", "valve.md"))
    assert limited == whole


def test_a_search_within_a_stretch_says_so(recorded: Library) -> None:
    within = recorded.filters(document="call.wav#t=50,70")
    answer = recorded.search("440", filters=within)
    assert "Looked only within #t=50.0,70.0 of the document." in answer.notes


def test_as_many_pass_as_are_wanted_however_many_are_left_out() -> None:
    bounds = SegmentBounds(without=frozenset(range(100)))
    ranked = [(key, 1.0 - key / 1000) for key in range(bounds.depth(10))]
    assert [key for key, _ in bounds.cut(ranked, 10)] == list(range(100, 110))
    assert bounds.found_without({"words": ranked, "text": ranked[:5]}) == 100


def test_without_bounds_a_lane_stays_as_it_is() -> None:
    ranked = [(1, 0.5), (2, 0.25)]
    assert SegmentBounds().cut(ranked, 1) is ranked
