import sqlite3
from collections.abc import Iterator

import pytest

from mcp_mmretrieval.store.fulltext import MAX_QUERY_TERMS, best_bm25, best_snippet, query_terms

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
    match = query_terms(query)
    for expression in (match.match, match.pairs_match, *match.each, *match.each_pair):
        if expression:
            found(table, expression)


@pytest.mark.parametrize("query", ["", "   ", "?!,.", "\n"])
def test_a_query_without_words_looks_for_nothing(query: str) -> None:
    match = query_terms(query)
    assert not match
    assert match.match == match.pairs_match == ""
    assert match.each == match.each_pair == ()


def test_stop_words_are_dropped_while_something_remains(table: sqlite3.Connection) -> None:
    assert query_terms("what is the debt of the nation").each == ('"debt"', '"nation"')
    assert 5 not in found(table, query_terms("the debt of the nation").match)


def test_stop_words_alone_are_looked_for(table: sqlite3.Connection) -> None:
    assert query_terms("and of the").each == ('"and"', '"of"', '"the"')
    assert found(table, query_terms("and of the").match)[0] == 5


def test_any_word_is_enough_to_be_found(table: sqlite3.Connection) -> None:
    assert 4 in found(table, query_terms("debt of unicorns").match)


def test_a_possessive_is_its_noun(table: sqlite3.Connection) -> None:
    assert query_terms("the nation\u2019s debt").each == ('"nation"', '"debt"')
    assert found(table, query_terms("nation\u2019s").match) == [4]


@pytest.mark.parametrize("query", ["twelve ounce", "12 ounce"])
def test_a_number_is_found_in_digits_and_in_words(table: sqlite3.Connection, query: str) -> None:
    assert found(table, query_terms(query).each[0]) == [3]


def test_a_number_keeps_its_separators_together() -> None:
    assert query_terms("debt of 1,234.5 million").each == ('"debt"', '"1,234.5"', '"million"')


def test_neighbours_in_the_query_prefer_neighbours_in_the_text(table: sqlite3.Connection) -> None:
    assert found(table, query_terms("deaths from cancer").match)[0] == 1
    assert "NEAR(" in query_terms("deaths from cancer").match


def test_words_beside_a_comma_are_no_neighbours() -> None:
    assert "NEAR(" not in query_terms("latte, sugar").match
    assert 'NEAR("brown" "sugar", 1)' in query_terms("latte, brown sugar").match


def test_scripts_without_spaces_are_looked_for_by_pairs_of_characters() -> None:
    match = query_terms("機械学習 report")
    assert match.each_pair == ('"機械"', '"械学"', '"学習"')
    assert match.pairs_match == '"機械" OR "械学" OR "学習"'
    assert match.each == ('"report"',)


def test_one_character_stands_for_the_pairs_that_it_begins() -> None:
    assert query_terms("猫").pairs_match == '"猫"*'


def test_a_long_query_is_cut_to_what_can_be_afforded() -> None:
    match = query_terms(" ".join(f"word{number}" for number in range(1000)))
    assert len(match.each) == MAX_QUERY_TERMS
    assert match.match.count(" OR ") < 2 * MAX_QUERY_TERMS


def test_words_that_are_decomposed_are_found_composed(table: sqlite3.Connection) -> None:
    assert query_terms("cafe\u0301").each == ('"café"',)


# -- the best that full text could give


def test_no_text_gets_more_than_the_best_score(table: sqlite3.Connection) -> None:
    match = query_terms("cancer deaths")
    counts = [len(found(table, term)) for term in match.each]
    scores = table.execute("SELECT -bm25(words) FROM words WHERE words MATCH ?", (" OR ".join(match.each),)).fetchall()
    top = max(score for (score,) in scores)
    assert 0 < top <= best_bm25(counts, len(TEXTS))


def test_a_rare_word_is_a_greater_part_of_the_best_score() -> None:
    assert best_bm25([1], 1000) > best_bm25([100], 1000) > best_bm25([900], 1000) > 0


def test_frequencies_that_outgrew_the_table_do_no_harm() -> None:
    assert best_bm25([12], 10) > 0
    assert best_bm25([], 10) == 0


def test_a_snippet_shows_where_the_terms_stand_together() -> None:
    text = "Intro. " * 100 + "The relief valve opened at 12 bar during the inspection. " + "Outro. " * 100
    shown = best_snippet(text, query_terms("relief valves inspected"))
    assert "relief valve opened at 12 bar during the inspection" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) <= 242


def test_a_snippet_of_a_short_text_is_the_text_on_one_line() -> None:
    assert best_snippet("one\n two\t three", query_terms("two")) == "one two three"


def test_a_snippet_works_without_spaces_and_without_a_match() -> None:
    chinese = "天气很好。" * 100 + "机器学习部署完成。" + "天气很好。" * 100
    assert "机器学习部署" in best_snippet(chinese, query_terms("部署"))
    assert best_snippet("word " * 200, query_terms("absent")).startswith("word word")
