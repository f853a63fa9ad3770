import sqlite3

import pytest

from mcp_mmretrieval.store.fulltext import MAX_QUERY_TERMS, QueryTerms, query_terms


def found(db: sqlite3.Connection, expression: str) -> list[int]:
    sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words)"
    return [row[0] for row in db.execute(sql, (expression,))]


def any_of(terms: QueryTerms) -> str:
    """An expression for the table of words that any of the terms answers."""
    return " OR ".join([*terms.each, *terms.beside(range(len(terms.terms)))])


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
    for expression in (any_of(match), " OR ".join(match.each_pair), *match.each, *match.each_pair):
        if expression:
            found(table, expression)


@pytest.mark.parametrize("query", ["", "   ", "?!,.", "\n"])
def test_a_query_without_words_looks_for_nothing(query: str) -> None:
    match = query_terms(query)
    assert not match
    assert any_of(match) == ""
    assert match.each == match.each_pair == ()


def test_stop_words_are_dropped_while_something_remains(table: sqlite3.Connection) -> None:
    assert query_terms("what is the debt of the nation").each == ('"debt"', '"nation"')
    assert 5 not in found(table, any_of(query_terms("the debt of the nation")))


@pytest.mark.parametrize("query", ["recette de la ratatouille", "Rezept für die Torte", "receta para la tarta"])
def test_stop_words_of_other_languages_are_dropped_too(query: str) -> None:
    first, *_, last = query.split()
    assert query_terms(query).words == (first, last)
    assert query_terms("für").words == ("fur",)
    assert query_terms("le contrat d\u2019assurance de l'avion").words == ("contrat", "assurance", "avion")


def test_stop_words_alone_are_looked_for(table: sqlite3.Connection) -> None:
    assert query_terms("and of the").each == ('"and"', '"of"', '"the"')
    assert found(table, any_of(query_terms("and of the")))[0] == 5


def test_any_word_is_enough_to_be_found(table: sqlite3.Connection) -> None:
    assert 4 in found(table, any_of(query_terms("debt of unicorns")))


def test_a_possessive_is_its_noun(table: sqlite3.Connection) -> None:
    assert query_terms("the nation\u2019s debt").each == ('"nation"', '"debt"')
    assert found(table, any_of(query_terms("nation\u2019s"))) == [4]


@pytest.mark.parametrize("query", ["twelve ounce", "12 ounce"])
def test_a_number_is_found_in_digits_and_in_words(table: sqlite3.Connection, query: str) -> None:
    assert found(table, query_terms(query).each[0]) == [3]


def test_a_number_keeps_its_separators_together() -> None:
    assert query_terms("debt of 1,234.5 million").each == ('"debt"', '"1234 5"', '"million"')


def test_neighbours_in_the_query_prefer_neighbours_in_the_text(table: sqlite3.Connection) -> None:
    assert found(table, any_of(query_terms("deaths from cancer")))[0] == 1
    assert "NEAR(" in any_of(query_terms("deaths from cancer"))


def test_words_beside_a_comma_are_no_neighbours() -> None:
    assert "NEAR(" not in any_of(query_terms("latte, sugar"))
    assert 'NEAR("brown" "sugar", 1)' in any_of(query_terms("latte, brown sugar"))


def test_scripts_without_spaces_are_looked_for_by_pairs_of_characters() -> None:
    match = query_terms("機械学習 report")
    assert match.each_pair == ('"機械"', '"械学"', '"学習"')
    assert match.each_pair == ('"機械"', '"械学"', '"学習"')
    assert match.each == ('"report"',)


def test_one_character_stands_for_the_pairs_that_it_begins() -> None:
    assert query_terms("猫").each_pair == ('"猫"*',)


def test_all_words_of_a_long_query_are_there_to_choose_from() -> None:
    match = query_terms(" ".join(f"word{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(500)))
    assert len(match.each) == 500
    assert [each[:4] for each in match.beside({0, 1, 2})] == ["NEAR", "NEAR"]


def test_words_are_looked_for_in_their_normal_form() -> None:
    assert query_terms("cafe\u0301 STRASSE Straße").each == ('"cafe"', '"strasse"')
    assert query_terms("Straße").words == ("Straße",)


@pytest.mark.parametrize(
    ("query", "each"),
    [
        ("Exhibit A", ('"exhibit"', '"exhibit a"')),
        ("what does exhibit A show?", ('"exhibit"', '"show"', '"exhibit a"')),
        ("vitamin a", ('"vitamin"', '"vitamin a"')),
        ("Henry I of England", ('"henry"', '"england"', '"henry i"')),
        ("vitamin C", ('"vitamin"', '"c"')),
        ("where do I find a boat", ('"find"', '"boat"')),
        ("The Making Of A House", ('"making"', '"house"')),
        ("WHAT IS A HOUSE", ('"house"',)),
        ("taxes in the US", ('"taxes"', '"us"')),
    ],
)
def test_a_letter_that_is_a_stop_word_elsewhere_counts_beside_its_word(query: str, each: tuple[str, ...]) -> None:
    assert query_terms(query).each == each


def test_letters_and_digits_without_a_space_are_one_term() -> None:
    assert query_terms("ISO9001").each == ('"iso 9001"',)
    assert query_terms("ISO 9001").each == ('"iso"', '"9001"')
    assert query_terms("v2.10.4").each == query_terms("2.10.4").each == ('"2 10 4"',)


def test_a_word_that_may_be_written_otherwise_is_looked_for_in_both_ways() -> None:
    assert query_terms("co-operative bank").each[0] == '("operative" OR "cooperative")'
    assert query_terms("e-mail").each == ('("mail" OR "email")',)
    assert query_terms("getUserName").each == ('("getusername" OR "get user name")',)
    assert query_terms("Haustür").each == ('("haustur" OR "haustuer")',)
    assert '"20240312"' in any_of(query_terms("12 March 2024"))


def test_an_account_or_a_telephone_number_is_known_as_one() -> None:
    (number,) = query_terms("account DE89 3704 0044 0532 0130 00").joined
    assert number.term.forms[0] == "de 89370400440532013000"
    assert 0 not in number.parts
    assert query_terms("revenue 2019 2020").joined == ()


@pytest.mark.parametrize("quoted", ['"%s"', "\u201c%s\u201d", "\u201e%s\u201c", "\u00ab%s\u00bb"])
def test_quotation_marks_ask_for_the_phrase(quoted: str) -> None:
    match = query_terms(quoted % "right of first refusal")
    assert match.quoted == ('"right of first refusal"',)
    assert match.phrase_asked


def test_a_question_that_names_what_it_quotes_asks_for_no_phrase() -> None:
    assert not query_terms('how many steps does the chapter "Safety" of the manual have').phrase_asked
    assert not query_terms('is "Plug it in" before "Turn it on" in the manual').phrase_asked
    assert query_terms('3/4" thread and 5" pipe').quoted == ()
    assert query_terms("\u201c議事録\u201d").quoted_pairs == ('"議事 事録"',)


def test_a_phrase_is_looked_for_once_however_often_it_is_quoted() -> None:
    pasted = ", ".join(f'{{ "name": "pump {number}", "serial number": "{number}" }}' for number in range(100))
    quoted = query_terms(pasted).quoted
    assert quoted[:2] == ('"name"', '"pump 0"')
    assert len(set(quoted)) == len(quoted) == MAX_QUERY_TERMS
    assert query_terms("\u201e水泵\u201c und \u201e水泵\u201c").quoted_pairs == ('"水泵"',)
