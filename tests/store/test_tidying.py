"""What was removed leaves the file, with every word of it, and the file becomes smaller."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog, Document, Scope, Store, tidying
from tests.support.rows import READING, fill, found, pages, put, sha

SECRETS = ("zanzibarquokka", "wobbegong", "漢字漢語", "19840726")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(Catalog(tmp_path / "catalog.db")) as catalog:
        fill(catalog, 60)
        yield catalog
        assert catalog.check() == []


def note(catalog: Catalog) -> Document:
    """A note and a file that hold the secrets, amid others."""
    text = " ".join(SECRETS)
    note = Document(
        id=sha("note"), modality="text", reading=catalog.reading(READING), title=text, keywords=text, notes=(text,)
    )
    catalog.commit_read(note, pages(note.id, [f"{text} {number}" for number in range(40)], modality="text"), text=text)
    put(catalog, f"/r/{SECRETS[0]}/{SECRETS[1]}.pdf", [f"{text} {number}" for number in range(40)])
    fill(catalog, 20, root="/later")
    return note


def left(folder: Path) -> set[tuple[str, str]]:
    """Which secrets stand in which files."""
    read = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {(name, secret) for name, data in read.items() for secret in SECRETS if secret.encode() in data}


def remove(catalog: Catalog, document: Document) -> None:
    catalog.remove_texts([document.id])
    catalog.remove_files([f"/r/{SECRETS[0]}/{SECRETS[1]}.pdf"])


def test_no_word_of_what_was_removed_is_left_in_any_file(catalog: Catalog, tmp_path: Path) -> None:
    document = note(catalog)
    assert len({secret for _, secret in left(tmp_path)}) == len(SECRETS)
    remove(catalog, document)
    assert left(tmp_path)
    assert catalog.tidy()
    assert left(tmp_path) == set()
    assert len(found(catalog, "page 3 of file 7")) >= 5


def test_nor_after_a_clean_stop(tmp_path: Path) -> None:
    with Store.open(tmp_path / "library") as store:
        remove(store.catalog, note(store.catalog))
    assert left(tmp_path / "library") == set()


def test_sqlite_overwrites_what_it_removes(catalog: Catalog) -> None:
    with catalog._database.writing() as db:
        assert db.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_it_goes_on_where_it_was_stopped_also_in_another_process(tmp_path: Path) -> None:
    with closing(Catalog(tmp_path / "catalog.db")) as catalog:
        remove(catalog, note(catalog))
        assert not catalog.tidy(lambda: False)
    with closing(Catalog(tmp_path / "catalog.db")) as again:
        assert left(tmp_path)
        assert again.tidy()
        assert left(tmp_path) == set()


def test_where_nothing_was_removed_no_words_are_merged(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalog.tidy()
    monkeypatch.setattr(tidying, "_merged_some", None)
    fill(catalog, 5, root="/more")
    assert catalog.tidy()


def test_the_file_becomes_smaller(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "FREE_PAGES", 4)
    for number in range(100):
        put(catalog, f"/big/{number}", [f"{number} " + "word " * 2_000] * 3)
    assert catalog.tidy()
    before = catalog.path.stat().st_size
    catalog.remove_files([f"/big/{number}" for number in range(100)])
    assert catalog.tidy()
    assert catalog.path.stat().st_size < before / 4
    assert catalog.counts(Scope(None)).documents == 60


def test_a_file_of_before_is_written_anew_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    with closing(Catalog(path)) as catalog:
        fill(catalog, 10)
    with closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL")
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    with closing(Catalog(path)) as catalog:
        assert catalog.tidy()
        assert catalog.compact()
        assert not catalog.compact()
        assert catalog.check() == []
        assert catalog.counts(Scope(None)).documents == 10
