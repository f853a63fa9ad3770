"""Reranking a search, and the tool: what is looked at, in which order it comes out, and what the answer says of it."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.scoring import Scores, ScoringCosts, ScoringItem, score_in_time, text_item
from mcp_mmretrieval.types import Content, Film, Modality, Sound
from tests.support.files import GREEN, PURPLE, RED, film, picture, recording, scanned_pdf
from tests.support.models import PATIENCE, ModelsByHand


class Bluest:
    """Looks at pictures and films and prefers blue ones; of texts the short ones."""

    name = "bluest"
    by_default: frozenset[Modality] = frozenset({"page", "text"})
    blends = False

    def __init__(self) -> None:
        self.seen: list[Content] = []

    def reads(self, content: Content) -> bool:
        return not isinstance(content, Sound)

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        self.seen += contents
        return [self._score(content) for content in contents]

    def _score(self, content: Content) -> float:
        if isinstance(content, str):
            return 1 / (10 + len(content))
        shown = content.pictures[0] if isinstance(content, Film) else content
        assert isinstance(shown, np.ndarray)
        return float(shown[..., 2].mean() / 255)


class Models(ModelsByHand):
    """With a reranker as a person names it, or with none that loads."""

    def __init__(self, settings: Settings, reranker: Reranker | None) -> None:
        super().__init__(settings)
        self._given = reranker

    @property
    def reranks(self) -> bool:
        return True

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        if self._given is None:
            raise ModelUnavailable("tiny: does not load. Set MMRETRIEVAL_RERANKER to off.")
        return self._given


def opened(tmp_path: Path, folder: Path, reranker: Reranker | None, **given: object) -> Library:
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1, **given)
    library = Library.open(settings=settings, models=Models(settings, reranker))
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)
    return library


def filled(folder: Path) -> None:
    scanned_pdf(folder / "pages.pdf", [RED, PURPLE])
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", PURPLE)


# -- a search ---------------------------------------------------------------------------------------------------------


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


# -- time -------------------------------------------------------------------------------------------------------------


def test_pairs_of_known_cost_are_begun_only_if_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def score(contents: Sequence[Content]) -> Scores:
        nonlocal now
        now += 1.0 * len(contents)
        return [0.5] * len(contents)

    blank = np.zeros((8, 8, 3), np.uint8)
    pages = [ScoringItem("picture", lambda _: blank)] * 20
    costs = ScoringCosts()
    assert (
        len(score_in_time(score, pages, DeadlineClock(4.5), costs, "slow")) == 4
    )  # the first alone, the others as they fit
    assert costs.known == {("slow", "picture"): 1.0}
    assert score_in_time(score, pages, DeadlineClock(0.9), costs, "slow") == []
    assert len(score_in_time(score, [text_item("a")] * 3, DeadlineClock(4.5), costs, "slow")) == 3


def test_contents_are_loaded_while_others_are_scored_and_errors_are_the_askers() -> None:
    reached = threading.Event()

    def later(_: threading.Event) -> Content:
        reached.set()
        return np.zeros((8, 8, 3), np.uint8)

    def score(contents: Sequence[Content]) -> Scores:
        assert reached.wait(PATIENCE)
        return [0.5] * len(contents)

    def gone(_: threading.Event) -> Content:
        raise UnreadableMedia("corrupt", "no such page")

    def broken(_: threading.Event) -> Content:
        raise BadArgument("a bug")

    one = ScoringItem("picture", lambda _: np.zeros((8, 8, 3), np.uint8))
    wanted = [one, ScoringItem("film", later), ScoringItem("film", gone)]
    assert score_in_time(score, wanted, DeadlineClock(PATIENCE), ScoringCosts()) == [0.5, 0.5, None]
    with pytest.raises(BadArgument, match="a bug"):
        score_in_time(score, [ScoringItem("film", broken)], DeadlineClock(None), ScoringCosts())


# -- the tool ---------------------------------------------------------------------------------------------------------


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
