import os
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import Catalog, JobRow, Scope, Store, database
from mcp_mmretrieval.store.database import Database
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.store.schema import MIGRATIONS, SCHEMA_VERSION, TABLES_SQL, TOTALS_SQL, VANISHED_SQL
from tests.support.rows import SPACE, embed, fill, held, put
from tests.support.threads import until


def made(path: Path) -> Path:
    """A catalog with some documents, closed."""
    catalog = Catalog(path)
    fill(catalog, 30)
    catalog.close()
    return path


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def older(path: Path) -> None:
    run(path, "PRAGMA user_version = 2")


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE diary (day, entry)")
    connection.commit()
    connection.close()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer": (newer, "newer mcp-mmretrieval"),
    "older": (older, "before the first release"),
    "foreign": (foreign, "not a catalog"),
    "garbage": (lambda path: path.write_bytes(b"garbage " * 5000), "damaged"),
    "empty": (lambda path: path.write_bytes(b""), "damaged"),
    "truncated": (lambda path: os.truncate(path, path.stat().st_size // 2), "damaged"),
    "header": (lambda path: path.write_bytes(b"\0" * 100 + path.read_bytes()[100:]), "damaged"),
}


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "unmounted" / "catalog.db")


@pytest.mark.parametrize(("harm", "told"), [(folder_instead, "is a folder"), (link_to_nothing, "leads to no file")])
def test_what_is_no_file_is_refused_and_left(tmp_path: Path, harm: Callable[[Path], None], told: str) -> None:
    path = made(tmp_path / "catalog.db")
    harm(path)
    for _ in range(2):
        with pytest.raises(LibraryUnavailable, match=f"catalog.db: {told}.*Move it away and bring a backup back"):
            Store.open(tmp_path)
    assert path.is_dir() or path.is_symlink()


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


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_catalog_that_cannot_be_used_is_refused_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    path = made(tmp_path / "catalog.db")
    harm, told = DAMAGES[damage]
    harm(path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(LibraryUnavailable, match=told):
            Store.open(tmp_path)
    assert path.read_bytes() == before


def schema(path: Path) -> list[tuple[str, str]]:
    """Names and definitions, without spaces: a column that was added later stands on a line of its own or not."""
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return [(name, re.sub(r"\s+", "", sql or "")) for name, sql in found]


def run(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def age(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of the version before, and the step that leads from it to today's."""
    run(path, f"DROP TABLE chosen; PRAGMA user_version = {SCHEMA_VERSION - 1}")
    (chosen,) = re.findall(r"CREATE TABLE chosen .*?;", TABLES_SQL, re.DOTALL)
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, chosen)
    monkeypatch.setattr(database, "WORDS_MADE_ANEW", frozenset())


def test_an_older_catalog_is_brought_up_and_keeps_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "catalog.db")
    new = schema(path)
    age(path, monkeypatch)
    assert schema(path) != new
    catalog = Catalog(path)
    assert schema(path) == new
    assert len(list(catalog.files_under("/r"))) == 30
    assert catalog.check() == []
    catalog.close()
    Catalog(path).close()  # no second time


def test_a_catalog_without_totals_gets_those_of_what_it_holds(tmp_path: Path) -> None:
    path = made(tmp_path / "catalog.db")
    new = schema(path)
    forgotten = re.findall(r"^CREATE (TABLE|INDEX|TRIGGER) (\w+)", f"{VANISHED_SQL}{TOTALS_SQL}", re.MULTILINE)
    dropped = [f"DROP {sort} IF EXISTS {name};" for sort, name in forgotten]  # indexes and triggers go with a table
    dropped.append("ALTER TABLE files DROP COLUMN device;")
    dropped += [f"ALTER TABLE segments DROP COLUMN {column};" for column in ("bottom", "top", "part")]
    dropped += ["DROP TABLE forgotten;", "DROP TRIGGER text_forgotten;"]
    run(path, f"{''.join(dropped)} PRAGMA user_version = 4")
    assert len(schema(path)) < len(new) - 20
    catalog = Catalog(path)
    assert schema(path) == new
    assert catalog.counts(Scope(), space=1).documents == 30
    assert catalog.counts(Scope(), space=1).pending == 0
    put(catalog, "/r/one more")
    assert catalog.counts(Scope(), space=1).pending == 1
    assert catalog.check() == []
    catalog.close()


def test_a_catalog_that_cannot_be_brought_up_stays_at_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "catalog.db")
    age(path, monkeypatch)
    run(path, "CREATE TABLE chosen (in_the_way)")
    before = schema(path)
    with pytest.raises(sqlite3.OperationalError, match="chosen"):
        Catalog(path)
    assert schema(path) == before
    run(path, "DROP TABLE chosen")
    catalog = Catalog(path)
    assert len(list(catalog.files_under("/r"))) == 30
    catalog.close()


