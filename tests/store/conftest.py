import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog, Document
from mcp_mmretrieval.store.normal_form import normal_words
from tests.support.rows import DIM, READING, SPACE, embed, held, pages, put, sha

TREE = {
    "/r/one/a.pdf": ("page", 100.0),
    "/r/one/b.wav": ("audio", 200.0),
    "/r/two/c.pdf": ("page", 300.0),
    "/s/d.png": ("image", 400.0),
}

SENTENCES = {
    1: "Deaths from cancer per 100,000 people in 2019",
    2: "Cancer is a constellation; deaths of stars",
    3: "May I have a 12 ounce latte",
    4: "The quarterly report of the nation's debt",
    5: "and of the to",
}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    yield catalog
    assert catalog.check() == []
    catalog.close()


@pytest.fixture
def tree(catalog: Catalog) -> Catalog:
    """Four files of two segments, an inline text, all about a lighthouse; the space's vectors too."""
    space = catalog.space(SPACE, dim=DIM)
    for seed, (path, (modality, mtime)) in enumerate(TREE.items()):
        put(catalog, path, ["lighthouse at dawn", "lighthouse keeper"], modality=modality, mtime=mtime)  # type: ignore[arg-type]
        embed(catalog, space, held(catalog, path), seed=seed)
    note = Document(id=sha("note"), modality="text", reading=catalog.reading(READING), title="Note")
    catalog.commit_read(note, pages(note.id, ["lighthouse note"], modality="text"), text="lighthouse note")
    embed(catalog, space, note.id, seed=9)
    return catalog


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    """A table of words in memory that holds the sentences."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='porter unicode61')")
    rows = [(key, normal_words(text)) for key, text in SENTENCES.items()]
    db.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", rows)
    yield db
    db.close()
