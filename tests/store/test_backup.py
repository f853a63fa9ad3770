"""A backup holds what the catalog held at one moment; put back, it is the catalog, and nothing of before is lost."""

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import BadArgument, LibraryUnavailable
from mcp_mmretrieval.store import Catalog, Scope, Store
from mcp_mmretrieval.store.backup import back_up, restore
from tests.support.rows import fill, put, tear


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Thirty documents."""
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 30)
    return tmp_path / "library"


def held(folder: Path) -> int:
    """How many documents a library has, which is sound and of which nothing is wrong."""
    with Store.open(folder) as store:
        assert (store.catalog.check(), store.recovery.problems()) == ([], [])
        return store.catalog.counts(Scope(None)).documents


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "lock"}


def test_a_backup_is_one_file_of_the_persons_own_with_all_that_is_held(library: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    copied = back_up(library, tmp_path / "backups" / "one.db")
    assert (copied.documents, copied.segments, copied.vectors) == (30, 150, 150)
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["one.db"]
    assert stat.S_IMODE(copied.path.stat().st_mode) == 0o600
    catalog = Catalog(copied.path)
    assert catalog.check() == []
    catalog.close()


def test_a_library_is_backed_up_while_it_is_written_to(library: Path, tmp_path: Path) -> None:
    stop, begun = threading.Event(), threading.Event()
    with Store.open(library) as store:

        def add() -> None:
            number = 0
            while not stop.is_set():
                put(store.catalog, f"/r/{number}", ["one", "two", "three"])
                number += 1
                begun.set()

        adding = threading.Thread(target=add)
        adding.start()
        try:
            assert begun.wait(60)
            copied = [back_up(library, tmp_path / f"{number}.db") for number in range(5)]
        finally:
            stop.set()
            adding.join()
        put(store.catalog, "/r/last")
    counts = [each.documents for each in copied]
    assert counts == sorted(counts) and counts[0] > 30
    for each in copied:
        assert each.segments == 150 + 3 * (each.documents - 30)
        catalog = Catalog(each.path)
        assert catalog.check() == []
        assert catalog.counts(Scope(None)).documents == each.documents
        catalog.close()


def test_what_is_there_already_is_not_replaced(library: Path, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(BadArgument, match=r"diary\.txt: is there already"):
        back_up(library, tmp_path / "diary.txt")
    assert (tmp_path / "diary.txt").read_text() == "dear diary"


def test_a_place_where_nothing_can_be_made_is_told(library: Path, tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"one\.db: cannot be made there \(No such file or directory\)"):
        back_up(library, tmp_path / "nowhere" / "one.db")


def test_where_there_is_no_library_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(LibraryUnavailable, match="holds no library"):
        back_up(tmp_path / "typo", tmp_path / "one.db")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_catalog_gives_no_backup(library: Path, tmp_path: Path) -> None:
    tear(library / "catalog.db")
    with pytest.raises(LibraryUnavailable, match=r"damaged|cannot be copied"):
        back_up(library, tmp_path / "one.db")
    assert not list(tmp_path.glob("one.db*"))


def test_a_backup_takes_the_place_of_what_is_there_which_is_kept(library: Path, tmp_path: Path) -> None:
    copied = back_up(library, tmp_path / "one.db")
    with Store.open(library) as store:
        put(store.catalog, "/r/later")
        killed = tmp_path / "killed"
        shutil.copytree(library, killed)  # as a kill leaves it, with a log
    (killed / "index").mkdir(exist_ok=True)
    again = restore(copied.path, killed)
    assert (again.documents, again.replaced) == (30, killed / "catalog.db.before-restore-1")
    assert not (killed / "index").exists()
    assert held(killed) == 30
    assert copied.path.exists()
    back = restore(killed / "catalog.db.before-restore-1", killed)
    assert (back.documents, back.replaced) == (31, killed / "catalog.db.before-restore-2")
    assert held(killed) == 31


def test_a_backup_becomes_a_library_where_there_is_none(library: Path, tmp_path: Path) -> None:
    copied = back_up(library, tmp_path / "one.db")
    copied.path.chmod(0o400)
    assert restore(copied.path, tmp_path / "other").replaced is None
    assert held(tmp_path / "other") == 30


def test_a_backup_of_the_session_that_was_killed_may_also_be_put_back_by_hand(library: Path, tmp_path: Path) -> None:
    with Store.open(library) as store:
        copied = back_up(library, tmp_path / "one.db")
        put(store.catalog, "/r/later", ["words " * 5_000])
        killed = tmp_path / "killed"
        shutil.copytree(library, killed)
    shutil.copy(copied.path, killed / "catalog.db")
    with Store.open(killed) as store:
        assert store.catalog.check() == []
        assert store.catalog.counts(Scope(None)).documents == 30
        assert "set aside" in store.recovery.problems()[0]


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE diary (day, entry)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (newer, "newer mcp-mmretrieval"),
        (foreign, "is no catalog of mcp-mmretrieval"),
        (tear, "damaged|cannot be copied"),
        (lambda path: path.write_bytes(b"garbage " * 5_000), "cannot be copied|no catalog"),
        (lambda path: path.write_bytes(b""), "is no catalog of mcp-mmretrieval"),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "damaged|cannot be copied"),
        (os.unlink, "there is no such file"),
    ],
)
def test_what_is_no_sound_backup_changes_nothing(
    library: Path, tmp_path: Path, harm: Callable[[Path], object], told: str
) -> None:
    copied = back_up(library, tmp_path / "one.db")
    harm(copied.path)
    before = files(library)
    with pytest.raises((BadArgument, LibraryUnavailable), match=told):
        restore(copied.path, library)
    assert files(library) == before


def test_a_library_that_is_open_is_not_replaced(library: Path, tmp_path: Path) -> None:
    copied = back_up(library, tmp_path / "one.db")
    with Store.open(library) as store:
        with pytest.raises(LibraryUnavailable, match=f"pid {os.getpid()}"):
            restore(copied.path, library)
        put(store.catalog, "/r/later")
    assert held(library) == 31
