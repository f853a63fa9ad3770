import math
from collections.abc import Sequence

import pytest

from mcp_mmretrieval.searching.fusion import (
    BUILTIN_SCALES,
    PICTURE_WORDS,
    FoundPlace,
    FusedHit,
    blend_late_interaction,
    builtin_scales,
    diversify,
    fuse,
    merge_places,
)
from mcp_mmretrieval.types import Lane, Modality, Place


def weighed(score: float) -> float:
    """The evidence behind a score."""
    return -math.log2(1 - score)


def keys(fused: Sequence[FusedHit]) -> list[int]:
    return [one.key for one in fused]


# -- fusion


def test_nothing_found_is_an_empty_list() -> None:
    assert fuse({}) == []
    assert fuse({"words": [], "text": []}) == []


def test_scores_lie_between_zero_and_one_in_falling_order() -> None:
    fused = fuse({"words": [(1, 5), (2, 0.3)], "text": [(1, 0.99), (3, -0.2)], "picture": [(4, 1.0)]})
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)
    assert all(0 < one.score <= 1 for one in fused)


def test_beyond_certainty_the_order_still_holds() -> None:
    assert keys(fuse({"words": [(1, 4), (2, 3)]})) == [1, 2]


def test_what_two_lanes_find_goes_before_what_one_finds() -> None:
    fused = fuse({"words": [(1, 0.5), (2, 0.5)], "text": [(2, 0.5), (3, 0.5)]})
    assert keys(fused) == [2, 1, 3]


def test_a_hit_tells_the_lanes_that_found_it() -> None:
    fused = fuse({"words": [(1, 0.1), (2, 0.09)], "text": [(2, 0.8)]})
    assert {one.key: one.lanes for one in fused} == {2: ("text", "words"), 1: ("words",)}


def test_the_telling_lane_comes_first() -> None:
    (one,) = fuse({"words": [(1, 0.9)], "text": [(1, 0.2)]})
    assert one.lanes == ("words", "text")


def test_several_windows_of_a_segment_count_once_by_the_best() -> None:
    fused = fuse({"text": [(1, 0.9), (1, 0.5), (2, 0.6)]})
    assert [(one.key, one.lanes) for one in fused] == [(1, ("text",)), (2, ("text",))]
    assert weighed(fused[0].score) == pytest.approx(BUILTIN_SCALES["text"].evidence(0.9))


def test_a_lane_that_knows_nothing_does_not_push_out_one_that_found_the_words() -> None:
    text = [(key, 0.3 - key / 1000) for key in range(100, 200)]
    fused = fuse({"words": [(1, 0.8), (2, 0.7), (3, 0.6)], "text": text})
    assert keys(fused)[:3] == [1, 2, 3]


def test_words_that_match_little_of_the_query_do_not_push_out_a_likeness_in_meaning() -> None:
    fused = fuse({"words": [(1, 0.1)], "text": [(2, 0.7)]})
    assert keys(fused) == [2, 1]


def test_a_lane_that_was_cut_off_gives_its_last_score_to_what_words_found_beyond() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"words": [(1, 0.2), (2, 0.2)], "text": [(1, 0.6), (3, 0.5)]}
    cut, whole = ({one.key: weighed(one.score) for one in fuse(lanes, depth=depth)} for depth in (2, 3))
    words, last = BUILTIN_SCALES["words"].evidence(0.2), BUILTIN_SCALES["text"].evidence(0.5)
    assert cut[2] == pytest.approx(words + last)
    assert whole[2] == pytest.approx(words)


def test_a_picture_that_shows_what_is_asked_goes_before_texts_that_are_about_something_else() -> None:
    fused = fuse({"text": [(1, 0.35), (2, 0.3)], "picture": [(9, 0.4)]})
    assert keys(fused)[0] == 9


def test_a_text_that_answers_goes_before_a_picture_that_may() -> None:
    fused = fuse({"words": [(1, 0.8)], "text": [(1, 0.7)], "picture": [(9, 0.5)]})
    assert keys(fused)[0] == 1


def test_a_picture_that_shows_something_else_is_no_hit() -> None:
    assert fuse({"picture": [(9, 0.04)]}) == []


def test_a_place_counts_by_its_words_and_its_strongest_meaning() -> None:
    (one,) = fuse({"words": [(1, 0.2)], "text": [(1, 0.2)], "picture": [(1, 0.5)]})
    words, picture = BUILTIN_SCALES["words"].evidence(0.2), BUILTIN_SCALES["picture"].evidence(0.5)
    assert weighed(one.score) == one.evidence == pytest.approx(words + picture)


def test_a_picture_counts_less_for_a_long_question_and_for_one_that_no_class_is_near_to() -> None:
    short, long = (builtin_scales(words, 1.0)["picture"].evidence(0.5) for words in (2, 3 * PICTURE_WORDS))
    assert short == BUILTIN_SCALES["picture"].evidence(0.5)
    assert long == pytest.approx(short / 3)
    shares = [builtin_scales(2, classes)["picture"].evidence(0.5) for classes in (0.0, 0.4, 0.8, 1.0)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, short)


def test_a_long_question_has_no_picture_before_the_text_that_answers() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"words": [(1, 0.4)], "text": [(1, 0.4)], "picture": [(9, 0.4)]}
    assert keys(fuse(lanes, scales=builtin_scales(2, 1.0)))[0] == 9
    assert keys(fuse(lanes, scales=builtin_scales(15, 1.0)))[0] == 1


