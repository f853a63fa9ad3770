import math
from itertools import pairwise
from typing import get_args

import pytest

from mcp_mmretrieval.searching import fusion
from mcp_mmretrieval.types import ALL_LANES, MODALITY_TRAITS, VECTOR_KINDS, Lane, Modality, Place, Segment, VectorKind

FRAGMENTS = [
    *("page=7", "t=73.0,88.0", "char=120,480", ""),
    *("page=7&xywh=percent:50,0,50,12.5", "xywh=percent:0,0,100,100", "slide=4&picture=1&xywh=percent:1,2,3,4"),
]


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
        "xywh=percent:0,0,50",
        "xywh=percent:60,0,50,50",
        "xywh=percent:0,90,50,20",
        "page=7&xywh=percent:100,200,300,400",
        "xywh=percent:0,0,0.5,0.5",
        "xywh=percent:0,0,50,0",
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


def test_a_region_is_no_place_of_its_own_and_pixels_are_passed_over() -> None:
    region = (0.0, 50.0, 100.0, 25.0)
    assert Place(page=7, region=region).overlaps(Place(page=7))
    assert not Place(page=7, region=region).overlaps(Place(page=8))
    assert Place(region=region).overlaps(Place(page=8))
    assert Place.parse("page=7&xywh=10,10,50,50") == Place(page=7)


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


PARTS = {
    "slide=4": Place(part="slide=4"),
    "slide=04": Place(part="slide=4"),
    "sheet=Q3&row=12,40": Place(part="sheet=Q3", top=12, bottom=40),
    "sheet=Q3%20plan&row=12": Place(part="sheet=Q3%20plan", top=12, bottom=12),
    "sheet=a%26b&row=2,2&char=0,9": Place(part="sheet=a%26b", top=2, bottom=2, first=0, last=9),
    "part=2.1&page=7": Place(part="part=2.1", page=7),
    "member=a/b.zip&member=c.wav&t=1.0,2.0": Place(part="member=a/b.zip&member=c.wav", start=1.0, end=2.0),
    "Chapter=3": Place(part="chapter=3"),
    "slide=4&picture=2": Place(part="slide=4&picture=2"),
}


@pytest.mark.parametrize("fragment", PARTS)
def test_a_part_of_a_file_is_named_before_the_place_in_it(fragment: str) -> None:
    place = PARTS[fragment]
    assert Place.parse(fragment) == place
    assert Place.parse(place.fragment) == place


@pytest.mark.parametrize("fragment", ["slide=four", "slide=", "row=9,2", "row=0", "sheet=Q3&page=1&t=2"])
def test_a_part_that_cannot_be_is_no_place(fragment: str) -> None:
    assert Place.parse(fragment) is None


def test_places_overlap_within_one_part_and_a_part_holds_what_is_in_it() -> None:
    def overlap(one: str, other: str) -> bool:
        first, second = Place.parse(one), Place.parse(other)
        assert first is not None
        assert second is not None
        assert first.overlaps(second) == second.overlaps(first)
        return first.overlaps(second)

    assert overlap("sheet=Q3&row=12,40", "sheet=Q3&row=40,50")
    assert not overlap("sheet=Q3&row=12,40", "sheet=Q3&row=41,50")
    assert not overlap("sheet=Q3&row=12,40", "sheet=Q4&row=12,40")
    assert not overlap("sheet=Q3&row=2,2&char=0,9", "sheet=Q3&row=2,2&char=9,12")
    assert overlap("sheet=Q3", "sheet=Q3&row=12,40")
    assert overlap("slide=4", "slide=4&picture=2")
    assert not overlap("slide=4", "slide=41&picture=2")
    assert not overlap("slide=4&char=0,9", "slide=4&picture=2")
    assert overlap("", "part=2&page=7")
    assert not overlap("page=7", "part=2&page=7")


def test_a_slide_is_also_a_page_and_a_page_a_slide() -> None:
    assert Place(part="slide=4").overlaps(Place(page=4))
    assert Place(page=4).overlaps(Place(part="slide=4"))
    assert not Place(page=5).overlaps(Place(part="slide=4"))


def test_a_place_within_a_part_is_taken_out_again() -> None:
    place = Place(page=7).within("part=2").within("member=mail.eml")
    assert place.fragment == "member=mail.eml&part=2&page=7"
    assert place.inside("member=mail.eml") == Place(part="part=2", page=7)
    assert place.inside("member=mail.eml&part=2") == Place(page=7)
    assert place.inside("member=mail") is None
