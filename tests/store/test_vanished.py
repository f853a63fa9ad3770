"""What vanished: nothing finds or counts it, it comes back as it was, and is forgotten after a while."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_mmretrieval.store import VANISHED_DAYS, Catalog, Document, File, RemovalCounts, Scope
from tests.support.rows import DIM, READING, SPACE, embed, fill, found, held, pages, put, rows_left, sha, unit

EVERYTHING = Scope()


def test_what_vanished_is_in_no_table_that_a_search_reads(catalog: Catalog, tmp_path: Path) -> None:
    space, _ = fill(catalog, 3)
    every = [file.path for file in catalog.files_under("/r")]
    assert catalog.vanish([*every, "/r/unknown"]) == RemovalCounts(files=3, documents=3, segments=15)
    assert not any(rows_left(tmp_path / "catalog.db").values())
    assert (catalog.counts(EVERYTHING, space=space).documents, catalog.listing(EVERYTHING)) == (0, ([], 0))
    assert [kept.file.path for kept in catalog.kept_files("/r")] == every


def test_what_comes_back_has_its_words_vectors_and_facts_again(catalog: Catalog) -> None:
    space, vectors = fill(catalog, 2)
    before, listed = catalog.document(held(catalog, "/r/f1")), catalog.listing(EVERYTHING, space=space)[0]
    catalog.vanish(["/r/f1"])
    assert found(catalog, "page of file 1") == [f"page {page} of file 0" for page in (1, 0, 2, 3, 4)]
    (kept,) = catalog.kept_files("/r/f1")
    assert catalog.bring_back(kept)
    assert catalog.kept_files() == []
    after = catalog.document(held(catalog, "/r/f1"))
    assert before is not None
    assert after is not None
    assert after == replace(before, read_at=after.read_at)
    assert [one.embedded for one in catalog.listing(EVERYTHING, space=space)[0]] == [one.embedded for one in listed]
    assert [one.segment.text for one in catalog.segments_of(after.id)] == [
        f"page {page} of file 1" for page in range(5)
    ]
    ((nearest, similarity),) = catalog.exact(space, "text", vectors[5:6], EVERYTHING, depth=1)
    assert nearest == catalog.segments_of(after.id)[0].key
    assert similarity == pytest.approx(1.0)
    assert catalog.unembedded(space) == []
    assert not catalog.bring_back(kept)


def test_a_space_that_was_dropped_meanwhile_costs_only_its_vectors(catalog: Catalog) -> None:
    old, _ = fill(catalog, 1)
    new = catalog.space({"model": "newer"}, dim=DIM)
    catalog.vanish(["/r/f0"])
    catalog.activate(new)
    catalog.drop_space(old)
    assert catalog.bring_back(*catalog.kept_files())
    assert catalog.unembedded(new) == [held(catalog, "/r/f0")]
    assert catalog.exact(new, "text", unit(0, 1), EVERYTHING, depth=5) == []


def test_the_same_content_at_another_path_takes_it_back(catalog: Catalog) -> None:
    space, _ = fill(catalog, 1)
    id = held(catalog, "/r/f0")
    catalog.vanish(["/r/f0"])
    kept = catalog.kept_document(id)
    assert kept is not None
    assert kept.reading == catalog.reading(READING)
    assert catalog.attach(File(path="/r/new", document=id, size=1, mtime_ns=0)) == "attached"
    assert (catalog.kept_document(id), catalog.unembedded(space)) == (None, [])
    assert [one.file.path for one in catalog.kept_files()] == ["/r/f0"]


def test_a_path_of_a_document_that_is_held_elsewhere_comes_back_to_it(catalog: Catalog) -> None:
    put(catalog, "/r/a", content="same")
    put(catalog, "/r/b", content="same")
    assert catalog.vanish(["/r/a"]) == RemovalCounts(files=1, documents=0, segments=0)
    assert catalog.bring_back(*catalog.kept_files("/r"))
    assert [file.path for file in catalog.files_of_one(sha("same"))] == ["/r/a", "/r/b"]


def test_pictures_that_were_not_read_yet_wait_again(catalog: Catalog) -> None:
    id = sha("report")
    document = Document(id=id, modality="page", reading=catalog.reading(READING))
    segments = pages(id, ["one", "two"])
    file = File(path="/r/a", document=id, size=1, mtime_ns=0)
    catalog.commit_read(document, segments, file=file, figures=[segments[1].id])
    catalog.vanish(["/r/a"])
    assert catalog.unread_figures() == {}
    catalog.bring_back(*catalog.kept_files())
    assert [one.segment.id for one in catalog.unread_figures().values()] == [segments[1].id]


def test_what_is_read_anew_or_removed_is_kept_no_more(catalog: Catalog) -> None:
    put(catalog, "/r/a", content="same")
    put(catalog, "/r/b")
    catalog.vanish(["/r/a", "/r/b"])
    put(catalog, "/r/a", content="same")
    assert [one.file.path for one in catalog.kept_files()] == ["/r/b"]
    catalog.remove_files(["/r/b"])
    assert catalog.kept_files() == []
    assert catalog.kept_document(sha("same")) is None


def test_it_is_forgotten_after_a_while(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    put(catalog, "/r/a", content="a")
    embed(catalog, catalog.space(SPACE, dim=DIM), sha("a"))
    catalog.vanish(["/r/a"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + (VANISHED_DAYS - 1) * 86_400)
    catalog.purge_vanished()
    assert len(catalog.kept_files()) == 1
    monkeypatch.setattr(time, "time", lambda: now + (VANISHED_DAYS + 1) * 86_400)
    catalog.purge_vanished()
    assert (catalog.kept_files(), catalog.kept_document(sha("a"))) == ([], None)
    with catalog._database.reading() as db:
        assert db.execute("SELECT count(*) FROM vanished_segments").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM vanished_vectors").fetchone() == (0,)
