"""Documents, segments and vectors by hand, and whether an index agrees with an exact scan."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcp_mmretrieval.store import Catalog, Change, Document, File, Scope, Store, VectorRows
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.types import Modality, Place, Segment

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

DIM = 16
SPACE = {"model": "by hand", "revision": "1"}
READING = {"splitter": "pages"}


def sha(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()


def pages(id: str, texts: Sequence[str], *, modality: Modality = "page") -> list[Segment]:
    return [
        Segment(document=id, modality=modality, place=Place(page=number), text=text)
        for number, text in enumerate(texts, 1)
    ]


def put(
    catalog: Catalog,
    path: str,
    texts: Sequence[str] = ("one page",),
    *,
    content: str | None = None,
    modality: Modality = "page",
    mtime: float = 0.0,
    reading: int | None = None,
) -> Change:
    """Commit a file whose bytes are named by `content` (by default its path and its text)."""
    id = sha(content if content is not None else path + "".join(texts))
    document = Document(id=id, modality=modality, reading=reading or catalog.reading(READING), title=path)
    file = File(path=path, document=id, size=1, mtime_ns=int(mtime * 1e9))
    return catalog.commit_read(document, pages(id, texts, modality=modality), file=file)


def held(catalog: Catalog, path: str) -> str:
    """The document that a path points at."""
    file = catalog.file(path)
    assert file is not None
    return file.document


def inline(catalog: Catalog, document: str) -> str | None:
    """What was given as text; None for a document from files alone."""
    with catalog._database.reading() as db:
        sql = "SELECT text FROM inline_texts JOIN documents ON key = document WHERE id = ?"
        found = db.execute(sql, (document,)).fetchone()
        return found[0].decode("utf-8") if found else None


def document_ids(catalog: Catalog, scope: Scope) -> list[str]:
    """All documents within a scope."""
    return [each.document.id for each in catalog.listing(scope)[0]]


def found(catalog: Catalog, query: str, scope: Scope = Scope()) -> list[str]:
    """The texts that words find, best first."""
    keys = [key for key, _ in catalog.words(query_terms(query), scope, depth=50)]
    texts = catalog.segments(keys)
    return [texts[key].segment.text for key in keys]


def rows_left(path: Path) -> dict[str, int]:
    """How many rows each table of contents has, the full-text ones included."""
    tables = ["documents", "files", "segments", "texts", "vectors", "embedded", "inline_texts", "staged"]
    tables += ["words_docsize", "wholes_docsize", "pairs_docsize", "pairs_content"]
    with sqlite3.connect(path) as connection:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    return found


def unit(seed: int, count: int, dim: int = DIM) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def embed(catalog: Catalog, space: int, document: str, *, seed: int = 0, parts: int = 1) -> Vectors:
    """Commit `parts` random vectors for each segment of a document, and return them all."""
    keys = [stored.key for stored in catalog.segments_of(document) for _ in range(parts)]
    vectors = unit(seed, len(keys))
    rows = VectorRows(kind="text", segments=keys, parts=[at % parts for at in range(len(keys))], vectors=vectors)
    assert catalog.commit_embedded(document, space, [rows])
    return vectors


def fill(catalog: Catalog, count: int, *, each: int = 5, root: str = "/r") -> tuple[int, Vectors]:
    """Files `/r/f0` ..., embedded; the space and all vectors."""
    space = catalog.space(SPACE, dim=DIM)
    made = []
    for number in range(count):
        path = f"{root}/f{number}"
        put(catalog, path, [f"page {page} of file {number}" for page in range(each)])
        made.append(embed(catalog, space, held(catalog, path), seed=number))
    return space, np.concatenate(made)


def tear(path: Path) -> None:
    """Overwrite a page of a catalog that `fill` has filled: one with texts."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"page 3 of file 1") // 8192 * 8192
    data[at : at + 8192] = b"\xff" * 8192
    path.write_bytes(data)


def agree(store: Store, space: int, scope: Scope, *, depth: int = 20, queries: int = 10) -> None:
    """The index answers as the exact scan does: nine in ten of the same segments, each with its own similarity."""
    same = 0
    for seed in range(1000, 1000 + queries):
        query = unit(seed, 1)
        indexed = store.index.nearest(space, "text", query, scope, depth=depth)
        exact = dict(store.catalog.exact(space, "text", query, scope, depth=10**6))
        best = sorted(exact.values(), reverse=True)[:depth]
        assert len(indexed) == len(best)
        assert [score for _, score in indexed] == sorted((score for _, score in indexed), reverse=True)
        for key, score in indexed:
            assert score == pytest.approx(exact[key], abs=1e-4)
        same += len({key for key, _ in indexed} & set(list(exact)[:depth]))
    assert same >= 0.9 * queries * len(best)
