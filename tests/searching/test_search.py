"""A search as a whole: what is found within filters, and what reranking does to its order."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store import scope_queries
from mcp_mmretrieval.types import Film
from tests.conftest import OpenLibrary
from tests.searching.conftest import LONGER, SHORT, Held
from tests.support.calls import add, cited
from tests.support.files import GREEN, PURPLE, RED, film, picture, recording, scanned_pdf
from tests.support.judges import Bluest, filled, opened
from tests.support.models import PATIENCE


def test_filters_hold_before_the_nearest_are_taken(library: Library, folder: Path) -> None:
    (folder / "far").mkdir()
    for number in range(30):
        picture(folder / f"{number}.png", (255, number, 0))
    picture(folder / "far" / "purple.png", PURPLE)
    add(library)
    filters = library.filters(under="far")
    assert cited(library, "red", filters=filters, limit=5) == ["far/purple.png"]


def test_what_is_searched_is_counted_once(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.md").write_text("the pump failed", encoding="utf-8")
    add(library)
    counting = Mock(wraps=scope_queries.totals_within)
    monkeypatch.setattr(scope_queries, "totals_within", counting)
    filters = library.filters(under="a.md")
    for _ in range(2):
        assert library.search("pump", filters=filters).searched.segments == 1
        assert counting.call_count == 1


def test_words_answer_while_the_models_load_and_the_answer_says_so(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "a.md").write_text("the pump failed", encoding="utf-8")
    library = open_library(state="loading")
    library.add().wait(PATIENCE)
    answer = library.search("pump")
    assert [hit.lanes for hit in answer.hits] == [("words",)]
    assert "words alone" in answer.notes[0]


def test_a_search_may_be_reranked_and_says_how_many_were(library: Library, folder: Path) -> None:
    (folder / "long.md").write_text("pump pump pump and a great deal more about pumps", encoding="utf-8")
    (folder / "short.md").write_text("a pump", encoding="utf-8")
    add(library)
    assert library.search("pump").reranked == 0
    answer = library.search("pump", rerank=True)
    assert answer.reranked == 2
    assert [Path(hit.path).name for hit in answer.hits] == ["short.md", "long.md"]


def test_a_deadline_that_has_come_leaves_the_order_and_says_so(library: Library, folder: Path) -> None:
    (folder / "a.md").write_text("a pump", encoding="utf-8")
    add(library)
    answer = library.search("pump", rerank=True, deadline=0.0)
    assert (len(answer.hits), answer.reranked) == (1, 0)
    assert any("deadline" in note for note in answer.notes)


def test_pages_are_looked_at_unasked_and_photos_only_when_asked(tmp_path: Path, folder: Path) -> None:
    filled(folder)
    judge = Bluest()
    with opened(tmp_path, folder, judge) as library:
        first = [hit.citation for hit in library.search("red", rerank=False).hits]
        unasked = library.search("red")
        assert unasked.reranked == 2
        assert all(isinstance(content, np.ndarray) for content in judge.seen)
        changed = [hit.citation for hit in unasked.hits]
        assert [name for name in changed if "png" in name] == [name for name in first if "png" in name]
        places = [number for number, name in enumerate(first) if "pdf" in name]
        assert [number for number, name in enumerate(changed) if "pdf" in name] == places
        assert [changed[number] for number in places] == ["pages.pdf#page=2", "pages.pdf#page=1"]
        assert [hit.relevance is not None for hit in unasked.hits] == ["pdf" in name for name in changed]
        asked = library.search("red", rerank=True)
        assert asked.reranked == 4
        assert {hit.citation for hit in asked.hits[:2]} == {"pages.pdf#page=2", "blue.png"}
        assert "rerank" in asked.elapsed_ms


def test_scores_still_fall_from_first_to_last(tmp_path: Path, folder: Path) -> None:
    filled(folder)
    with opened(tmp_path, folder, Bluest()) as library:
        scores = [hit.score for hit in library.search("red", rerank=True).hits]
        assert scores == sorted((hit.score for hit in library.search("red", rerank=False).hits), reverse=True)


def test_a_sound_is_read_by_its_transcript_and_a_film_is_looked_at(tmp_path: Path, folder: Path) -> None:
    recording(folder / "low.wav", (200.0, 2.0))
    film(folder / "green.mp4", (GREEN, 2.0), hertz=200.0)
    judge = Bluest()
    with opened(tmp_path, folder, judge) as library:
        assert library.search("low tone", rerank=True).reranked == 2
        assert {type(content) for content in judge.seen} == {str, Film}


def test_no_more_than_the_depth_are_looked_at(tmp_path: Path, folder: Path) -> None:
    for number in range(6):
        (folder / f"{number}.md").write_text(f"a valve {'!' * number}", encoding="utf-8")
    with opened(tmp_path, folder, Bluest(), rerank_depth=3) as library:
        assert library.search("valve").reranked == 3


def test_a_file_that_is_gone_keeps_its_place_and_is_not_counted(tmp_path: Path, folder: Path) -> None:
    filled(folder)
    with opened(tmp_path, folder, Bluest()) as library:
        (folder / "blue.png").unlink()
        answer = library.search("red", rerank=True)
        assert answer.reranked == 3
        assert next(hit for hit in answer.hits if hit.citation == "blue.png").relevance is None


@pytest.mark.parametrize("wanted", [None, True])
def test_a_reranker_that_does_not_load_keeps_the_order_and_is_named(
    tmp_path: Path, folder: Path, wanted: bool | None
) -> None:
    filled(folder)
    with opened(tmp_path, folder, None) as library:
        answer = library.search("red", rerank=wanted)
        assert answer.hits == library.search("red", rerank=False).hits
        assert answer.notes == ("Not reranked: tiny: does not load. Set MMRETRIEVAL_RERANKER to off.",)


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


def test_a_hit_in_a_file_that_was_read_in_part_says_what_is_missing(open_library: OpenLibrary, folder: Path) -> None:
    scanned_pdf(folder / "long.pdf", [RED, GREEN, PURPLE])
    picture(folder / "red.png", RED)
    library = open_library(max_pages=1)
    add(library)
    (note,) = library.search("red").notes
    assert note.startswith("long.pdf was read in part: ")
    assert "the limit is 1 pages" in note
