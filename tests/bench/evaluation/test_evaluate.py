"""Evaluations from beginning to end, with models that one can work out by hand."""

import hashlib
from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.asking import WAYS
from mcp_mmretrieval.bench.evaluation.evaluate import (
    EvaluationPlan,
    evaluated,
    library_copy,
    library_of_sets,
    setting_override,
)
from mcp_mmretrieval.bench.evaluation.known_items import known_items
from mcp_mmretrieval.bench.evaluation.question_sets import QuestionSet
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, LibraryUnavailable, ModelUnavailable
from mcp_mmretrieval.library import Library
from tests.conftest import OpenLibrary
from tests.support.calls import add
from tests.support.models import ModelsByHand


def silent(what: str, done: int, total: int) -> None:
    assert done <= total


def two_sets(library: Library, folder: Path) -> list[QuestionSet]:
    for name, text in (("boats", "A red boat in the harbour."), ("trains", "A blue train to Trieste.")):
        (folder / name).mkdir()
        (folder / name / f"{name}.md").write_text(text)
    add(library)
    boats = JudgedQuestion(id="1", query="harbour boat", grades={"boats.md": 1})
    trains = JudgedQuestion(id="1", query="Trieste", grades={"trains.md": 1})
    return [
        QuestionSet(name="boats", questions=(boats,), files=folder / "boats"),
        QuestionSet(name="trains", questions=(trains,), files=folder / "trains"),
    ]


def test_each_set_is_asked_in_each_way_and_of_the_files_of_the_others(library: Library, folder: Path) -> None:
    said: list[tuple[int, int]] = []
    plan = EvaluationPlan(sets=two_sets(library, folder), absent=[JudgedQuestion(id="x", query="whales", grades={})])
    run = evaluated(library, plan, lambda what, done, total: said.append((done, total)))
    assert [(one.set, list(one.found)) for one in run.asked] == [("boats", list(WAYS)), ("trains", list(WAYS))]
    assert [one.found["all"].ranked[0] for one in run.asked] == ["boats.md", "trains.md"]
    assert len(run.absent) == 3
    assert "boats.md" not in run.absent[0].ranked
    assert said[-1] == (2 * len(WAYS) + 3,) * 2
    assert (run.documents, run.segments) == (2, 2)


def test_quick_asks_as_a_search_does_alone(library: Library, folder: Path) -> None:
    run = evaluated(library, EvaluationPlan(sets=two_sets(library, folder), every_lane=False), silent)
    assert run.ways("boats") == ["all"]


def contents(folder: Path) -> dict[str, str]:
    """What each file holds, but for the mark of an orderly end, which every copy of a catalog takes away."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix != ".closed"
    }


def test_a_copy_answers_as_the_library_and_leaves_it_as_it_is(
    open_library: OpenLibrary, folder: Path, tmp_path: Path
) -> None:
    library = open_library()
    two_sets(library, folder)
    questions = known_items(library, 10, 0)
    library.close()
    before = contents(tmp_path / "library")
    (tmp_path / "scratch").mkdir()
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    with library_copy(settings, tmp_path / "scratch", ModelsByHand(settings)) as copy:
        assert known_items(copy, 10, 0) == questions
        plan = EvaluationPlan(sets=[QuestionSet(name="own", questions=tuple(questions))])
        run = evaluated(copy, plan, silent)
    assert [one.found["all"].ranked[0] for one in run.asked] == [next(iter(one.grades)) for one in questions]
    assert contents(tmp_path / "library") == before


def test_a_library_in_use_is_copied_too(library: Library, folder: Path, tmp_path: Path) -> None:
    two_sets(library, folder)
    (tmp_path / "scratch").mkdir()
    with library_copy(library.settings, tmp_path / "scratch", ModelsByHand(library.settings)) as copy:
        assert copy.search("Trieste").hits[0].path.endswith("trains.md")


def test_where_there_is_no_library_or_no_model_it_is_said(
    open_library: OpenLibrary, folder: Path, tmp_path: Path
) -> None:
    settings = Settings.read(library=tmp_path / "nothing", roots=(folder,))
    with pytest.raises(LibraryUnavailable, match="holds no library"), library_copy(settings, tmp_path):
        pass
    library = open_library(state="missing")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        evaluated(library, EvaluationPlan(sets=[]), silent)


def test_a_setting_is_named_as_the_settings_are() -> None:
    assert setting_override("builtin_dtype=int8") == {"builtin_dtype": "int8"}
    for wrong in ("builtin_dtype", "colour=red"):
        with pytest.raises(BadArgument, match="write SETTING=VALUE"):
            setting_override(wrong)


def test_other_models_are_asked_only_once_their_vectors_are_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "boats.md").write_text("A red boat in the harbour.")
    sets = [QuestionSet(name="boats", questions=(), files=folder)]
    opened: list[str] = []
    real = Library.open

    def by_hand(*, settings: Settings) -> Library:
        opened.append(settings.profile)
        return real(settings=settings, models=ModelsByHand(settings, space=settings.profile))

    monkeypatch.setattr(Library, "open", by_hand)
    for profile in ("colours", "longer"):
        settings = Settings.read(library=tmp_path / "sets", workers=1).model_copy(update={"profile": profile})
        with library_of_sets(sets, settings, silent) as library:
            assert library.held() == (1, 0)
            assert list(library.profile().spaces) == ["serving"]
            assert library.profile().spaces["serving"].startswith(f"{profile}: 1 of 1 documents")
    assert opened == ["colours", "longer"]
