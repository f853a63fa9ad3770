"""Questions asked of a library, in several ways."""

from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.asking import DOCUMENT_GIVEN, WAYS, Asker, ways_of
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.library import Library
from tests.support.calls import add
from tests.support.files import BLUE, GREEN, RED, scanned_pdf

PAGE = JudgedQuestion(id="p", query="green", grades={"colours.pdf#page=2": 1})
NOTE = JudgedQuestion(id="n", query="kettles", grades={"inner/note": 1})


@pytest.fixture
def held(library: Library, folder: Path) -> Library:
    scanned_pdf(folder / "colours.pdf", [BLUE, GREEN, RED])
    (folder / "inner").mkdir()
    (folder / "inner" / "note.md").write_text("Two kettles stand in the kitchen.")
    (folder / "other.md").write_text("Nothing but green lamps.")
    add(library)
    return library


def test_hits_are_named_as_the_questions_name_them(held: Library) -> None:
    named = JudgedQuestion(id="n", query="kettles", grades={"inner/note.md": 1})
    assert Asker(held, [named]).ask(named, "words", paged=False).ranked == ("inner/note.md",)
    stem = JudgedQuestion(id="n", query="kettles", grades={"note": 1})
    assert Asker(held, [stem]).ask(stem, "words", paged=False).ranked == ("note",)
    assert Asker(held, []).ask(stem, "words", paged=False).ranked == ("note.md",)
    full = str(held.roots.folders[0] + "/inner/note.md") if isinstance(held.roots.folders[0], str) else ""
    whole = JudgedQuestion(id="n", query="kettles", grades={full: 1})
    assert Asker(held, [whole]).ask(whole, "words", paged=False).ranked == (full,)


def test_lanes_are_asked_alone_and_left_out(held: Library) -> None:
    asker = Asker(held, [PAGE])
    assert asker.ask(PAGE, "picture", paged=True).ranked[0] == "colours.pdf#page=2"
    assert asker.ask(PAGE, "words", paged=True).ranked == ("other.md",)
    assert "other.md" not in asker.ask(PAGE, "picture", paged=True).ranked
    without = asker.ask(PAGE, "without words", paged=True)
    assert "colours.pdf#page=2" in without.ranked
    assert without.match is not None
    assert "total" in without.elapsed_ms


def test_within_the_document_that_answers_nothing_else_is_found(held: Library) -> None:
    found = Asker(held, [PAGE]).ask(PAGE, DOCUMENT_GIVEN, paged=True)
    assert found.ranked[0] == "colours.pdf#page=2"
    assert all(name.startswith("colours.pdf#page=") for name in found.ranked)


def test_pages_are_also_asked_for_within_their_document() -> None:
    assert ways_of([NOTE], every_lane=True) == list(WAYS)
    assert ways_of([NOTE, PAGE], every_lane=False) == ["all", DOCUMENT_GIVEN]
