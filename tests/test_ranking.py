import math
import sqlite3
from collections.abc import Iterator, Sequence

import pytest

from mcp_mmretrieval import ranking
from mcp_mmretrieval.ranking import (
    Found,
    Fused,
    Scale,
    best_score,
    fuse,
    match_expression,
    merge_places,
    represent,
    second_look,
)
from mcp_mmretrieval.types import Lane, Modality, Place

TEXTS = {
    1: "Deaths from cancer per 100,000 people in 2019",
    2: "Cancer is a constellation; deaths of stars",
    3: "May I have a 12 ounce latte",
    4: "The quarterly report of the nation's debt",
    5: "and of the to",
}


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='porter unicode61')")
    db.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", TEXTS.items())
    yield db
    db.close()


def found(db: sqlite3.Connection, expression: str) -> list[int]:
    sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words)"
    return [row[0] for row in db.execute(sql, (expression,))]


def weighed(score: float) -> float:
    """The evidence behind a score."""
    return -math.log2(1 - score)


def keys(fused: Sequence[Fused]) -> list[int]:
    return [one.key for one in fused]


# -- what a query looks for


@pytest.mark.parametrize(
    "query",
    [
        '"unclosed',
        "a AND (b OR",
        "NEAR(x y, 2",
        "text : {heading} - ^start* +",
        "O'Neill's \"quote\" -- ; DROP TABLE words",
        "50% of $1,000.50 & 3/4 @home #tag 'x",
        "*",
        "½ ² Ⅳ ⅛",
        "e\u0301clair \u0301 cafe\u0301's",
        "日本語と English 12",
        "ไทย ລາວ မြန်မာ ខ្មែរ",
        "\x00\x01 nul",
        "🦆 duck",
        "-1 ~x !y a_b",
    ],
)
def test_no_text_of_a_user_is_read_as_syntax(table: sqlite3.Connection, query: str) -> None:
    match = match_expression(query)
    for expression in (match.words, match.characters, *match.terms, *match.pairs):
        if expression:
            found(table, expression)


@pytest.mark.parametrize("query", ["", "   ", "?!,.", "\n"])
def test_a_query_without_words_looks_for_nothing(query: str) -> None:
    match = match_expression(query)
    assert not match
    assert match.words == match.characters == ""
    assert match.terms == match.pairs == ()


def test_stop_words_are_dropped_while_something_remains(table: sqlite3.Connection) -> None:
    assert match_expression("what is the debt of the nation").terms == ('"debt"', '"nation"')
    assert 5 not in found(table, match_expression("the debt of the nation").words)


def test_stop_words_alone_are_looked_for(table: sqlite3.Connection) -> None:
    assert match_expression("and of the").terms == ('"and"', '"of"', '"the"')
    assert found(table, match_expression("and of the").words)[0] == 5


def test_any_word_is_enough_to_be_found(table: sqlite3.Connection) -> None:
    assert 4 in found(table, match_expression("debt of unicorns").words)


def test_a_possessive_is_its_noun(table: sqlite3.Connection) -> None:
    assert match_expression("the nation\u2019s debt").terms == ('"nation"', '"debt"')
    assert found(table, match_expression("nation\u2019s").words) == [4]


@pytest.mark.parametrize("query", ["twelve ounce", "12 ounce"])
def test_a_number_is_found_in_digits_and_in_words(table: sqlite3.Connection, query: str) -> None:
    assert found(table, match_expression(query).terms[0]) == [3]


def test_a_number_keeps_its_separators_together() -> None:
    assert match_expression("debt of 1,234.5 million").terms == ('"debt"', '"1,234.5"', '"million"')


def test_neighbours_in_the_query_prefer_neighbours_in_the_text(table: sqlite3.Connection) -> None:
    assert found(table, match_expression("deaths from cancer").words)[0] == 1
    assert "NEAR(" in match_expression("deaths from cancer").words


def test_words_beside_a_comma_are_no_neighbours() -> None:
    assert "NEAR(" not in match_expression("latte, sugar").words
    assert 'NEAR("brown" "sugar", 1)' in match_expression("latte, brown sugar").words


def test_scripts_without_spaces_are_looked_for_by_pairs_of_characters() -> None:
    match = match_expression("機械学習 report")
    assert match.pairs == ('"機械"', '"械学"', '"学習"')
    assert match.characters == '"機械" OR "械学" OR "学習"'
    assert match.terms == ('"report"',)


