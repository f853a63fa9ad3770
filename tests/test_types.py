from itertools import pairwise

import pytest

from mcp_mmretrieval.types import Place, Segment

FRAGMENTS = ["page=7", "t=73.0,88.0", "char=120,480", ""]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_place_is_written_and_read_back_the_same(fragment: str) -> None:
    place = Place.parse(fragment)
    assert place is not None
    assert place.fragment == fragment


def test_seconds_may_be_written_without_decimals() -> None:
    assert Place.parse("t=73,88") == Place(start=73.0, end=88.0)


@pytest.mark.parametrize("fragment", ["page=", "page=x", "t=5", "t=-1,2", "char=1", "line=3", "page=7&t=1,2"])
def test_what_is_no_place_is_refused(fragment: str) -> None:
    assert Place.parse(fragment) is None


def test_an_id_is_twelve_digits_and_the_place() -> None:
    segment = Segment(document="3f9a0c12d4e5" + "0" * 52, modality="page", place=Place(page=7))
    assert segment.id == "3f9a0c12d4e5#page=7"


def test_the_id_of_a_whole_document_has_no_fragment() -> None:
    assert Segment(document="a" * 64, modality="image", place=Place()).id == "a" * 12


def test_windows_that_only_touch_do_not_overlap() -> None:
    windows = [Place(start=at, end=at + 10.0) for at in (0.0, 10.0, 20.0)]
    assert not any(one.overlaps(other) for one, other in pairwise(windows))
    assert Place(start=5.0, end=12.0).overlaps(windows[1])


def test_other_pages_never_overlap_and_the_whole_overlaps_everything() -> None:
    assert not Place(page=1).overlaps(Place(page=2))
    assert Place().overlaps(Place(page=2))
    assert not Place(page=1).overlaps(Place(start=0.0, end=1.0))
