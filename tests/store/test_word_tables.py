"""The tables of words follow what a catalog holds, row by row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog
from mcp_mmretrieval.store import word_tables as tables
from mcp_mmretrieval.types import Place, Segment
from tests.support.rows import put


@pytest.fixture
def db(catalog: Catalog, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction of a catalog with one document of two segments, whose keys are 1 and 2."""
    put(catalog, "/r/one.txt", ["the first page", "the second page"])
    connection = sqlite3.connect(tmp_path / "catalog.db")
    connection.execute("PRAGMA foreign_keys = ON")
    with connection:
        yield connection
    connection.close()


def rows(db: sqlite3.Connection, table: str, match: str) -> list[int]:
    return [row for (row,) in db.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid", (match,))]


def test_the_words_of_one_segment_are_written_again(db: sqlite3.Connection) -> None:
    tables.forget_words(db, 1, 2)
    segment = Segment(document="d", modality="text", place=Place(), heading="Heading", text="Straße 東京")
    tables.write_words(db, 1, [(2, tables.segment_words(segment, ""))], "")
    assert rows(db, "words", "strasse") == [2]
    assert rows(db, "words", "second") == []
    assert rows(db, "pairs", "東京") == [2]
    assert rows(db, "wholes", "strasse AND first") == [1]
    assert rows(db, "wholes", "second") == []


def test_what_a_document_says_of_itself_takes_the_place_of_what_it_said(db: sqlite3.Connection) -> None:
    for title, keywords in (("Old", "older"), ("New", "newer")):
        tables.write_title(db, 1, title, keywords)
    assert len(rows(db, "names", "new AND newer")) == 1
    assert rows(db, "names", "old OR older") == []
    tables.write_title(db, 1, "", "")
    assert rows(db, "names", "new") == []


def test_a_path_is_its_name_its_suffix_and_the_folders_just_above(db: sqlite3.Connection) -> None:
    path = b"/home/me/docs/Tax_2023/Kauf-Vertrag.final.pdf"
    db.execute("INSERT INTO files(path, document, size, mtime_ns, added_at) VALUES (?, 1, 0, 0, 0)", (path,))
    tables.write_path(db, 1, path)
    columns = "SELECT name, folders FROM names WHERE rowid = (SELECT max(id) FROM named)"
    assert db.execute(columns).fetchone() == ("kauf vertrag final kaufvertrag", "me docs tax 2023 pdf")


def test_names_go_with_their_files_and_documents(db: sqlite3.Connection) -> None:
    tables.write_title(db, 1, "One", "")
    assert len(rows(db, "names", "1")) == 2
    db.execute("DELETE FROM files")
    assert len(rows(db, "names", "1")) == 1
    db.execute("DELETE FROM documents")
    assert rows(db, "names", "1") == rows(db, "words", "page") == rows(db, "wholes", "page") == []


def test_the_title_of_a_chapter_is_a_heading_and_the_number_of_a_page_is_none() -> None:
    for label, heading in (("Engines", "ships engines"), ("xii", "ships"), ("Ships", "ships")):
        segment = Segment(document="d", modality="page", place=Place(page=3), heading="Ships", label=label)
        assert tables.segment_words(segment, "").heading == heading


def test_words_that_are_written_anew_are_as_they_were(db: sqlite3.Connection) -> None:
    db.execute("UPDATE texts SET label = 'Harbour', heading = 'Ferries' WHERE segment = 2")
    tables.make_word_tables_anew(db)
    assert rows(db, "words", "heading : (harbour AND ferries)") == [2]
    assert rows(db, "words", "second") == [2]
