"""Questions that are made of a library."""

from pathlib import Path

from mcp_mmretrieval.bench.evaluation.known_items import known_items
from mcp_mmretrieval.library import Library
from tests.support.calls import add
from tests.support.files import RED, picture


def fill(library: Library, folder: Path) -> None:
    for at in range(6):
        text = f"# The winter journey of captain {at}\n\nThe old captain sailed {at} brave ships round the icy cape."
        (folder / f"log{at}.md").write_text(text)
    picture(folder / "sign.png", RED, (300, 100))  # two words are no question
    add(library)


def test_titles_and_words_of_texts_ask_for_their_documents(library: Library, folder: Path) -> None:
    fill(library, folder)
    made = known_items(library, 100, 0)
    assert {question.group for question in made} == {"titles", "passages"}
    assert len(made) == len({question.id for question in made}) == 12
    for question in made:
        (target,) = question.grades
        number = Path(target).stem.removeprefix("log")
        assert number in question.query.split()
        assert {"the", "of"}.isdisjoint(question.query.casefold().split()) or question.group == "titles"


def test_the_same_seed_makes_the_same_questions_and_another_others(library: Library, folder: Path) -> None:
    fill(library, folder)
    assert known_items(library, 4, 1) == known_items(library, 4, 1) != known_items(library, 4, 2)
    assert len(known_items(library, 3, 0)) == 3


def test_a_library_without_text_has_none(library: Library, folder: Path) -> None:
    picture(folder / "sign.png", RED, (300, 300))
    add(library)
    assert known_items(library, 5, 0) == []
