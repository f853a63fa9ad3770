"""Lanes side by side, with and without a deadline: what answers, and what is left behind."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mcp_mmretrieval.concurrency.abandonable import MAX_ABANDONABLE_THREADS
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, NotAllowed
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.rollout import AnsweringSpace
from mcp_mmretrieval.searching.lanes import MODEL_WAIT_SECONDS
from mcp_mmretrieval.store import Catalog, Scope
from mcp_mmretrieval.store.fulltext import QueryTerms
from mcp_mmretrieval.store.index import Index
from mcp_mmretrieval.types import VectorKind, Vectors
from tests.conftest import OpenLibrary
from tests.searching.conftest import LONGER, SHORT, Held, ended, running
from tests.support.models import PATIENCE, Gate


def test_words_answer_at_the_deadline_and_the_answer_says_what_was_left_out(held: Held) -> None:
    answer = held.library.search("slow pump", deadline=SHORT)
    assert [hit.lanes for hit in answer.hits] == [("words",)]
    assert answer.notes == ("The text and picture lanes were left out: the deadline of 200 ms came.",)
    assert {"words", "embed", "fuse", "hits", "total"} == set(answer.elapsed_ms)


def test_without_a_deadline_all_lanes_are_waited_for(held: Held) -> None:
    def open_late() -> None:
        assert held.queries.reached(1)
        held.queries.open()

    threading.Thread(target=open_late, daemon=True).start()
    answer = held.library.search("slow pump")
    assert set(answer.hits[0].lanes) == {"words", "text"}
    assert answer.notes == ()
    assert {"words", "embed", "neighbours", "fuse", "hits", "total"} == set(answer.elapsed_ms)


def test_beside_words_a_model_that_left_is_waited_for_a_moment_and_an_example_alone_waits_for_it(
    held: Held, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.queries.open()
    asked, embedder = list[float | None](), AnsweringSpace.embedder

    def noted(answering: AnsweringSpace, timeout: float | None = None) -> Embedder:
        asked.append(timeout)
        return embedder(answering, timeout)

    monkeypatch.setattr(AnsweringSpace, "embedder", noted)
    held.library.search("slow pump")
    held.library.search("slow pump", deadline=60.0)
    held.library.search(like=str(folder / "red.png"))
    assert asked == [MODEL_WAIT_SECONDS, MODEL_WAIT_SECONDS, None]


def test_a_lane_that_is_in_time_counts_although_another_is_not(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, nearest = Gate(), Index.nearest

    def held_up(
        index: Index, space: int, kind: VectorKind, vector: Vectors, scope: Scope, *, depth: int
    ) -> list[tuple[int, float]]:
        if kind == "picture":
            gate.enter()
        return nearest(index, space, kind, vector, scope, depth=depth)

    monkeypatch.setattr(Index, "nearest", held_up)
    answer = held.library.search("pump", deadline=LONGER)
    gate.open()
    assert set(answer.hits[0].lanes) == {"words", "text"}
    assert answer.notes == ("The picture lane was left out: the deadline of 1500 ms came.",)
    assert ended("lanes of meaning")


def test_words_that_took_all_the_time_are_not_looked_for_by_their_sound(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = Catalog.words

    def until_it_is_over(catalog: Catalog, terms: QueryTerms, scope: Scope, *, depth: int) -> list[tuple[int, float]]:
        threading.Event().wait(SHORT)
        return words(catalog, terms, scope, depth=depth)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the deadline had come")

    monkeypatch.setattr(Catalog, "words", until_it_is_over)
    monkeypatch.setattr(Catalog, "sounds", never)
    assert [hit.lanes for hit in held.library.search("slow pump", deadline=SHORT).hits] == [("words",)]


def test_an_example_alone_that_is_not_in_time_is_an_error_with_the_next_step(held: Held, folder: Path) -> None:
    with pytest.raises(BadArgument, match=r"the deadline of 200 ms came before .* Give more time"):
        held.library.search(like=str(folder / "red.png"), deadline=SHORT)
    held.queries.open()
    assert held.library.search(like=str(folder / "red.png"), deadline=PATIENCE).hits[0].citation == "red.png"


def test_words_answer_where_the_example_beside_them_is_not_in_time(held: Held, folder: Path) -> None:
    answer = held.library.search("pump", like=str(folder / "red.png"), deadline=SHORT)
    assert [hit.lanes for hit in answer.hits] == [("words",)]
    assert answer.notes == ("The example and the text and picture lanes were left out: the deadline of 200 ms came.",)
    assert "example" in answer.elapsed_ms


def test_an_example_alone_needs_the_models_and_words_do_not(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "a.md").write_text("a pump", encoding="utf-8")
    library = open_library(state="loading", slow=True)
    library.add().wait(PATIENCE)
    with pytest.raises(ModelUnavailable, match="Ask again"):
        library.search(like="a.md", deadline=SHORT)
    answer = library.search("pump", like="a.md", deadline=SHORT)
    assert len(answer.hits) == 1
    assert answer.notes[0].startswith("Found by words alone and not by the example: ")


def test_what_is_wrong_with_an_example_is_told_with_a_deadline_too(held: Held) -> None:
    with pytest.raises(BadArgument, match="nothing to search by"):
        held.library.search("pump", like="pump.md#char=900,901", deadline=PATIENCE)
    with pytest.raises(NotAllowed):
        held.library.search("pump", like="missing.png", deadline=SHORT)


def test_a_lane_left_behind_holds_up_nobody_else_and_ends_by_itself(held: Held) -> None:
    held.library.search("slow pump", deadline=SHORT)
    assert held.queries.came == 1
    assert set(held.library.search("pump").hits[0].lanes) == {"words", "text"}
    held.queries.open()
    assert ended("lanes of meaning")


def test_lanes_left_behind_do_not_pile_up_and_words_go_on_answering(held: Held) -> None:
    for _ in range(MAX_ABANDONABLE_THREADS + 4):
        answer = held.library.search("slow pump", deadline=0.05)
        assert [hit.lanes for hit in answer.hits] == [("words",)]
    assert held.queries.came == MAX_ABANDONABLE_THREADS
    while (
        running("lanes of meaning") > MAX_ABANDONABLE_THREADS
    ):  # those that found no place end when they are left behind
        threading.Event().wait(0.01)
    held.queries.open()
    assert ended("lanes of meaning")
    assert set(held.library.search("slow pump").hits[0].lanes) == {"words", "text"}


def test_the_process_ends_while_a_lane_left_behind_hangs(tmp_path: Path, folder: Path) -> None:
    (folder / "a.md").write_text("a slow pump", encoding="utf-8")
    code = """
import sys
from pathlib import Path
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.config.settings import Settings
from tests.support.models import Gate, HeldModels
settings = Settings.read(library=Path(sys.argv[1]), roots=(Path(sys.argv[2]),), workers=1)
library = Library.open(settings=settings, models=HeldModels(settings, queries=Gate(), scores=Gate()))
library.add().wait(60)
print(len(library.search("slow pump", rerank=True, deadline=0.2).hits))
library.close()
"""
    command = [sys.executable, "-c", code, str(tmp_path / "library"), str(folder)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2]
    )
    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "1\n")