def test_what_the_query_points_at_comes_first_even_where_no_lane_found_it() -> None:
    fused = fuse({"words": [(1, 0.5), (2, 0.4)]}, pointed={2: 1.0, 3: 1.0})
    assert keys(fused) == [2, 3, 1]
    assert fused[1].lanes == ("words",)


def test_of_two_like_pages_the_one_whose_document_names_the_subject_goes_first() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"words": [(1, 0.5), (2, 0.5)], "text": [(1, 0.5), (2, 0.5)]}
    assert keys(fuse(lanes, context={2: 0.8})) == [2, 1]
    assert keys(fuse(lanes)) == [1, 2]


def test_the_words_of_a_document_make_no_hit_of_a_picture_in_it() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"picture": [(1, 0.5)]}
    assert fuse(lanes, context={1: 1.0, 2: 1.0}) == fuse(lanes)


def test_a_lane_without_a_scale_counts_by_rank() -> None:
    fused = fuse({"sound": [(1, 9000.0), (2, 8999.0)]})
    assert keys(fused) == [1, 2]
    assert fused[0].score < 0.5


def test_equal_hits_keep_a_fixed_order() -> None:
    assert keys(fuse({"text": [(7, 0.5), (3, 0.5)]})) == [3, 7]


def test_a_second_look_moves_a_hit_but_does_not_decide_alone() -> None:
    assert blend_late_interaction(0.6, 0.2) < 0.6 < blend_late_interaction(0.6, 0.7)
    assert blend_late_interaction(0.9, 0.5) > blend_late_interaction(0.3, 0.9)


def test_a_second_look_keeps_scores_between_zero_and_one() -> None:
    assert blend_late_interaction(0.0, 0.0) == 0.0
    assert blend_late_interaction(1.0, 1.0) <= 1.0


# -- the list


def hit(key: int, score: float = 0.5, lane: Lane = "text") -> FusedHit:
    return FusedHit(key, score, {lane: {key: score}})


def test_overlapping_windows_of_a_recording_become_one_place() -> None:
    places = {
        1: ("a", Place(start=0.0, end=30.0)),
        2: ("a", Place(start=20.0, end=50.0)),
        3: ("a", Place(start=50.0, end=80.0)),
    }
    merged = merge_places([hit(2, 0.9), hit(1, 0.8, "words"), hit(3, 0.7)], places)
    assert [one.hit.key for one in merged] == [2, 3]
    assert merged[0].lanes == ("text", "words")


def test_passages_that_share_characters_become_one_place() -> None:
    places = {1: ("a", Place(first=0, last=100)), 2: ("a", Place(first=90, last=200))}
    assert len(merge_places([hit(1), hit(2)], places)) == 1


def test_different_pages_stay_different_hits() -> None:
    places = {1: ("a", Place(page=1)), 2: ("a", Place(page=2))}
    assert [one.hit.key for one in merge_places([hit(2), hit(1)], places)] == [2, 1]


def test_the_same_place_of_another_document_is_another_place() -> None:
    places = {1: ("a", Place()), 2: ("b", Place())}
    assert len(merge_places([hit(1), hit(2)], places)) == 2


def test_hits_without_a_place_are_left_out() -> None:
    assert merge_places([hit(1)], {}) == []


def test_a_chain_of_windows_is_not_swallowed_by_its_first() -> None:
    places = {key: ("a", Place(start=20.0 * key, end=20.0 * key + 30)) for key in range(4)}
    assert [one.hit.key for one in merge_places([hit(key) for key in range(4)], places)] == [0, 2]


def listed(*scores: float) -> list[FoundPlace]:
    return [FoundPlace(hit(key, score)) for key, score in enumerate(scores)]


def test_no_kind_of_media_buries_another() -> None:
    found = listed(0.5, 0.5, 0.5, 0.5, 0.4)
    modalities: dict[int, Modality] = {0: "image", 1: "image", 2: "image", 3: "image", 4: "audio"}
    assert [one.hit.key for one in diversify(found, modalities, 3)] == [0, 1, 4]


def test_a_kind_of_media_that_found_nothing_near_takes_no_place() -> None:
    found = listed(0.9, 0.9, 0.9, 0.3)
    modalities: dict[int, Modality] = {0: "image", 1: "image", 2: "image", 3: "audio"}
    assert [one.hit.key for one in diversify(found, modalities, 2)] == [0, 1]


def test_kinds_of_media_by_chance_take_no_place() -> None:
    found = listed(0.25, 0.24, 0.2)
    assert [one.hit.key for one in diversify(found, {0: "page", 1: "page", 2: "image"}, 2)] == [0, 1]


def test_the_only_hit_of_a_kind_gives_way_to_no_other_kind() -> None:
    modalities: dict[int, Modality] = {0: "image", 1: "image", 2: "audio", 3: "page"}
    found = listed(0.6, 0.59, 0.58, 0.55)
    assert [one.hit.key for one in diversify(found, modalities, 3)] == [0, 2, 3]
    assert [one.hit.key for one in diversify(found[1:], modalities, 2)] == [1, 2]


def test_the_best_hit_always_stays() -> None:
    found = listed(0.5, 0.4, 0.4)
    assert [one.hit.key for one in diversify(found, {0: "page", 1: "image", 2: "audio"}, 1)] == [0]
    assert diversify([], {}, 5) == []
