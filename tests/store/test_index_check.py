"""Whether an index has what the catalog says is found out for all of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import Catalog, Store, index
from mcp_mmretrieval.store.index_check import discard_index, examine_index
from mcp_mmretrieval.store.records import IndexClaim
from tests.support.rows import fill

PATIENCE = 60.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed library of a hundred vectors, which has an index."""
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 10)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 20)
        assert store.index.wait(PATIENCE)
    return tmp_path / "library"


@pytest.fixture
def catalog(folder: Path) -> Iterator[Catalog]:
    with closing(Catalog(folder / "catalog.db")) as catalog:
        yield catalog


def test_a_sound_index_is_told_and_left_as_it_was_closed(folder: Path, catalog: Catalog) -> None:
    found = examine_index(folder / "index", catalog)
    assert (found.text, found.sound) == ("it has 100 of 100 vectors", True)
    assert (folder / "index.closed").exists()


def test_what_it_has_not_followed_yet_is_counted(folder: Path, catalog: Catalog) -> None:
    fill(catalog, 2, root="/later")
    found = examine_index(folder / "index", catalog)
    assert found.sound
    assert found.text.startswith("it has 100 of 110 vectors; 10 are added")


def test_one_on_a_server_is_not_looked_for_in_the_folder(folder: Path, catalog: Catalog) -> None:
    catalog.unfollow(IndexClaim("mmr-1", ("an engine",)))
    found = examine_index(folder / "index", catalog)
    assert found.sound
    assert found.text.startswith("it is on a server, in the collections mmr-1-")


@pytest.mark.parametrize("harm", ["vectors", "folder", "link"])
def test_a_damaged_index_is_told_and_made_anew_once_it_was_discarded(
    folder: Path, catalog: Catalog, harm: str, tmp_path: Path
) -> None:
    place = folder / "index"
    if harm == "vectors":
        (data,) = place.rglob("chroma.sqlite3")
        data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    else:
        place.rename(tmp_path / "moved")
    if harm == "link":
        place.symlink_to(tmp_path / "moved")
    found = examine_index(place, catalog)
    assert not found.sound and found.text.startswith("it is damaged: ")
    discard_index(place, catalog)
    assert not place.exists()
    assert examine_index(place, catalog).text == "there is none, and it is made when the library is opened"
    catalog.close()
    with Store.open(folder) as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status().state == "ready"


def test_a_small_library_needs_none(tmp_path: Path) -> None:
    with closing(Catalog(tmp_path / "catalog.db")) as catalog:
        fill(catalog, 2)
        found = examine_index(tmp_path / "index", catalog)
    assert (found.text, found.sound) == ("there is none, and it is not needed for 10 vectors", True)


def test_an_index_that_nobody_can_look_at_is_not_called_damaged(
    folder: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.store.index_process.start_child", Mock(side_effect=OSError("no process")))
    with pytest.raises(LibraryUnavailable, match=r"cannot be looked at: .*no process"):
        examine_index(folder / "index", catalog)
