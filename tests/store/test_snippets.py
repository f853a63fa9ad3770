"""Which stretch of a text is shown."""

from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.store.snippets import best_snippet


def test_a_snippet_shows_where_the_terms_stand_together() -> None:
    text = "Intro. " * 100 + "The relief valve opened at 12 bar during the inspection. " + "Outro. " * 100
    shown = best_snippet(text, query_terms("relief valves inspected"))
    assert "relief valve opened at 12 bar during the inspection" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) <= 242


def test_a_snippet_of_a_short_text_is_the_text_on_one_line() -> None:
    assert best_snippet("one\n two\t three", query_terms("two")) == "one two three"


def test_rows_of_a_table_are_kept_apart() -> None:
    table = "A list of\nItem | Count\nrope | 3\n | 4\nAs of May"
    assert best_snippet(table, query_terms("rope")) == "A list of Item | Count / rope | 3 / | 4 As of May"


def test_a_snippet_works_without_spaces_and_without_a_match() -> None:
    chinese = "天气很好。" * 100 + "机器学习部署完成。" + "天气很好。" * 100
    assert "机器学习部署" in best_snippet(chinese, query_terms("部署"))
    assert best_snippet("word " * 200, query_terms("absent")).startswith("word word")


def test_a_snippet_finds_words_as_full_text_does() -> None:
    filler = "Intro. " * 60
    shown = best_snippet(
        f"{filler} Die Tür zur Goethe\u00adstraße und 4,310 Kisten. {filler}", query_terms("GOETHESTRASSE")
    )
    assert "zur Goethestraße" in shown
    assert "4,310 Kisten" in best_snippet(f"{filler} Das sind 4,310 Kisten. {filler}", query_terms("4310"))
    assert "회의록을" in best_snippet(f"{filler} 김 팀장은 회의록을 정리한다. {filler}", query_terms("회의록"))


def test_a_word_counts_by_how_it_begins_beside_numbers_too() -> None:
    filler = "Intro. " * 60
    for text in ("Reopened lately. The opened valve held.", "It has 1.5opened bars, reopened twice."):
        shown = best_snippet(f"{filler} {text} {filler}", query_terms("opening"))
        assert "opened" in shown
    assert "reopened" not in best_snippet(f"{filler} reopened {filler} opened {filler}", query_terms("opening"))
