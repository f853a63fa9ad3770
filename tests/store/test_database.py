"""One file, many readers, one writer: what is undone, what waits for the disk, what a full disk costs."""

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import Catalog, JobRow, Scope, Store, catalog_file, database
from mcp_mmretrieval.store.database import Database
from mcp_mmretrieval.store.fulltext import query_terms
from tests.support.rows import SPACE, embed, fill, held, put
from tests.support.threads import until


def test_the_log_is_emptied_unless_somebody_reads(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    put(catalog, "/r/one")
    log = tmp_path / "catalog.db-wal"
    with catalog._database.reading() as db:
        db.execute("SELECT count(*) FROM documents").fetchone()
        put(catalog, "/r/two")
        assert not catalog._database.checkpoint()
    assert log.stat().st_size
    assert catalog._database.checkpoint()
    assert log.stat().st_size == 0
    catalog.close()
    assert not catalog._database.checkpoint()


def test_a_log_without_its_shared_memory_is_read(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    put(catalog, "/r/a", ["still in the log"])
    (tmp_path / "copy").mkdir()
    for name in ("catalog.db", "catalog.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    catalog.close()
    copy = Catalog(tmp_path / "copy" / "catalog.db")
    assert copy.words(query_terms("log"), Scope(), depth=1)
    copy.close()


def test_only_what_may_be_lost_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    writer = catalog._database._writer
    space = catalog.space(SPACE)
    put(catalog, "/r/a")
    waits = {1: False, 2: True}
    steps: list[tuple[Callable[[], object], bool]] = [
        (lambda: catalog.attempt(space, [held(catalog, "/r/a")]), False),
        (lambda: embed(catalog, space, held(catalog, "/r/a")), True),
        (lambda: catalog.follow(space, "text", 1), False),
        (catalog.unfollow, True),
        (lambda: catalog.put_job(JobRow(id="a", key="a", asked="{}", state="done", outcome="{}")), False),
        (lambda: catalog.put_job(JobRow(id="b", key="b", asked="{}", state="running", outcome="{}")), True),
        (lambda: put(catalog, "/r/b"), True),
    ]
    for write, waiting in steps:
        write()
        assert waits[writer.execute("PRAGMA synchronous").fetchone()[0]] is waiting
    catalog.close()


def test_bookkeeping_wakes_nobody_and_makes_nothing_known_old(tmp_path: Path) -> None:
    woken: list[str] = []
    catalog = Catalog(tmp_path / "catalog.db", on_commit=lambda: woken.append("woken"))
    space = catalog.space(SPACE)
    put(catalog, "/r/a")
    names = catalog.names(Scope())
    woken.clear()
    catalog.attempt(space, [held(catalog, "/r/a")])
    catalog.follow(space, "text", 1)
    catalog.put_job(JobRow(id="a", key="a", asked="{}", state="done", outcome="{}"))
    assert (woken, catalog.names(Scope()) is names) == ([], True)
    embed(catalog, space, held(catalog, "/r/a"))
    assert (woken, catalog.names(Scope()) is names) == (["woken"], True)
    put(catalog, "/r/b")
    assert catalog.names(Scope()) is not names
    catalog.close()


def test_a_closed_library_says_so(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    catalog.close()
    catalog.close()
    with pytest.raises(LibraryUnavailable, match="closed"):
        list(catalog.files_under("/"))
    with pytest.raises(LibraryUnavailable, match="closed"):
        put(catalog, "/r/a")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], check=False, capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("a file system of its own needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_adding_with_a_clear_word_and_never_searching(small_disk: Path) -> None:
    with Store.open(small_disk / "library") as store:
        catalog = store.catalog
        space, vectors = fill(catalog, 10)
        kept = [f"/r/f{number}" for number in range(10)]
        with pytest.raises(LibraryUnavailable, match="disk"):
            for number in range(10_000):
                put(catalog, f"/r/g{number}", ["harbour " * 2000])
                kept.append(f"/r/g{number}")
        with pytest.raises(LibraryUnavailable, match="disk"):
            put(catalog, "/r/never", ["harbour " * 2000])
        assert [file.path for file in catalog.files_under("/r")] == sorted(kept)
        assert catalog.words(query_terms("harbour"), Scope(), depth=5)
        assert store.index.nearest(space, "text", vectors[:1], Scope(), depth=5)
        subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
        put(catalog, "/r/later", ["there is room again"])
        assert held(catalog, "/r/later")
        assert catalog.check() == []


def test_a_library_on_a_full_disk_asks_for_space_and_loses_nothing(small_disk: Path) -> None:
    with Store.open(small_disk / "library") as store:
        fill(store.catalog, 10)
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="space"):
        while True:
            ballast.write(bytes(4096))
    with pytest.raises(LibraryUnavailable, match="Free some disk space"):
        Store.open(small_disk / "library")
    (small_disk / "ballast").unlink()
    with Store.open(small_disk / "library") as store:
        assert len(list(store.catalog.files_under("/r"))) == 10


def named(path: Path) -> set[str]:
    with Database(path).reading() as db:
        return {id for (id,) in db.execute("SELECT identity FROM readings")}


def name(db: sqlite3.Connection, reading: str) -> None:
    db.execute("INSERT INTO readings(identity) VALUES (?)", (reading,))


def test_what_raises_within_a_transaction_undoes_its_own_part_alone(tmp_path: Path) -> None:
    base = Database(tmp_path / "catalog.db")
    with base.writing() as db:
        name(db, "before")
        with pytest.raises(RuntimeError), base.writing() as part:
            name(part, "undone")
            raise RuntimeError
        with base.writing() as part:
            name(part, "after")
    assert named(tmp_path / "catalog.db") == {"before", "after"}


def test_a_transaction_that_raises_takes_its_parts_with_it(tmp_path: Path) -> None:
    base = Database(tmp_path / "catalog.db")
    with pytest.raises(RuntimeError), base.writing() as db:
        with base.writing() as part:
            name(part, "part")
        name(db, "whole")
        raise RuntimeError
    assert named(tmp_path / "catalog.db") == set()


def test_threads_that_write_together_share_commits_and_each_has_its_own_answer(tmp_path: Path) -> None:
    commits = list[int]()
    base = Database(tmp_path / "catalog.db", on_commit=lambda: commits.append(1))
    answers, raised = dict[int, str](), list[int]()

    def write(number: int) -> None:
        def work(db: sqlite3.Connection) -> str:
            name(db, f"n{number}")
            if number % 4 == 3:
                raise RuntimeError(str(number))
            return f"n{number}"

        try:
            answers[number] = base.write_together(work)
        except RuntimeError as error:
            raised.append(int(str(error)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    with base._write_lock:  # as long as another transaction would last
        for thread in threads:
            thread.start()
        until(lambda: len(base._wanted) == 12)
    for thread in threads:
        thread.join()
    assert len(commits) == 1
    assert sorted(raised) == [3, 7, 11]
    kept = {number: f"n{number}" for number in range(12) if number % 4 != 3}
    assert answers == kept
    assert named(tmp_path / "catalog.db") == set(kept.values())


def test_each_of_those_who_write_together_is_told_that_the_commit_failed(tmp_path: Path) -> None:
    base = Database(tmp_path / "catalog.db")
    told = list[str]()

    def write(number: int) -> None:
        def work(db: sqlite3.Connection) -> None:
            # a document's reading has to be there when the transaction ends, which is when this is looked at
            db.execute("PRAGMA defer_foreign_keys = ON")
            db.execute("INSERT INTO pending VALUES (?, 0, ?)", (number, number))

        try:
            base.write_together(work)
        except sqlite3.IntegrityError as error:
            told.append(str(error))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    with base._write_lock:
        for thread in threads:
            thread.start()
        until(lambda: len(base._wanted) == 3)
    for thread in threads:
        thread.join()
    assert told == ["FOREIGN KEY constraint failed"] * 3
    with base.writing() as db:
        name(db, "later")
    assert named(tmp_path / "catalog.db") == {"later"}


def test_readers_that_only_many_at_once_need_remember_little_of_the_file(tmp_path: Path) -> None:
    base = Database(tmp_path / "catalog.db")
    inside, ended = threading.Barrier(database.FULL_READERS + 3), threading.Barrier(database.FULL_READERS + 3)
    sizes = list[int]()

    def read() -> None:
        with base.reading() as db:
            inside.wait(60)
            sizes.append(-db.execute("PRAGMA cache_size").fetchone()[0])
            ended.wait(60)

    threads = [threading.Thread(target=read) for _ in range(database.FULL_READERS + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sizes) == [database.OTHERS_CACHE_KB] * 3 + [catalog_file.CACHE_KB] * database.FULL_READERS
    with base.reading() as db:  # alone, one of the former
        assert db.execute("PRAGMA cache_size").fetchone()[0] == -catalog_file.CACHE_KB
    base.close()
