"""What a kill left behind is replayed into the catalog that it belongs to, and into no other."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest

from mcp_mmretrieval.store import Scope, Store, write_ahead_log
from mcp_mmretrieval.store.database import Database
from tests.support.rows import document_ids, fill, put


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """The catalog of thirty documents, copied while nothing had it open."""
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 30)
    copy = tmp_path / "backup.db"
    shutil.copy(tmp_path / "library" / "catalog.db", copy)
    return copy


@pytest.fixture
def killed(tmp_path: Path, backup: Path) -> Path:
    """The library with twenty more documents, as a kill leaves it: they stand in the log alone."""
    folder = tmp_path / "killed"
    with Store.open(tmp_path / "library") as store:
        for number in range(20):
            put(store.catalog, f"/r/later{number}", [f"later {number} " + "words " * 500])
        shutil.copytree(tmp_path / "library", folder)
    assert (folder / "catalog.db-wal").stat().st_size > 100_000
    return folder


def held(store: Store) -> int:
    return store.catalog.counts(Scope(None)).documents


def test_the_log_of_a_kill_is_replayed(killed: Path) -> None:
    with Store.open(killed) as store:
        assert store.recovery.quick_check is not None
        assert store.recovery.quick_check.wait(60)
        assert (held(store), store.recovery.problems(), store.catalog.check()) == (50, [], [])
    with Store.open(killed) as store:
        assert store.recovery.quick_check is None


def test_a_backup_in_the_place_of_the_catalog_is_not_ruined_by_the_log(killed: Path, backup: Path) -> None:
    log = (killed / "catalog.db-wal").read_bytes()
    shutil.copy(backup, killed / "catalog.db")
    for _ in range(2):
        with Store.open(killed) as store:
            assert (held(store), store.catalog.check()) == (30, [])
            (problem,) = store.recovery.problems()
            assert "catalog.db.aside-1-wal" in problem and "another catalog" in problem
    assert (killed / "catalog.db.aside-1-wal").read_bytes() == log
    for part in write_ahead_log.parts_set_aside(killed / "catalog.db"):
        part.unlink()
    with Store.open(killed) as store:
        assert store.recovery.problems() == []


def test_a_log_that_comes_to_a_catalog_that_was_closed_is_not_replayed(killed: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "other") as store:
        put(store.catalog, "/r/own")
    assert not (tmp_path / "other" / "catalog.db-wal").exists()
    shutil.copy(killed / "catalog.db-wal", tmp_path / "other")
    with Store.open(tmp_path / "other") as store:
        assert (held(store), store.catalog.check()) == (1, [])
        assert "catalog.db.aside-1-wal" in store.recovery.problems()[0]


def test_who_looks_into_a_catalog_that_was_closed_is_not_disturbed(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        put(store.catalog, "/r/own")
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as browser:
        assert browser.execute("SELECT count(*) FROM documents").fetchone() == (1,)
        assert (tmp_path / "catalog.db-wal").exists()
        with Store.open(tmp_path) as store:
            put(store.catalog, "/r/more")
            assert store.recovery.problems() == []
            assert browser.execute("SELECT count(*) FROM documents").fetchone() == (2,)


def test_a_kill_after_a_library_was_closed_and_opened_again_loses_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with Store.open(tmp_path / "library") as store:
            put(store.catalog, f"/r/{name}")
            shutil.copytree(tmp_path / "library", tmp_path / name)
    for number, name in enumerate(("one", "two"), 1):
        with Store.open(tmp_path / name) as store:
            assert (held(store), store.recovery.problems()) == (number, [])


def test_a_catalog_that_is_gone_does_not_come_back_in_pieces_and_is_told(killed: Path) -> None:
    (killed / "catalog.db").unlink()
    with Store.open(killed) as store:
        assert (held(store), store.catalog.check()) == (0, [])
        gone, aside = store.recovery.problems()
        assert "was gone" in gone and "mcp-mmretrieval backup --restore FILE" in gone
        assert "catalog.db.aside-1-wal" in aside
        put(store.catalog, "/r/new")
    with Store.open(killed) as store:
        assert held(store) == 1


def test_a_library_of_before_keeps_its_log(killed: Path) -> None:
    (killed / "catalog.stamp").unlink()
    with Store.open(killed) as store:
        assert (held(store), store.recovery.problems()) == (50, [])


@pytest.mark.parametrize("when", ["nothing", "noted", "written", "checkpointed"])
def test_a_kill_while_the_catalog_is_stamped_loses_nothing(killed: Path, tmp_path: Path, when: str) -> None:
    after = tmp_path / "after"
    notes = 0

    def note(catalog: Path, marks: list[str]) -> None:
        nonlocal notes
        notes += 1
        if (when, notes) in {("nothing", 1), ("checkpointed", 2)}:
            shutil.copytree(killed, after)
        write_note(catalog, marks)
        if (when, notes) == ("noted", 1):
            shutil.copytree(killed, after)

    def checkpoint(database: Database) -> bool:
        if when == "written":
            shutil.copytree(killed, after)
        return empty_log(database)

    write_note, empty_log = write_ahead_log._note, Database.checkpoint
    with (
        patch.object(write_ahead_log, "_note", note),
        patch.object(Database, "checkpoint", checkpoint),
    ):
        store = Store.open(killed)
    store.close()
    assert len(document_ids_of(after)) == 50


def document_ids_of(folder: Path) -> list[str]:
    with Store.open(folder) as store:
        assert store.recovery.problems() == []
        return document_ids(store.catalog, Scope(None))


def test_a_library_is_opened_where_no_mark_can_be_written(killed: Path) -> None:
    full = OSError(28, "No space left on device")
    with patch.object(write_ahead_log, "_note", side_effect=full), Store.open(killed) as store:
        assert held(store) == 50
    with Store.open(killed) as store:
        assert (held(store), store.recovery.problems()) == (50, [])
    assert len(json.loads((killed / "catalog.stamp").read_text())) == 1


def test_parts_are_set_aside_under_names_that_are_free(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.db"
    for _ in range(2):
        (tmp_path / "catalog.db-wal").mkdir()
        write_ahead_log.set_foreign_parts_aside(catalog)
    names = [path.name for path in write_ahead_log.parts_set_aside(catalog)]
    assert names == ["catalog.db.aside-1-wal", "catalog.db.aside-2-wal"]
