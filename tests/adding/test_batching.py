"""Vectors of whole documents, made together and ahead; and what a model trips over, alone."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Unfit
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import Content, Vectors
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, GREEN, RED, film, picture, scanned_pdf
from tests.support.models import PATIENCE, ColourEmbedder, ModelsByHand


def test_a_passage_amid_a_section_is_found_by_the_meaning_of_its_heading(library: Library, folder: Path) -> None:
    one, two, three = (" ".join(f"Thing {at} in here has no name." for at in range(n, n + 40)) for n in (0, 40, 80))
    (folder / "a.md").write_text(f"# Red\n\n{one}\n\n{two}\n\n# Blue\n\n{three}", encoding="utf-8")
    add(library)
    found = library.search("red", lanes=("text",)).hits
    likeness = {hit.segment.place.first: hit.score for hit in found if hit.segment.heading == "Red"}
    others = [hit.score for hit in found if hit.segment.heading != "Red"]
    assert len(likeness) > 1
    assert min(likeness.values()) > max(others, default=0.0)


def add(library: Library) -> None:
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)


class Looking(ColourEmbedder):
    """Wants large pages and small frames, and remembers how large what it was given was."""

    picture_side, frame_side = 1_615, 48

    def __init__(self) -> None:
        super().__init__("looking")
        self.seen: set[tuple[int, ...]] = set()

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        self.seen |= {content.shape for content in contents if isinstance(content, np.ndarray)}
        return super().embed_documents(contents, titles)


class LookingModels(ModelsByHand):
    """The same as the library's embedder."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._made = self.looking = Looking()


def test_pages_and_frames_reach_the_embedder_as_large_as_it_wants_them(tmp_path: Path, folder: Path) -> None:
    scanned_pdf(folder / "page.pdf", [RED])
    film(folder / "film.mp4", (BLUE, 2))
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    models = LookingModels(settings)
    with Library.open(settings=settings, models=models) as library:
        add(library)
        page, frame = (1_615, 1_154, 3), (32, 48, 3)
        assert models.looking.seen == {page, frame}
        for like, seen in (("page.pdf#page=1", page), ("film.mp4", frame)):
            models.looking.seen.clear()
            library.search(like=like, lanes=("picture",))
            assert models.looking.seen == {seen}


