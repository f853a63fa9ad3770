"""What a library says of how it fares."""

import os
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.errors import IndexUnavailable
from mcp_mmretrieval.store import index
from tests.conftest import OpenLibrary
from tests.support.chroma_server import ChromaServer
from tests.support.engines import until
from tests.support.files import BLUE, picture

PATIENCE = 60.0


def test_what_has_no_vectors_yet_is_counted(open_library: OpenLibrary, folder: Path) -> None:
    picture(folder / "a.png")
    picture(folder / "b.png", BLUE)
    library = open_library(state="loading", slow=True)
    outcome = library.add().wait(PATIENCE)
    assert (outcome.added, outcome.pending_vectors) == (2, 2)
    assert library.status().pending_vectors == 2


def test_whether_there_is_an_index_is_said_in_words(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(folder / "a.png")
    library = open_library()
    library.add().wait(PATIENCE)
    assert library.settle(PATIENCE)
    store = library._shared.store
    assert store.index.wait(PATIENCE)
    count = store.index.status().total
    assert count
    assert library.status().index == f"not needed: each of {count} vectors is compared"
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
    picture(folder / "b.png", BLUE)
    library.add().wait(PATIENCE)
    assert library.settle(PATIENCE)
    assert store.index.wait(PATIENCE)
    count = store.index.status().total
    assert library.status().index == f"ready: {count} of {count} vectors"


def test_a_server_of_the_index_that_is_away_is_a_problem_and_words_answer(
    open_library: OpenLibrary, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
    picture(folder / "a.png")
    (folder / "pump.md").write_text("a slow pump", encoding="utf-8")
    server = ChromaServer(tmp_path / "data")
    server.start()
    library = open_library(index=server.address)
    library.add().wait(PATIENCE)
    assert library.settle(PATIENCE)
    assert library._shared.store.index.wait(PATIENCE)
    count = library._shared.store.index.status().total
    assert library.status().index == f"ready: {count} of {count} vectors on {server.address}"
    server.kill()
    assert {"words", "text"} <= set(library.search("pump").hits[0].lanes)
    until(lambda: library.status().index.startswith("away"))
    assert any(problem.startswith("The server of the vector index is away: ") for problem in library.status().problems)
    monkeypatch.setattr(index, "MAX_SCANNED_WHILE_AWAY", 0)
    answer = library.search("pump")
    assert answer.hits[0].lanes == ("words",)
    assert any(note.startswith(f"The text lane was left out. The index on {server.address}") for note in answer.notes)
    with pytest.raises(IndexUnavailable, match="too many to compare with each"):
        library.search(like=str(folder / "a.png"))


def test_an_allowed_folder_that_does_not_exist_is_a_problem_and_adding_says_so(
    open_library: OpenLibrary, folder: Path, tmp_path: Path
) -> None:
    library = open_library(roots=(folder, tmp_path / "typo"))
    assert [problem for problem in library.status().problems if "does not exist" in problem] == [
        f"The allowed folder {tmp_path / 'typo'} does not exist, so nothing in it can be read. "
        "Correct --root, or make it."
    ]
    for paths in ([], [str(tmp_path / "typo")], [str(tmp_path / "typo" / "a.pdf")], ["a.pdf"]):
        (failure,) = library.add(paths).wait(PATIENCE).failed
        assert f"{tmp_path / 'typo'}" in failure.reason + failure.path
        assert "does not exist" in failure.reason


def test_a_file_of_the_library_that_goes_away_meanwhile_counts_nothing(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = open_library()
    going = library.settings.library / "catalog.db-journal"
    going.write_bytes(bytes(10_000_000))
    stat = os.stat

    def gone_soon(path: Any, **options: Any) -> os.stat_result:
        found = stat(path, **options)
        if str(path) == str(going):
            going.unlink()
        return found

    monkeypatch.setattr(os, "stat", gone_soon)
    assert library.status().bytes > 0
    assert 0 < library.status().bytes < 10_000_000


def test_an_index_that_cannot_be_used_is_a_problem(
    open_library: OpenLibrary, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    picture(folder / "a.png")
    (tmp_path / "library" / "index.lock").mkdir(parents=True)
    library = open_library()
    library.add().wait(PATIENCE)
    assert library.settle(PATIENCE)
    until(lambda: library._shared.store.index.status().state == "failed")
    (problem,) = library.status().problems
    assert problem.startswith(f"The vector index in {tmp_path / 'library'} cannot be used (")
    assert "index.lock" in problem and "mcp-mmretrieval check" in problem
