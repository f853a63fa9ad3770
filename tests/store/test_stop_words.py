"""Which words of a question say nothing of what it asks for."""

# ruff: noqa: RUF001 (letters of other scripts look like Latin ones)

import pytest

from mcp_mmretrieval.store.stems import spelt_words
from mcp_mmretrieval.store.stop_words import empty_words


@pytest.mark.parametrize(
    ("query", "telling"),
    [
        ("Rezept für die Torte", {"rezept", "torte"}),
        ("recette de la ratatouille", {"recette", "ratatouille"}),
        ("¿dónde está la llave?", {"llave"}),
        ("когда приедет сантехник", {"приедет", "сантехник"}),
        ("ποιος είναι ο αριθμός", {"αριθμός"}),
        ("متى موعد الطبيب", {"موعد", "الطبيب"}),
    ],
)
def test_small_words_of_other_languages_are_empty(query: str, telling: set[str]) -> None:
    spelt = spelt_words(query)
    assert {spelt[form] for form in set(spelt) - empty_words(spelt)} == telling


@pytest.mark.parametrize(
    "query",
    ["die casting", "fur coats", "La Paz", "van door handle", "the das model", "open sans"],
)
def test_what_english_has_too_counts(query: str) -> None:
    assert empty_words(spelt_words(query)) == frozenset()