def refuse(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """Green pictures are too much for the model."""
    before = ColourEmbedder.embed_documents

    def embed(self: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        green = [
            row
            for row, content in enumerate(contents)
            if isinstance(content, np.ndarray) and content[..., 1].mean() > 200
        ]
        if green:
            raise Unfit(green, "too many pixels.") if error is Unfit else error("a shape does not fit")
        return before(self, contents, titles)

    monkeypatch.setattr(ColourEmbedder, "embed_documents", embed)


@pytest.mark.parametrize(
    ("error", "reason"), [(Unfit, "too many pixels"), (RuntimeError, "the model fails on it: RuntimeError")]
)
def test_a_page_that_the_model_does_not_take_in_is_named_in_a_note_and_the_others_are_found(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], reason: str
) -> None:
    refuse(monkeypatch, error)
    scanned_pdf(folder / "report.pdf", [RED, GREEN, BLUE])
    picture(folder / "red.png", RED)
    add(library)
    found = [hit.citation for hit in library.search("blue", lanes=("picture",)).hits]
    assert found[0] == "report.pdf#page=3"
    assert "report.pdf#page=2" not in found
    notes = {Path(info.path).name: info.notes for info in library.documents()[0]}
    assert notes["red.png"] == ()
    assert notes["report.pdf"] == (f"Found by words alone, without a vector: page=2 as picture ({reason})",)
    assert library.status().pending_vectors == 0


def test_a_document_of_which_nothing_could_be_embedded_for_an_unknown_reason_is_tried_again(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(folder / "green.png", GREEN)
    with monkeypatch.context() as broken:
        refuse(broken, RuntimeError)
        library = open_library()
        add(library)
        assert library.status().pending_vectors == 1
        library.close()
    again = open_library()
    assert again.settle(PATIENCE)
    assert again.status().pending_vectors == 0
    assert [hit.citation for hit in again.search("green", lanes=("picture",)).hits] == ["green.png"]


def test_a_note_about_vectors_takes_the_place_of_an_earlier_one(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned_pdf(folder / "report.pdf", [RED, GREEN])
    with monkeypatch.context() as small:
        refuse(small, Unfit)
        library = open_library()
        add(library)
        assert len(library.documents()[0][0].notes) == 1
        library.close()
    better = open_library(space="longer")
    assert better.settle(PATIENCE)
    assert better.documents()[0][0].notes == ()


# -- ahead ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture fills a batch."""
    monkeypatch.setattr("mcp_mmretrieval.adding.batching.BATCH_DECODED_BYTES", 1)


COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}


@pytest.mark.usefixtures("one_a_batch")
def test_the_next_batches_are_handed_over_while_one_is_embedded(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as the model gains from: each call here ends only once there are three."""
    three, before = threading.Barrier(3), ColourEmbedder.embed_documents

    def embed(self: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        if not isinstance(contents[0], str):
            three.wait(PATIENCE)
        return before(self, contents, titles)

    with monkeypatch.context() as waiting:
        waiting.setattr(ColourEmbedder, "embed_documents", embed)
        scanned_pdf(folder / "report.pdf", [RED, GREEN, BLUE, RED, GREEN, BLUE])
        add(library)
    assert library.status().pending_vectors == 0
    for page, colour in enumerate(COLOURS, 1):
        assert library.search(colour, lanes=("picture",)).hits[0].citation in (
            f"report.pdf#page={page}",
            f"report.pdf#page={page + 3}",
        )


@pytest.mark.usefixtures("one_a_batch")
def test_what_fails_goes_again_while_no_other_call_is_under_way(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have ended the process of the models, and with it the other calls, which are not at fault."""
    under_way, beside, guard = 0, list[int](), threading.Lock()
    tried, before = list[str](), ColourEmbedder.embed_documents

    def embed(self: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        nonlocal under_way
        with guard:
            under_way += 1
        try:
            if isinstance(contents[0], np.ndarray) and contents[0][..., 1].mean() > 200:
                tried.append("green")
                if len(tried) == 1:
                    raise Unfit((), "The process of the models did not survive this.")
                beside.append(under_way)
            return before(self, contents, titles)
        finally:
            with guard:
                under_way -= 1

    monkeypatch.setattr(ColourEmbedder, "embed_documents", embed)
    scanned_pdf(folder / "report.pdf", [GREEN, RED, BLUE, RED, BLUE])
    monkeypatch.setattr("mcp_mmretrieval.adding.embed_each._by_halves", again)
    add(library)
    assert (tried, beside) == (["green", "green"], [1])
    assert library.search("green", lanes=("picture",)).hits[0].citation == "report.pdf#page=1"
    assert library.documents()[0][0].notes == ()


def again(embedder: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str], error: Exception) -> object:
    return list(embedder.embed_documents(contents, titles))


def test_batches_are_filled_from_many_documents(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from those that wait behind the ones that are begun at a time, but not from all that there are."""
    monkeypatch.setattr("mcp_mmretrieval.adding.embedding.DOCUMENTS_AT_ONCE", 2)
    monkeypatch.setattr("mcp_mmretrieval.adding.embedding.DOCUMENTS_IN_A_ROW", 6)
    for number in range(9):
        (folder / f"{number}.md").write_text(f"red {number}", encoding="utf-8")
    without = open_library(state="loading", slow=True)
    without.add().wait(PATIENCE)
    without.close()
    lengths, before = list[int](), ColourEmbedder.embed_documents

    def embed(self: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        lengths.append(len(contents))
        return before(self, contents, titles)

    monkeypatch.setattr(ColourEmbedder, "embed_documents", embed)
    library = open_library()
    assert library.settle(PATIENCE)
    assert (library.status().pending_vectors, lengths) == (0, [6, 3])
    space = library._catalog.active_space()
    assert space is not None
    assert library._catalog.attempts(space.id) == {}


def test_closing_ends_what_is_decoded_ahead(open_library: OpenLibrary, folder: Path, tmp_path: Path) -> None:
    """And what was not embedded is embedded the next time."""
    for number in range(12):
        picture(folder / f"{number}.png", (number, 20, 200), (900, 900))
    without = open_library(state="loading", slow=True)
    without.add().wait(PATIENCE)
    without.close()
    library = open_library()
    library.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
    again = open_library()
    assert again.settle(PATIENCE)
    assert again.status().pending_vectors == 0