def test_words_that_are_made_anew_are_those_that_adding_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "catalog.db")
    tables = ("words", "pairs", "names", "named")
    content = {table: sorted(rows_of(path, table), key=repr) for table in tables}
    forgotten = "; ".join(f"DELETE FROM {table}" for table in ("words", "pairs", "named"))
    run(path, f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    emptied = f"{forgotten}; INSERT INTO wholes(wholes) VALUES ('delete-all');"
    monkeypatch.setattr(database, "WORDS_MADE_ANEW", {SCHEMA_VERSION - 1})
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, emptied)
    catalog = Catalog(path)
    assert {table: sorted(rows_of(path, table), key=repr) for table in tables} == content
    assert catalog.check() == []
    before = catalog.words(query_terms("page 3"), Scope(), depth=5)
    assert before
    assert catalog.context(query_terms("page 3"), [key for key, _ in before])
    catalog.remove_files([file.path for file in catalog.files_under("/r")])
    assert catalog.check() == []
    assert rows_of(path, "words_docsize") == rows_of(path, "wholes_docsize") == rows_of(path, "names_docsize") == []
    catalog.close()


def test_words_that_cannot_be_made_anew_leave_the_catalog_at_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "catalog.db")
    run(path, f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    monkeypatch.setattr(database, "WORDS_MADE_ANEW", {SCHEMA_VERSION - 1})
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, "DROP TABLE pairs;")
    before = schema(path)
    with pytest.raises(sqlite3.Error):
        Catalog(path)
    assert schema(path) == before
    monkeypatch.setattr(database, "WORDS_MADE_ANEW", frozenset())
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, "")
    catalog = Catalog(path)
    assert catalog.words(query_terms("page"), Scope(), depth=1)
    catalog.close()


def rows_of(path: Path, table: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    columns = {"words": "rowid, *", "pairs": "rowid, *", "named": "document, path"}.get(table, "*")
    found = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
    connection.close()
    return found


def test_damage_within_the_catalog_is_told_when_it_is_met_and_by_a_check(tmp_path: Path) -> None:
    path = made(tmp_path / "catalog.db")
    content = bytearray(path.read_bytes())
    content[8192 * 4 : 8192 * 40] = bytes(8192 * 36)  # but for the pages that tell of its tables
    path.write_bytes(content)
    catalog = Catalog(path)
    with pytest.raises(LibraryUnavailable, match="damaged"):
        catalog.listing(Scope())
    assert catalog.check()
    catalog.close()


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
            inside.wait(20)
            sizes.append(-db.execute("PRAGMA cache_size").fetchone()[0])
            ended.wait(20)

    threads = [threading.Thread(target=read) for _ in range(database.FULL_READERS + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sizes) == [database.OTHERS_CACHE_KB] * 3 + [database.CACHE_KB] * database.FULL_READERS
    with base.reading() as db:  # alone, one of the former
        assert db.execute("PRAGMA cache_size").fetchone()[0] == -database.CACHE_KB
    base.close()
