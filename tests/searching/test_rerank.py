"""The tool `rerank`: what is looked at, in which order it comes out, and what the answer says of it."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.types import Film
from tests.conftest import OpenLibrary
from tests.searching.conftest import LONGER, SHORT, Held
from tests.support.calls import add
from tests.support.engines import until
from tests.support.files import PURPLE, RED, film, picture, recording, scanned_pdf
from tests.support.judges import Bluest, filled, opened
from tests.support.models import PATIENCE, ModelsByHand

# -- time -------------------------------------------------------------------------------------------------------------


def test_ids_citations_paths_and_texts_are_ranked_together_with_pixels(tmp_path: Path, folder: Path) -> None:
    filled(folder)
    recording(folder / "silent.wav", (0.0, 1.0))
    judge = Bluest()
    with opened(tmp_path, folder, judge) as library:
        picture(folder / "never-added.png", PURPLE)
        hit = next(hit for hit in library.search("red", rerank=False).hits if hit.citation == "pages.pdf#page=1")
        named = [hit.id, "pages.pdf#page=2", str(folder / "never-added.png"), "silent.wav", "red.png"]
        ranking = library.rerank("blue", named, ["short"])
        order = [result.candidate or "text" for result in ranking.results]
        assert set(order[:2]) == {named[1], named[2]}
        assert order[2] == "text"
        assert set(order[3:5]) == {hit.id, "red.png"}
        assert (order[5], ranking.results[5].reranked, ranking.results[5].score) == ("silent.wav", False, 0.0)
        assert (ranking.reranked, ranking.method) == (5, "bluest")
        assert library.documents()[1] == 4  # and is still not added


def test_pages_and_frames_are_as_large_as_the_reranker_wants_them(tmp_path: Path, folder: Path) -> None:
    scanned_pdf(folder / "page.pdf", [RED])
    film(folder / "film.mp4", (RED, 2))
    judge = Bluest()
    judge.picture_side, judge.frame_side = 2_048, 48
    with opened(tmp_path, folder, judge) as library:
        library.rerank("blue", ["page.pdf#page=1", "film.mp4"], [])
    shown = [content.pictures[0] if isinstance(content, Film) else content for content in judge.seen]
    assert {one.shape for one in shown if isinstance(one, np.ndarray)} == {(2_048, 1_463, 3), (32, 48, 3)}


def test_a_path_outside_and_one_that_is_not_there_are_refused_alike(tmp_path: Path, folder: Path) -> None:
    picture(folder / "red.png", RED)
    outside = picture(tmp_path / "outside.png", RED)
    with opened(tmp_path, folder, Bluest()) as library:
        for path in (outside, tmp_path / "missing.png"):
            with pytest.raises(NotInLibrary, match="nor a file under the allowed folders"):
                library.rerank("blue", [str(path)])


def test_where_the_reranker_does_not_load_likeness_of_meaning_ranks_and_the_answer_says_why(
    tmp_path: Path, folder: Path
) -> None:
    picture(folder / "red.png", RED)
    with opened(tmp_path, folder, None) as library:
        ranking = library.rerank("red", ["red.png"], ["green", "red"])
        assert [result.text_index for result in ranking.results] == [1, 0, None]
        assert (ranking.method, ranking.reranked) == ("embedding similarity", 2)
        why = "Ranked by likeness of meaning alone: tiny: does not load. Set MMRETRIEVAL_RERANKER to off."
        assert ranking.notes[0] == why


def test_a_file_that_takes_long_to_hash_is_left_at_the_deadline(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "disk.img").touch()
    os.truncate(folder / "disk.img", 400_000_000_000)  # sparse
    library = open_library(max_file_mb=500_000)
    ranking = library.rerank("blue", [str(folder / "disk.img")], ["blue"], deadline=0.5)
    assert ranking.reranked == 0
    assert "2 of 2 were not scored: the deadline of 500 ms came" in ranking.notes[-1]
    until(lambda: not any(thread.name == "loading candidates" for thread in threading.enumerate()))


# -- with a model of a real architecture ------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["named", "off"])
def test_a_reranker_from_a_folder_reorders_a_search_as_predict_does(tmp_path: Path, folder: Path, setting: str) -> None:
    rerankers = pytest.importorskip("tests.support.tiny.rerankers")
    filled(folder)
    (folder / "red.md").write_text("a red boat", encoding="utf-8")
    model = rerankers.qwen3_vl(tmp_path / "tiny-qwen")
    settings = Settings.read(
        library=tmp_path / "library",
        roots=(folder,),
        workers=1,
        rerank_s=60.0,
        reranker=str(model) if setting == "named" else "off",
    )

    pool = ModelPool(settings)

    class OwnReranker(ModelsByHand):
        @property
        def reranks(self) -> bool:
            return pool.reranks

        def reranker(self, timeout: float | None = None) -> Reranker | None:
            return pool.reranker(PATIENCE)

    with Library.open(settings=settings, models=OwnReranker(settings)) as library:
        assert library.add().wait(PATIENCE).state == "done"
        assert library.settle(PATIENCE)
        answer = library.search("red boat", rerank=True)
        if setting == "off":
            assert (answer.reranked, answer.notes) == (0, ("Not reranked: this profile has no reranker.",))
            return
        assert answer.reranked == 5
        given = [hit.relevance or 0.0 for hit in answer.hits]
        assert given == sorted(given, reverse=True)
        ranking = library.rerank("red boat", [hit.id for hit in answer.hits])
        assert [result.candidate for result in ranking.results] == [hit.id for hit in answer.hits]
        assert [result.score for result in ranking.results] == pytest.approx(given, abs=1e-5)


def test_reranking_orders_candidates_and_raw_texts_together(library: Library, folder: Path) -> None:
    (folder / "long.md").write_text("a rather long text about pumps", encoding="utf-8")
    add(library)
    ranking = library.rerank("pump", ["long.md"], ["short", ""])
    assert [result.text_index for result in ranking.results] == [0, None, 1]
    assert [result.reranked for result in ranking.results] == [True, True, False]


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
