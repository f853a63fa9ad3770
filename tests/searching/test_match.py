"""How far hits are to be trusted: in libraries of a few files, with the built-in models and with others."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mcp_mmretrieval.answers import MAX_QUERY_CHARACTERS, Match
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.searching.match import FAIR_FROM, STRONG_FROM, WEIGHTS, MatchEvidence, judge, match_logit
from mcp_mmretrieval.store import Scope
from mcp_mmretrieval.types import VectorKind, Vectors
from tests.conftest import OpenLibrary
from tests.media.office.test_ole import container
from tests.support.calls import add
from tests.support.drawings import traffic_light
from tests.support.files import BLUE, RED, picture
from tests.support.models import PATIENCE, HearingModels

NOTE = "The boiler in the cellar was serviced in May. Its pressure valve leaks and is to be replaced before winter."
AROUND = [
    "The choir rehearses on Thursdays in the parish hall.",
    "Tomatoes want sun, water and a sheltered wall.",
    "The ferry to the islands leaves at seven and at noon.",
    "Our bank has moved to the market square.",
    "Part XK-4711-B fits the lower drawer of the cabinet.",
    "The school play needs two more kings and a dragon.",
]
Fill = Callable[..., Library]


@pytest.fixture
def fill(tmp_path: Path, folder: Path, models: ModelPool) -> Iterator[Fill]:
    """Opens a library of notes with the built-in models."""
    opened: list[Library] = []

    def filled(*notes: str) -> Library:
        for number, note in enumerate(notes):
            (folder / f"note{number}.md").write_text(note, encoding="utf-8")
        settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
        opened.append(Library.open(settings=settings, models=models))
        add(opened[-1])
        return opened[-1]

    yield filled
    for library in opened:
        library.close()


def first(library: Library, query: str, **given: object) -> tuple[str, Match]:
    hit = library.search(query, **given).hits[0]  # type: ignore[arg-type]
    return Path(hit.path).name, hit.match


def nothing(library: Library, query: str) -> bool:
    return all(hit.match == "weak" for hit in library.search(query).hits)


@pytest.mark.builtin
def test_a_question_is_answered_by_the_only_note_that_there_is_or_not_at_all(fill: Fill) -> None:
    library = fill(NOTE)
    assert first(library, "What is wrong with the pressure valve of the boiler?") == ("note0.md", "strong")
    assert nothing(library, "Which team won the cup final in Lisbon?")


@pytest.mark.builtin
def test_among_other_notes_the_right_one_is_strong_and_where_it_is_missing_nothing_is(fill: Fill) -> None:
    library = fill(NOTE, *AROUND)
    assert first(library, "What is wrong with the pressure valve of the boiler?") == ("note0.md", "strong")
    assert nothing(library, "How many goals did the striker score in Lisbon?")


@pytest.mark.builtin
def test_a_code_that_stands_there_is_strong_and_a_near_one_is_not(fill: Fill) -> None:
    library = fill(NOTE, *AROUND)
    assert first(library, "XK-4711-B") == ("note5.md", "strong")
    assert all(hit.match != "strong" for hit in library.search("XK-4712-B").hits)


@pytest.mark.builtin
def test_a_word_that_stands_there_is_no_weak_hit(fill: Fill) -> None:
    library = fill(NOTE, *AROUND)
    name, match = first(library, "ferry")
    assert name == "note3.md"
    assert match != "weak"


@pytest.mark.builtin
def test_a_picture_answers_what_it_shows_and_nothing_else(fill: Fill, folder: Path) -> None:
    Image.fromarray(traffic_light()).save(folder / "crossing.png")
    library = fill()
    name, match = first(library, "a traffic light")
    assert name == "crossing.png"
    assert match != "weak"
    assert nothing(library, "What did the company earn in the third quarter?")


@pytest.mark.builtin
def test_words_that_occur_nowhere_and_files_that_were_not_read_are_told_where_nothing_answers(
    fill: Fill, folder: Path
) -> None:
    (folder / "minutes.doc").write_bytes(container({"WordDocument": b"a Word file of old"}))
    (folder / "plan.doc").write_bytes(container({"WordDocument": b"another one"}))
    library = fill(NOTE, *AROUND)
    answer = library.search("zymurgy in Lisbon")
    assert not answer.answers
    assert {"zymurgy", "lisbon"} <= set(answer.searched.unknown_words)
    assert answer.searched.unread == {"Word files": 2}
    assert answer.searched.not_added == 0
    (folder / "plan.doc").unlink()
    (folder / "new.md").write_text("A new note.", encoding="utf-8")
    searched = library.search("zymurgy in Lisbon").searched
    assert (searched.unread, searched.not_added) == ({"Word file": 1}, 1)
    found = library.search("What is wrong with the pressure valve of the boiler?").searched
    assert (found.unknown_words, found.unread) == ((), {})


@pytest.mark.builtin
def test_text_of_an_unknown_script_is_found_by_its_words_and_its_document_says_so(fill: Fill) -> None:
    library = fill("Наша кошка спит на тёплой батарее.", *AROUND)
    hits = library.search("кошка").hits
    assert [(Path(hit.path).name, hit.lanes) for hit in hits] == [("note0.md", ("words",))]
    assert hits[0].match != "weak"
    answer = library.search("поезд")
    assert answer.hits == ()
    assert "not taught the script" in answer.notes[0]
    (note,) = next(one.notes for one in library.documents()[0] if one.path.endswith("note0.md"))
    assert "was not taught its script" in note


def test_what_stands_out_in_a_space_that_nobody_measured_is_strong(open_library: OpenLibrary, folder: Path) -> None:
    for number in range(20):
        picture(folder / f"{number}.png", (number, 255 - number, 200))
    picture(folder / "red.png", RED)
    library = open_library()
    add(library)
    hits = library.search("red").hits
    assert (Path(hits[0].path).name, hits[0].match) == ("red.png", "strong")
    assert {hit.match for hit in hits[1:]} == {"weak"}


def test_the_same_once_more_is_strong_where_there_is_nothing_to_compare_with(
    open_library: OpenLibrary, folder: Path
) -> None:
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", BLUE)
    library = open_library()
    add(library)
    matches = {Path(hit.path).name: hit.match for hit in library.search(like=str(folder / "red.png")).hits}
    assert matches["red.png"] == "strong"
    assert matches.get("blue.png", "weak") == "weak"


def test_words_alone_have_a_match_while_the_models_load(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "a.md").write_text("the pump in the cellar failed", encoding="utf-8")
    library = open_library(state="loading")
    library.add().wait(PATIENCE)
    (hit,) = library.search("pump").hits
    assert hit.match != "weak"


def test_what_is_removed_while_it_is_judged_fails_no_search(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", BLUE)
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    with Library.open(settings=settings, models=HearingModels(settings)) as library:
        add(library)
        catalog = library._catalog
        vectors_of = catalog.vectors_of

        def removing(space: int, kind: VectorKind, segments: Collection[int]) -> dict[int, tuple[list[int], Vectors]]:
            catalog.remove_files([str(folder / "red.png"), str(folder / "blue.png")])
            return vectors_of(space, kind, segments)

        monkeypatch.setattr(catalog, "vectors_of", removing)
        library.search("red")
        assert catalog.paths(Scope()) == []


def test_a_long_word_is_judged_in_no_time(open_library: OpenLibrary, folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.md").write_text(f"the pump in cellar {number}", encoding="utf-8")
    library = open_library()
    add(library)
    began = time.process_time()
    library.search("a" * MAX_QUERY_CHARACTERS)
    assert time.process_time() - began < 2.0


def test_each_kind_of_evidence_makes_a_hit_stronger() -> None:
    weak = MatchEvidence(0.3, 0.0, 0.0, 0.2, 0.0)
    assert judge(weak) == "weak"
    stronger = [
        replace(weak, evidence=1.0),
        replace(weak, gap=1.0),
        replace(weak, words=1.0),
        replace(weak, standing=1.0),
    ]
    assert all(match_logit(each) > match_logit(weak) for each in stronger)
    assert judge(MatchEvidence(1.6, 0.7, 0.8, 0.6, 0.3)) == "strong"


def test_what_can_be_looked_up_is_at_least_that_strong() -> None:
    weak = MatchEvidence(0.3, 0.0, 0.0, 0.2, 0.0)
    assert [judge(replace(weak, looked_up=least)) for least in ("weak", "fair", "strong")] == ["weak", "fair", "strong"]
    likely = MatchEvidence(1.6, 0.7, 0.8, 0.6, 0.3, at_most="fair")
    assert judge(likely) == "fair"
    assert STRONG_FROM > FAIR_FROM
    assert len(WEIGHTS) == len(weak.features)