def test_one_character_stands_for_the_pairs_that_it_begins() -> None:
    assert match_expression("猫").characters == '"猫"*'


def test_a_long_query_is_cut_to_what_can_be_afforded() -> None:
    match = match_expression(" ".join(f"word{number}" for number in range(1000)))
    assert len(match.terms) == ranking.MOST
    assert match.words.count(" OR ") < 2 * ranking.MOST


def test_words_that_are_decomposed_are_found_composed(table: sqlite3.Connection) -> None:
    assert match_expression("cafe\u0301").terms == ('"café"',)


# -- the best that full text could give


def test_no_text_gets_more_than_the_best_score(table: sqlite3.Connection) -> None:
    match = match_expression("cancer deaths")
    counts = [len(found(table, term)) for term in match.terms]
    scores = table.execute("SELECT -bm25(words) FROM words WHERE words MATCH ?", (" OR ".join(match.terms),)).fetchall()
    top = max(score for (score,) in scores)
    assert 0 < top <= best_score(counts, len(TEXTS))


def test_a_rare_word_is_a_greater_part_of_the_best_score() -> None:
    assert best_score([1], 1000) > best_score([100], 1000) > best_score([900], 1000) > 0


def test_frequencies_that_outgrew_the_table_do_no_harm() -> None:
    assert best_score([12], 10) > 0
    assert best_score([], 10) == 0


# -- fusion


def test_nothing_found_is_an_empty_list() -> None:
    assert fuse({}) == []
    assert fuse({"words": [], "text": []}, best=5.0) == []


def test_scores_lie_between_zero_and_one_in_falling_order() -> None:
    fused = fuse({"words": [(1, 50.0), (2, 3.0)], "text": [(1, 0.99), (3, -0.2)], "picture": [(4, 1.0)]}, best=10.0)
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)
    assert all(0 < one.score <= 1 for one in fused)


def test_beyond_certainty_the_order_still_holds() -> None:
    assert keys(fuse({"words": [(1, 40.0), (2, 30.0)]}, best=10.0)) == [1, 2]


def test_what_two_lanes_find_goes_before_what_one_finds() -> None:
    fused = fuse({"words": [(1, 5.0), (2, 5.0)], "text": [(2, 0.5), (3, 0.5)]}, best=10.0)
    assert keys(fused) == [2, 1, 3]


def test_a_hit_tells_the_lanes_that_found_it_and_its_ranks_there() -> None:
    fused = fuse({"words": [(1, 1.0), (2, 0.9)], "text": [(2, 0.8)]}, best=10.0)
    assert {one.key: dict(one.lanes) for one in fused} == {2: {"text": 1, "words": 2}, 1: {"words": 1}}


def test_the_telling_lane_comes_first() -> None:
    (one,) = fuse({"words": [(1, 9.0)], "text": [(1, 0.2)]}, best=10.0)
    assert list(one.lanes) == ["words", "text"]


def test_several_windows_of_a_segment_count_once_by_the_best() -> None:
    fused = fuse({"text": [(1, 0.9), (1, 0.5), (2, 0.6)]})
    assert [(one.key, dict(one.lanes)) for one in fused] == [(1, {"text": 1}), (2, {"text": 2})]
    assert weighed(fused[0].score) == pytest.approx(0.9)


def test_a_lane_that_knows_nothing_does_not_push_out_one_that_found_the_words() -> None:
    text = [(key, 0.3 - key / 1000) for key in range(100, 200)]
    fused = fuse({"words": [(1, 8.0), (2, 7.0), (3, 6.0)], "text": text}, best=10.0)
    assert keys(fused)[:3] == [1, 2, 3]


def test_words_that_match_little_of_the_query_do_not_push_out_a_likeness_in_meaning() -> None:
    fused = fuse({"words": [(1, 1.0)], "text": [(2, 0.7)]}, best=10.0)
    assert keys(fused) == [2, 1]


def test_words_alone_are_ranked_by_their_own_best_where_the_best_possible_is_unknown() -> None:
    fused = fuse({"words": [(1, 4.0), (2, 2.0)]})
    assert [weighed(one.score) for one in fused] == pytest.approx([1.0, 0.5])


def test_a_lane_that_was_cut_off_gives_its_last_score_to_what_words_found_beyond() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"words": [(1, 2.0), (2, 2.0)], "text": [(1, 0.6), (3, 0.5)]}
    cut, whole = ({one.key: weighed(one.score) for one in fuse(lanes, best=10.0, depth=depth)} for depth in (2, 3))
    assert cut[2] == pytest.approx(0.2 + 0.5)
    assert whole[2] == pytest.approx(0.2)


