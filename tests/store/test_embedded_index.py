"""When the index in a folder is opened, and when it has to go."""

import shutil
import threading
from collections import namedtuple
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import Catalog
from mcp_mmretrieval.store.chroma import ChromaFailed
from mcp_mmretrieval.store.embedded_index import MAX_INDEX_DEATHS, EmbeddedIndex
from mcp_mmretrieval.store.index_backend import UnsoundIndex
from mcp_mmretrieval.store.index_process import ProcessFailed
from mcp_mmretrieval.store.records import IndexClaim


@pytest.fixture
def backend(catalog: Catalog, tmp_path: Path) -> EmbeddedIndex:
    return EmbeddedIndex(tmp_path / "index", catalog)


def test_an_index_without_a_folder_has_to_be_made(backend: EmbeddedIndex) -> None:
    with pytest.raises(UnsoundIndex, match="no folder of its own"):
        backend.open(threading.Event())


def test_an_index_that_was_on_a_server_is_not_looked_for_in_the_folder(
    backend: EmbeddedIndex, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "index").mkdir()
    catalog.unfollow(IndexClaim("mmr-1", ("a", "b")))
    assert catalog.index_claim() == IndexClaim("mmr-1", ("a", "b"))
    with pytest.raises(UnsoundIndex, match="it was on a server, which may still have the collections mmr-1-"):
        backend.open(threading.Event())
    catalog.unfollow()
    assert catalog.index_claim() is None


def test_a_process_that_ended_proves_nothing_until_it_did_several_times(backend: EmbeddedIndex) -> None:
    told = [backend.is_unsound_after(ProcessFailed("it ended")) for _ in range(MAX_INDEX_DEATHS)]
    assert told == [False] * (MAX_INDEX_DEATHS - 1) + [True]


def test_a_failure_is_the_indexs_own_unless_the_catalog_or_the_disk_failed(
    backend: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backend.is_unsound_after(ChromaFailed("torn"))
    assert not backend.is_unsound_after(LibraryUnavailable("closed"))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 0))
    assert not backend.is_unsound_after(ChromaFailed("no room"))
    monkeypatch.setattr(shutil, "disk_usage", Mock(side_effect=OSError))
    assert not backend.is_unsound_after(ChromaFailed("no disk"))


def test_what_lies_in_the_place_of_an_index_goes_and_a_link_is_not_followed(
    backend: EmbeddedIndex, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "index").symlink_to(tmp_path / "kept")
    backend.remove()
    assert not (tmp_path / "index").is_symlink()
    assert (tmp_path / "kept").is_dir()
