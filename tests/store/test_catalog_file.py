"""The catalog's file: what is refused and left as it is, and how an older one is brought up."""

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import Catalog, Scope, Store, catalog_file
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.store.schema import MIGRATIONS, SCHEMA_VERSION, TABLES_SQL, TOTALS_SQL, VANISHED_SQL
from tests.support.rows import fill, put


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
    monkeypatch.setattr(catalog_file, "WORDS_MADE_ANEW", frozenset())


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
    dropped.append("ALTER TABLE texts DROP COLUMN fingerprint;")
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
    monkeypatch.setattr(catalog_file, "WORDS_MADE_ANEW", {SCHEMA_VERSION - 1})
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
    monkeypatch.setattr(catalog_file, "WORDS_MADE_ANEW", {SCHEMA_VERSION - 1})
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, "DROP TABLE pairs;")
    before = schema(path)
    with pytest.raises(sqlite3.Error):
        Catalog(path)
    assert schema(path) == before
    monkeypatch.setattr(catalog_file, "WORDS_MADE_ANEW", frozenset())
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
