"""Searching and reranking against a deadline: what fits is done, the rest is left out, and the answer says so."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_mmretrieval.answers import Reranking, Scored
from mcp_mmretrieval.concurrency.abandonable import MAX_ABANDONABLE_THREADS
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, NotAllowed
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.searching import scoring
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.scoring import Scores, ScoringCosts, score_in_time, text_item
from mcp_mmretrieval.server.tools import as_text, results
from mcp_mmretrieval.store import Scope
from mcp_mmretrieval.store.index import Index
from mcp_mmretrieval.types import Content, VectorKind, Vectors
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, RED, picture
from tests.support.models import PATIENCE, Gate, HeldModels, ModelsByHand

SHORT = 0.2
"""Seconds that are over before a gate opens."""
LONGER = 1.5
"""Such that what waits at no gate is done, also on a busy machine."""


@dataclass
class Held:
    """A library whose models wait at gates."""

    library: Library
    queries: Gate
    scores: Gate


@pytest.fixture
def held(tmp_path: Path, folder: Path) -> Iterator[Held]:
    (folder / "pump.md").write_text("a slow pump", encoding="utf-8")
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", BLUE)
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    queries, scores = Gate(), Gate()
    with Library.open(settings=settings, models=HeldModels(settings, queries=queries, scores=scores)) as library:
        assert library.add().wait(PATIENCE).state == "done"
        assert library.settle(PATIENCE)
        yield Held(library, queries, scores)
        queries.open()
        scores.open()


def ended(name: str) -> bool:
    """Wait until no thread of this name runs any more."""
    for thread in [thread for thread in threading.enumerate() if thread.name == name]:
        thread.join(PATIENCE)
    return not running(name)


def running(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


# -- lanes ------------------------------------------------------------------------------------------------------------


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


# -- what is left behind ----------------------------------------------------------------------------------------------


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


def test_a_stage_left_behind_counts_until_now_and_stages_add_up() -> None:
    clock = DeadlineClock(None)
    with clock.stage("first"):
        assert set(clock.stages()) == {"first"}
        with clock.stage("second"):
            pass
    assert list(clock.stages()) == ["first", "second"]
    assert clock.left() is None


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


# -- reranking --------------------------------------------------------------------------------------------------------


def test_the_next_few_are_not_begun_when_the_last_few_took_longer_than_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def score(contents: Sequence[Content]) -> Scores:
        nonlocal now
        now += 0.3
        return [0.5] * len(contents)

    texts = [text_item("a")] * 100

    assert len(score_in_time(score, texts, DeadlineClock(1.05), ScoringCosts())) == 3 * scoring.UNMEASURED_STEP_TEXTS
    assert len(score_in_time(score, texts, DeadlineClock(None), ScoringCosts())) == 100


def test_reranking_a_search_ends_in_time_with_what_was_scored(held: Held) -> None:
    folder = Path(held.library.roots.folders[0])
    for number in range(7):
        (folder / f"{number}.md").write_text("a valve" + "!" * number, encoding="utf-8")
    assert held.library.add().wait(PATIENCE).added == 7
    held.scores.admit(1)
    answer = held.library.search("valve", rerank=True, deadline=LONGER, lanes=("words",))
    assert (len(answer.hits), answer.reranked) == (7, 5)
    assert answer.notes == ("Reranked only the first 5 of 7: the deadline of 1500 ms left no time for more.",)
    assert "rerank" in answer.elapsed_ms
    held.scores.open()
    assert held.library.search("valve", rerank=True, deadline=PATIENCE, lanes=("words",)).reranked == 7


def test_a_search_that_cannot_be_reranked_in_time_keeps_its_order_and_says_so(held: Held) -> None:
    answer = held.library.search("pump", rerank=True, deadline=SHORT)
    assert (answer.hits[0].citation, answer.reranked) == ("pump.md#char=0,11", 0)
    assert answer.notes[-1] == "Not reranked: the deadline of 200 ms left no time for more."


def test_what_was_not_scored_in_time_stands_behind_the_rest_in_the_order_given(held: Held) -> None:
    texts = ["x" * length for length in (9, 2, 5, 7, 3, 8, 1, 6)]
    held.scores.admit(1)
    ranking = held.library.rerank("pump", texts=texts, deadline=LONGER)
    assert [result.text_index for result in ranking.results] == [1, 4, 2, 3, 0, 5, 6, 7]
    assert [result.reranked for result in ranking.results] == [True] * 5 + [False] * 3
    assert {result.score for result in ranking.results[5:]} == {0.0}
    assert ranking.reranked == 5
    assert ranking.notes == (
        "3 of 8 were not scored: the deadline of 1500 ms came. They stand behind the others in the order given, "
        "with score 0.",
    )
    assert set(ranking.stages) == {"load", "score"}


def test_where_nothing_is_scored_in_time_the_order_given_stays(held: Held) -> None:
    ranking = held.library.rerank("pump", ["blue.png", "pump.md"], ["text"], deadline=SHORT)
    assert [(result.candidate, result.text_index) for result in ranking.results] == [
        ("blue.png", None),
        ("pump.md", None),
        (None, 0),
    ]
    assert ranking.reranked == 0
    assert "3 of 3 were not scored" in ranking.notes[0]


def test_what_the_reranker_cannot_read_stands_behind_too_and_the_notes_say_so(library: Library, folder: Path) -> None:
    picture(folder / "red.png", RED)
    library.add().wait(PATIENCE)
    ranking = library.rerank("pump", ["red.png"], ["", "short"])
    assert [(result.candidate, result.text_index) for result in ranking.results] == [
        (None, 1),
        ("red.png", None),
        (None, 0),
    ]
    assert ranking.notes == (
        "2 of 3 could not be scored: nothing in them can be compared. They stand behind the others in the order given, "
        "with score 0.",
    )


def test_a_profile_without_a_reranker_scores_by_likeness_of_meaning(tmp_path: Path, folder: Path) -> None:
    class WithoutReranker(ModelsByHand):
        def reranker(self, timeout: float | None = None) -> Reranker | None:
            return None

    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    with Library.open(settings=settings, models=WithoutReranker(settings)) as library:
        ranking = library.rerank("red", texts=["blue", " ", "red"])
        assert ranking.method == "embedding similarity"
        assert [result.text_index for result in ranking.results] == [2, 0, 1]
        assert [result.reranked for result in ranking.results] == [True, True, False]
        assert library.search("red", rerank=True).notes == ("Not reranked: this profile has no reranker.",)


def test_the_stages_stand_in_the_data_and_in_the_text() -> None:
    ranking = Reranking(
        results=(Scored(text_index=0, score=0.5, reranked=True),),
        method="shortest first",
        reranked=1,
        elapsed_ms=12,
        stages={"load": 2, "score": 10},
        notes=("One was left out.",),
    )
    result = results.rerank_result(ranking)
    assert result.get("stages") == {"load": 2, "score": 10}
    text = as_text.rerank_text(result)
    assert text.startswith("Ranked by shortest first in 12 ms (load 2, score 10); 1 looked at by a model.")
    assert text.endswith("Note: One was left out.")


def test_the_text_of_a_search_says_what_its_stages_took(held: Held) -> None:
    result = results.search_result(held.library.search("pump"), ())
    told = re.search(r"^Milliseconds: (.*)\.$", as_text.search_text(result), re.MULTILINE)
    assert told is not None
    assert {"words", "embed", "neighbours", "fuse", "hits", "total"} == set(re.findall("[a-z]+", told[1]))
