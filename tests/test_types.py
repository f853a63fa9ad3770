import math
from itertools import pairwise
from typing import get_args

import pytest

from mcp_mmretrieval.searching import fusion
from mcp_mmretrieval.types import ALL_LANES, MODALITY_TRAITS, VECTOR_KINDS, Lane, Modality, Place, Segment, VectorKind

FRAGMENTS = ["page=7", "t=73.0,88.0", "char=120,480", ""]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_place_is_written_and_read_back_the_same(fragment: str) -> None:
    place = Place.parse(fragment)
    assert place is not None
    assert place.fragment == fragment


def test_seconds_may_be_written_without_decimals() -> None:
    assert Place.parse("t=73,88") == Place(start=73.0, end=88.0)


@pytest.mark.parametrize(
    "fragment",
    [
        "page=",
        "page=x",
        "t=",
        "t=,",
        "t=-1,2",
        "t=9,5",
        "char=",
        "char=,",
        "line=3",
        "page=7&t=1,2",
        "page=" + "9" * 19,
        "char=" + "9" * 5_000,
    ],
)
def test_what_is_no_place_is_refused(fragment: str) -> None:
    assert Place.parse(fragment) is None


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("t=110", Place(start=110.0, end=math.inf)),
        ("t=110,", Place(start=110.0, end=math.inf)),
        ("t=,30", Place(start=0.0, end=30.0)),
        ("t=1:50,2:00", Place(start=110.0, end=120.0)),
        ("t=1:01:50.5,1:02:00", Place(start=3710.5, end=3720.0)),
        ("t=npt:10,20", Place(start=10.0, end=20.0)),
        ("t=npt:0:10", Place(start=10.0, end=math.inf)),
        ("t=1m50s", Place(start=110.0, end=math.inf)),
        ("t=90s,2m", Place(start=90.0, end=120.0)),
        ("t=1h2m3s", Place(start=3723.0, end=math.inf)),
        ("page=3&zoom=2", Place(page=3)),
        ("Page=3", Place(page=3)),
        ("char=5", Place(first=5, last=6)),
        ("char=,9", Place(first=0, last=9)),
    ],
)
def test_a_place_may_be_written_as_media_fragments_and_players_do(written: str, place: Place | None) -> None:
    assert Place.parse(written) == place


def test_a_place_to_the_end_overlaps_what_comes_later_and_is_read_back_the_same() -> None:
    for written, later, earlier in (
        ("t=110.0", Place(start=500.0, end=510.0), Place(start=0.0, end=110.0)),
        ("char=100,", Place(first=500, last=510), Place(first=0, last=100)),
    ):
        place = Place.parse(written)
        assert place is not None
        assert place.fragment == written
        assert place.overlaps(later)
        assert not place.overlaps(earlier)


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


# -- modalities, kinds of vectors, lanes -------------------------------------------------------------------------------


def test_each_modality_has_a_row_that_says_what_it_means() -> None:
    assert tuple(MODALITY_TRAITS) == get_args(Modality)
    assert Segment(document="a" * 64, modality="page", place=Place()).traits.noun == "PDF"


def test_what_a_modality_means_agrees_with_what_is_decoded_of_it() -> None:
    for traits in MODALITY_TRAITS.values():
        assert traits.looked_at == (traits.content in ("picture", "film"))
        assert ("ocr" in traits.recognisers) == traits.looked_at
        assert ("speech" in traits.recognisers) == traits.listened_to
        assert traits.reranked_as == (traits.content if traits.looked_at else "text")


def test_modalities_are_told_apart_by_their_nouns_and_colours() -> None:
    rows = MODALITY_TRAITS.values()
    for told in ({row.noun for row in rows}, {row.plural for row in rows}, {row.colour for row in rows}):
        assert len(told) == len(MODALITY_TRAITS)


def test_each_kind_of_vectors_is_a_lane_beside_the_words() -> None:
    assert get_args(VectorKind) == VECTOR_KINDS
    assert ("words", *VECTOR_KINDS) == ALL_LANES


def test_no_lane_is_forgotten_where_lanes_are_fused() -> None:
    unheard: set[Lane] = {"sound"}  # the built-in models do not listen
    assert fusion.BUILTIN_SCALES.keys() == set(ALL_LANES) - unheard
    assert fusion.LIKE_SCALES.keys() == set(ALL_LANES)
    assert sorted(fusion.TELLING_ORDER) == sorted(ALL_LANES)
