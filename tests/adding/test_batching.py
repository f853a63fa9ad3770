"""Vectors of whole documents, together; and what a model trips over, alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.adding.batching import embed_each
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import Content, Vectors
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, GREEN, RED, picture, scanned_pdf
from tests.support.models import PATIENCE, ColourEmbedder


class Picky(ColourEmbedder):
    """Trips over texts that say `bad`, refuses those that say `long`, and makes nothing finite of `odd` ones."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        self.calls += 1
        texts = [str(content) for content in contents]
        assert not titles or list(titles) == [f"title of {text}" for text in texts]
        if any("lost" in text for text in texts):
            raise DeviceLost("The device is gone. Start again.")
        if long := [row for row, text in enumerate(texts) if "long" in text]:
            raise Unfit(long, "too long")
        if any("bad" in text for text in texts):
            raise RuntimeError("a shape does not fit")
        vectors = super().embed_documents(contents)
        vectors[[row for row, text in enumerate(texts) if "odd" in text]] = np.nan
        return vectors


def test_one_bad_content_costs_the_others_nothing_and_keeps_their_order() -> None:
    texts = ["red", "bad", "blue", "long red", "odd", *["green"] * 40, "bad too", "red"]
    model = Picky()
    found = embed_each(model, texts, [f"title of {text}" for text in texts])
    without = [text for text, one in zip(texts, found, strict=True) if isinstance(one, Exception)]
    assert without == ["bad", "long red", "odd", "bad too"]
    for text, one in zip(texts, found, strict=True):
        if not isinstance(one, Exception):
            assert one.tolist() == pytest.approx(ColourEmbedder().embed_documents([text])[0].tolist())
    assert model.calls < 30
    assert [type(one) for one in embed_each(model, ["bad"])] == [RuntimeError]
    assert embed_each(model, []) == []


def test_a_device_that_is_lost_is_no_contents_fault() -> None:
    with pytest.raises(ModelUnavailable):
        embed_each(Picky(), ["red", "lost"])


def test_a_passage_amid_a_section_is_found_by_the_meaning_of_its_heading(library: Library, folder: Path) -> None:
    plain = "Nothing in here has a name. " * 40
    (folder / "a.md").write_text(f"# Red\n\n{plain}\n\n{plain}\n\n# Blue\n\n{plain}", encoding="utf-8")
    add(library)
    found = library.search("red", lanes=("text",)).hits
    likeness = {hit.segment.place.first: hit.score for hit in found if hit.segment.heading == "Red"}
    others = [hit.score for hit in found if hit.segment.heading != "Red"]
    assert len(likeness) > 1
    assert min(likeness.values()) > max(others, default=0.0)


def add(library: Library) -> None:
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)


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
