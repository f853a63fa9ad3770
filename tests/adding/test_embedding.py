"""The thread that gives vectors: what it waits for, what it puts off, and what it says of it."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.adding import document_vectors, embedding
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store import Scope
from mcp_mmretrieval.types import Content, Vectors
from tests.conftest import OpenLibrary
from tests.support.calls import add, cited
from tests.support.files import BLUE, RED, picture
from tests.support.models import PATIENCE, ColourEmbedder, ModelsByHand


def test_a_file_that_is_away_is_put_off_until_something_is_added_again(
    open_library: OpenLibrary, folder: Path, tmp_path: Path
) -> None:
    picture(folder / "red.png", RED, (300, 100))
    picture(folder / "blue.png", BLUE)
    without = open_library(state="loading", slow=True)
    assert add(without).added == 2
    without.close()
    (folder / "red.png").rename(tmp_path / "away.png")
    library = open_library()
    assert library.settle(PATIENCE)
    assert library.held() == (2, 1)
    assert cited(library, "sign", lanes=("words",)) == ["red.png"]  # by what was read in it
    (tmp_path / "away.png").rename(folder / "red.png")
    assert add(library).unchanged == 2
    assert library.held() == (2, 0)


def test_while_no_model_loads_nobody_waits_and_the_status_says_why(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "a.md").write_text("red", encoding="utf-8")
    library = open_library(state="loading", slow=True)
    add(library)
    assert (library.working, library.held()) == (False, (1, 1))
    assert "The embedder is still loading. Ask again in a few seconds." in library.status().problems


def test_what_is_committed_gets_its_vectors_without_being_asked_for(open_library: OpenLibrary, folder: Path) -> None:
    library = open_library()
    assert library.settle(PATIENCE)
    (folder / "a.md").write_text("red", encoding="utf-8")
    assert library.add().wait(PATIENCE).added == 1
    assert library.settle(PATIENCE)
    space = library._catalog.active_space()
    assert space is not None
    assert library._catalog.counts(Scope(), space=space.id).pending == 0
    assert library.search("red", lanes=("text",)).hits[0].lanes == ("text",)


def test_vectors_wait_a_while_where_one_small_file_after_the_other_is_read(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "READ_AT_ONCE_SECONDS", 60.0)
    thread = open_library()._opened.embedding
    began = time.monotonic()
    thread._let_read(3600.0)  # nothing was read
    thread.wake()
    thread._let_read(0.2)
    assert 0.2 <= time.monotonic() - began < 60.0
    threading.Timer(0.1, thread.close).start()
    thread._let_read(3600.0)
    assert time.monotonic() - began < 60.0


class Tiring(ColourEmbedder):
    """Embeds so many contents, and then is missing."""

    calls_at_once = 1

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most
        self.embedded = 0

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        if self.left < len(contents):
            raise ModelUnavailable("It is tired.")
        self.left -= len(contents)
        self.embedded += len(contents)
        return super().embed_documents(contents, titles)


class Spoiling(ColourEmbedder):
    """Trips over a window that names an ogre, and makes vectors too long of those that go with a goblin."""

    calls_at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.embedded = 0

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        if any("ogre" in str(content) for content in contents):
            raise ValueError("An ogre.")
        self.embedded += len(contents)
        vectors = super().embed_documents(contents, titles)
        return np.pad(vectors, ((0, 0), (0, any("goblin" in str(content) for content in contents))))


@pytest.mark.parametrize("line", [5, 560, 990])
def test_a_long_text_with_a_vector_that_cannot_be_stored_is_put_off_and_holds_up_nothing(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, line: int
) -> None:
    monkeypatch.setattr(document_vectors, "VECTORS_AT_ONCE", 250)
    monkeypatch.setattr(embedding, "RETRY_SECONDS", 0.05)
    lines = [*["A green field."] * line, "A goblin.", *["A blue sky."] * (1_000 - line)]
    (folder / "short.txt").write_text("A red boat.", encoding="utf-8")
    with opened_with(Spoiling(), tmp_path, folder) as library:
        assert add(library).added == 1
        assert library.settle(PATIENCE)
        (folder / "long.txt").write_text("\n\n".join(lines), encoding="utf-8")
        assert add(library).added == 1
        assert library.settle(PATIENCE)
        assert library.held() == (2, 1)
        assert cited(library, "red", lanes=("text",))[0] == "short.txt#char=0,11"
        thread = library._opened.embedding
        thread.wake()
        assert library.settle(PATIENCE)
        assert (thread.problem, library.held()) == ("", (2, 1))


def test_a_window_amid_a_long_text_that_the_model_trips_over_is_told_and_tried_once(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_vectors, "VECTORS_AT_ONCE", 250)
    lines = [*["A green field."] * 500, "An ogre.", *["A blue sky."] * 500]
    (folder / "long.txt").write_text("\n\n".join(lines), encoding="utf-8")
    embedder = Spoiling()
    with opened_with(embedder, tmp_path, folder) as library:
        assert add(library).added == 1
        assert library.settle(PATIENCE)
        assert library.held() == (1, 0)
        (document,) = library.documents()[0]
        assert any("as text (the model fails on it: ValueError)" in note for note in document.notes)
        assert embedder.embedded == 1_000


def opened_with(embedder: ColourEmbedder, tmp_path: Path, folder: Path) -> Library:
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    models = ModelsByHand(settings)
    models._made = embedder
    return Library.open(settings=settings, models=models)


def test_of_a_long_text_vectors_are_kept_and_found_before_all_are_made_and_none_is_made_twice(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_vectors, "VECTORS_AT_ONCE", 250)
    lines = [*["A green field."] * 300, "A red boat.", *["A blue sky."] * 699]
    (folder / "long.txt").write_text("\n\n".join(lines), encoding="utf-8")
    tired, rested = Tiring(600), Tiring(5_000)
    for embedder in (tired, rested):
        with opened_with(embedder, tmp_path, folder) as library:
            assert add(library).state == "done"
            library.settle(PATIENCE)
            assert library.held() == (1, embedder is tired)
            assert library.search("red", lanes=("text",)).hits[0].segment.text.count("A red boat.") == 1
    assert 0 < tired.embedded < 1_000
    assert rested.embedded + tired.embedded == 1_000 + 2  # and two questions