def test_a_picture_that_shows_what_is_asked_goes_before_texts_that_are_about_something_else() -> None:
    fused = fuse({"text": [(1, 0.35), (2, 0.3)], "picture": [(9, 0.4)]})
    assert keys(fused)[0] == 9


def test_a_text_that_answers_goes_before_a_picture_that_may() -> None:
    fused = fuse({"words": [(1, 8.0)], "text": [(1, 0.7)], "picture": [(9, 0.6)]}, best=10.0)
    assert keys(fused)[0] == 1


def test_a_picture_that_shows_something_else_is_no_hit() -> None:
    assert fuse({"picture": [(9, 0.04)]}) == []


def test_a_place_counts_by_its_words_and_its_strongest_meaning() -> None:
    (one,) = fuse({"words": [(1, 2.0)], "text": [(1, 0.2)], "picture": [(1, 0.5)]}, best=10.0)
    assert weighed(one.score) == pytest.approx(0.2 + 0.3 + 1.3 * 0.5)


def test_of_two_like_pages_the_one_whose_document_names_the_subject_goes_first() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"words": [(1, 5.0), (2, 5.0)], "text": [(1, 0.5), (2, 0.5)]}
    assert keys(fuse(lanes, best=10.0, context={2: 0.8})) == [2, 1]
    assert keys(fuse(lanes, best=10.0)) == [1, 2]


def test_the_words_of_a_document_make_no_hit_of_a_picture_in_it() -> None:
    lanes: dict[Lane, list[tuple[int, float]]] = {"picture": [(1, 0.5)]}
    assert fuse(lanes, context={1: 1.0, 2: 1.0}) == fuse(lanes)


def test_a_lane_without_a_scale_counts_by_rank() -> None:
    fused = fuse({"sound": [(1, 9000.0), (2, 8999.0)]})
    assert keys(fused) == [1, 2]
    assert fused[0].score < 0.5


def test_another_model_counts_by_deviations_from_its_background() -> None:
    scale = Scale.of_background(0.6, 0.03)
    assert scale.evidence(0.6) == pytest.approx(Scale.of_background(0.1, 0.2).evidence(0.1))
    assert scale.evidence(0.75) > 5 * scale.evidence(0.6)
    assert Scale.of_background(0.6, 0.0).evidence(0.1) == 0.0


def test_equal_hits_keep_a_fixed_order() -> None:
    assert keys(fuse({"text": [(7, 0.5), (3, 0.5)]})) == [3, 7]


def test_a_second_look_moves_a_hit_but_does_not_decide_alone() -> None:
    assert second_look(0.6, 0.2) < 0.6 < second_look(0.6, 0.7)
    assert second_look(0.9, 0.5) > second_look(0.3, 0.9)


def test_a_second_look_keeps_scores_between_zero_and_one() -> None:
    assert second_look(0.0, 0.0) == 0.0
    assert second_look(1.0, 1.0) <= 1.0


# -- the list


def hit(key: int, score: float = 0.5, lane: Lane = "text") -> Fused:
    return Fused(key, score, {lane: key})


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


def listed(*scores: float) -> list[Found]:
    return [Found(hit(key, score)) for key, score in enumerate(scores)]


def test_no_kind_of_media_buries_another() -> None:
    found = listed(0.5, 0.5, 0.5, 0.5, 0.4)
    modalities: dict[int, Modality] = {0: "image", 1: "image", 2: "image", 3: "image", 4: "audio"}
    assert [one.hit.key for one in represent(found, modalities, 3)] == [0, 1, 4]


def test_a_kind_of_media_that_found_nothing_near_takes_no_place() -> None:
    found = listed(0.9, 0.9, 0.9, 0.3)
    modalities: dict[int, Modality] = {0: "image", 1: "image", 2: "image", 3: "audio"}
    assert [one.hit.key for one in represent(found, modalities, 2)] == [0, 1]


def test_kinds_of_media_by_chance_take_no_place() -> None:
    found = listed(0.25, 0.24, 0.2)
    assert [one.hit.key for one in represent(found, {0: "page", 1: "page", 2: "image"}, 2)] == [0, 1]


def test_the_best_hit_always_stays() -> None:
    found = listed(0.5, 0.4, 0.4)
    assert [one.hit.key for one in represent(found, {0: "page", 1: "image", 2: "audio"}, 1)] == [0]
    assert represent([], {}, 5) == []
