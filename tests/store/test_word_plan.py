"""What is looked for of a query follows from what the library holds: its numbers, its languages, its rare words."""

import random
import time

import pytest

from mcp_mmretrieval.store import Catalog, word_plan
from mcp_mmretrieval.store.fulltext import MAX_QUERY_TERMS, query_terms
from tests.store.test_word_search import EVERYTHING, add, found, notes


def test_one_number_has_one_rarity_however_it_is_written(catalog: Catalog) -> None:
    notes(catalog)
    for word in ("eight", "8", "8", "8"):
        add(catalog, f"{word} {time.monotonic_ns()}", f"May I have {word} of them")
    for query in ("8", "eight"):
        scores = [score for _, score in catalog.words(query_terms(query), EVERYTHING, depth=9)]
        assert len(scores) == 4
        assert max(scores) == pytest.approx(min(scores))
    add(catalog, "cup", "a 16oz cup")
    assert found(catalog, "16 oz") == found(catalog, "16oz") == ["cup"]


def test_a_query_in_english_takes_no_stems_of_another_language(catalog: Catalog) -> None:
    add(catalog, "spanish", "Este año los barcos se quedan en el puerto y los pescadores en casa.")
    add(catalog, "english", "In the morning an old boat lay in the harbour.")
    assert found(catalog, "año") == ["spanish"]
    assert found(catalog, "what is an old boat") == ["english"]


def test_the_rare_words_of_a_long_query_count_wherever_they_stand(catalog: Catalog) -> None:
    chance = random.Random(1)
    common = [f"{one}{other}ing" for one in "bcdfghjklm" for other in ("a", "e", "i", "o", "u", "y", "ou", "ea")]
    for number in range(60):
        add(catalog, f"letter{number}", " ".join(chance.choices(common, k=120)))
    add(catalog, "right", "The banjo bolt of the ram takes 34 newton metres.")
    talk = " ".join(common * 3)
    assert len(query_terms(talk).each) > MAX_QUERY_TERMS
    for query in (f"banjo bolt torque ram. {talk}", f"{talk} banjo bolt torque ram?"):
        assert found(catalog, query)[0] == "right"


def test_a_long_query_is_cut_to_what_can_be_afforded(catalog: Catalog) -> None:
    notes(catalog)
    words = " ".join(f"w{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(1_500))
    before = time.thread_time()
    assert catalog.words(query_terms(f"{words} walk"), EVERYTHING, depth=9)
    assert time.thread_time() - before < 2.0


def test_the_languages_of_a_library_are_found_from_one_to_the_next(catalog: Catalog) -> None:
    for number, language in enumerate(("", "de", "fr", "de", "", "tr")):
        document = add(catalog, f"note {number}", "a note")
        with catalog._database.writing() as db:
            db.execute("UPDATE documents SET language = ? WHERE id = ?", (language, document.id))
    with catalog._database.reading() as db:
        assert word_plan._languages(db) == ["de", "fr", "tr"]


def test_what_was_counted_is_counted_anew_once_the_contents_change(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_plan, "MAX_COUNTS_KEPT", 2)
    terms = query_terms("banjo bolt of the ram")
    add(catalog, "one", "The banjo bolt of the ram takes 34 newton metres.")
    for _ in range(2):
        assert catalog.fewest_places(terms) == 1
        assert catalog.fewest_places(query_terms("banjo")) == 1
    add(catalog, "other", "Another banjo bolt of another ram.")
    assert catalog.fewest_places(terms) == 2
