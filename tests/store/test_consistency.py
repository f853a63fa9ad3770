"""What the catalog does not agree with itself about is found, and made anew from what it is made from."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Scope
from tests.support.rows import DIM, SPACE, embed, fill, found, held, put, tear, unit


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A closed catalog of ten documents with five places each, found by words and by vectors."""
    with closing(Catalog(tmp_path / "catalog.db")) as catalog:
        fill(catalog, 10)
    yield tmp_path / "catalog.db"
    with closing(Catalog(tmp_path / "catalog.db")) as catalog:
        assert catalog.check() == []


def run(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


HARMS = {
    "rows of a document that is gone": ("DELETE FROM documents WHERE key = 3", "segments: 5 rows belong to nothing"),
    "a total": ("UPDATE document_totals SET documents = 99", "document_totals: 1 rows differ"),
    "a vector that is cut short": (
        "UPDATE vectors SET vectors = x'00' WHERE id = 1",
        "those of 1 documents are damaged",
    ),
    "vectors of no segment": (
        "UPDATE vectors SET places = zeroblob(80) WHERE id = 2",
        "those of 1 documents are damaged",
    ),
    "words that are lost": ("DELETE FROM words WHERE rowid IN (3, 4)", "words: 2 texts without words"),
    "words of nothing": ("INSERT INTO words(rowid, text) VALUES (999, 'ghost')", "words: 1 words without a text"),
    "a name that is lost": ("DELETE FROM named WHERE path = CAST('/r/f1' AS BLOB)", "words: 1 files without a name"),
    "a torn full-text table": (
        "UPDATE words_data SET block = zeroblob(20) WHERE id = (SELECT max(id) FROM words_data)",
        "words: the full-text table is damaged",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_wrong_is_found_and_mended(path: Path, harm: str) -> None:
    script, told = HARMS[harm]
    run(path, script)
    with closing(Catalog(path)) as catalog:
        faults = catalog.check()
        assert any(told in fault for fault in faults), faults
        assert catalog.repair()
        assert catalog.check() == []
        assert catalog.repair() == []
        assert len(found(catalog, "file 7")) >= 5
        assert catalog.exact(1, "text", unit(7, 5)[0], Scope(), depth=1)[0][1] == pytest.approx(1.0, abs=1e-4)


def test_an_index_that_lacks_rows_is_made_anew(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        (index,) = db.execute("SELECT * FROM sqlite_schema WHERE name = 'documents_by_modality'").fetchall()
        db.executescript("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'documents_by_modality'")
    run(path, "UPDATE documents SET modality = 'image' WHERE key = 3")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", index)
        db.commit()
    with closing(Catalog(path)) as catalog:
        assert any("documents_by_modality" in fault for fault in catalog.check())
        assert "indexes" in catalog.repair()[0]
        assert catalog.check() == []


def test_documents_whose_vectors_were_damaged_wait_for_new_ones(path: Path) -> None:
    run(path, "UPDATE vectors SET vectors = x'00' WHERE id = 1")
    with closing(Catalog(path)) as catalog:
        (document,) = [held(catalog, "/r/f0")]
        assert catalog.unembedded(1) == []
        catalog.repair()
        assert catalog.unembedded(1) == [document]
        embed(catalog, 1, document, seed=0)
        alone = Scope(None, Filters(document=document))
        assert len(catalog.exact(1, "text", unit(0, 5)[0], alone, depth=9)) == 5


def test_a_document_that_lacks_places_is_named_and_left(path: Path) -> None:
    run(path, "DELETE FROM segments WHERE document = 2 AND ordinal = 1; DELETE FROM texts WHERE segment = 7")
    with closing(Catalog(path)) as catalog:
        catalog.repair()
        (fault,) = catalog.check()
        assert fault.startswith("/r/f1 (document ") and "lacks places: remove it and add it again" in fault
        catalog.remove_files(["/r/f1"])
        put(catalog, "/r/f1", ["once more"])


def test_documents_without_vectors_are_counted_and_may_wait_once_more(path: Path) -> None:
    with closing(Catalog(path)) as catalog:
        put(catalog, os.fsdecode(b"/r/\xff.png"), [""], modality="image")
        nothing = held(catalog, os.fsdecode(b"/r/\xff.png"))
        assert catalog.commit_embedded(nothing, catalog.space(SPACE, dim=DIM), [])
        assert (catalog.unfilled(), catalog.unembedded(1)) == (1, [])
        assert catalog.embed_unfilled_again() == 1
        assert (catalog.unfilled(), catalog.unembedded(1)) == (0, [nothing])


def test_what_cannot_be_mended_is_told_and_left(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(Catalog(path)) as catalog:
        fill(catalog, 200)
    tear(path)
    with closing(Catalog(path)) as catalog:
        before = catalog.check()
        assert before
        catalog.repair()
        assert catalog.check()
