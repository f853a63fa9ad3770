from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcp_mmretrieval.store import Catalog, Document, File, Scope, VectorRows
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.types import Place, Segment
from tests.support.rows import DIM, READING, SPACE, embed, fill, found, held, pages, put, rows_left, sha, unit

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

EVERYTHING = Scope()


def test_what_is_committed_comes_back_as_it_was(catalog: Catalog) -> None:
    id = sha("film")
    segment = Segment(
        document=id,
        modality="video",
        place=Place(start=1.5, end=9.25),
        text="a door opens",
        heading="Scene 1",
        frames=(2.0, 4.5),
    )
    document = Document(
        id=id,
        modality="video",
        reading=catalog.reading(READING),
        title="Doors",
        bytes=77,
        seconds=12.5,
        notes=("The last minute was left out.",),
    )
    assert (
        catalog.commit_read(document, [segment], file=File(path="/r/doors.mp4", document=id, size=77, mtime_ns=5))
        == "added"
    )
    assert [stored.segment for stored in catalog.segments_of(id)] == [segment]
    stored = catalog.document(id)
    assert stored is not None
    assert stored == Document(
        **{**{name: getattr(document, name) for name in Document.__slots__}, "read_at": stored.read_at}
    )


def test_a_catalog_opened_again_holds_what_was_committed(tmp_path: Path) -> None:
    first = Catalog(tmp_path / "catalog.db")
    space, _ = fill(first, 2)
    first.close()
    second = Catalog(tmp_path / "catalog.db")
    assert len(list(second.files_under("/r"))) == 2
    assert second.counts(EVERYTHING, space=space).pending == 0
    second.close()


def test_what_is_read_again_as_it_was_gets_the_fingerprint_that_it_lacked_and_keeps_its_key(catalog: Catalog) -> None:
    reading = catalog.reading({"splitter": 1})
    id = sha("picture")
    document = Document(id=id, modality="image", reading=reading)
    file = File(path="/r/a.png", document=id, size=1, mtime_ns=1)
    for made in (b"", b"\x01\x00", b""):
        catalog.commit_read(
            document, [Segment(document=id, modality="image", place=Place(), fingerprint=made)], file=file
        )
    (stored,) = catalog.segments_of(id)
    assert (stored.key, stored.segment.fingerprint) == (1, b"\x01\x00")


def test_a_path_that_is_not_held_cannot_be_attached(catalog: Catalog) -> None:
    assert catalog.attach(File(path="/r/a", document=sha("unknown"), size=1, mtime_ns=0)) is None
    assert catalog.file("/r/a") is None


def test_a_search_sees_the_old_or_the_new_document_and_never_both_or_none(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["beacon 0"] * 20)
    seen: list[tuple[int, set[str]]] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            keys = [key for key, _ in catalog.words(query_terms("beacon"), EVERYTHING, depth=50)]
            seen.append((len(keys), {stored.segment.text for stored in catalog.segments(keys).values()}))

    searcher = threading.Thread(target=search)
    searcher.start()
    for version in range(1, 40):
        put(catalog, "/r/a", [f"beacon {version}"] * 20)
    done.set()
    searcher.join()
    assert {count for count, _ in seen} == {20}
    assert all(len(texts) <= 1 for _, texts in seen)  # none where it was replaced before its texts were asked for


def test_staged_segments_are_unseen_and_go_with_the_commit(catalog: Catalog, tmp_path: Path) -> None:
    reading = catalog.reading(READING)
    id = sha("/r/longa0a1a2")
    segments = pages(id, ["a0", "a1", "a2"])
    catalog.stage(id, reading, 0, segments[:1])
    catalog.stage(id, reading, 1, segments[1:])
    assert catalog.staged(id, reading) == dict(enumerate(segments))
    assert catalog.staged(id, reading + 1) == {}
    assert found(catalog, "a1") == []
    put(catalog, "/r/long", ["a0", "a1", "a2"])
    assert rows_left(tmp_path / "catalog.db")["staged"] == 0


def test_identities_are_equal_whatever_the_order_of_their_values(catalog: Catalog) -> None:
    assert catalog.reading({"a": 1, "b": "x"}) == catalog.reading({"b": "x", "a": 1})
    assert catalog.reading({"a": 1}) != catalog.reading({"a": True})
    assert catalog.space({"a": 1}, dim=3) == catalog.space({"a": 1}, dim=3)


def test_documents_are_embedded_oldest_first_and_only_once(catalog: Catalog) -> None:
    space = catalog.space(SPACE, dim=DIM)
    for number in range(3):
        put(catalog, f"/r/{number}")
    ids = [held(catalog, f"/r/{number}") for number in range(3)]
    assert catalog.unembedded(space) == ids
    assert catalog.unembedded(space, limit=1, skip=ids[:1]) == ids[1:2]
    embed(catalog, space, ids[0])
    assert catalog.unembedded(space) == ids[1:]
    assert catalog.counts(EVERYTHING, space=space).pending == 2
    assert catalog.commit_embedded(ids[1], space, [])
    assert catalog.unembedded(space) == ids[2:]


def test_vectors_of_a_document_that_vanished_meanwhile_are_ignored(catalog: Catalog, tmp_path: Path) -> None:
    space = catalog.space(SPACE, dim=DIM)
    put(catalog, "/r/a", ["gone"], content="same")
    rows = VectorRows(kind="text", segments=[catalog.segments_of(sha("same"))[0].key], parts=[0], vectors=unit(0, 1))
    catalog.remove_files(["/r/a"])
    assert not catalog.commit_embedded(sha("same"), space, [rows])
    put(catalog, "/r/a", ["back"], content="same")
    assert not catalog.commit_embedded(sha("same"), space, [rows])
    assert rows_left(tmp_path / "catalog.db")["vectors"] == 0


@pytest.mark.parametrize("vectors", [unit(0, 2, 16), unit(0, 1, 8), np.full((1, 16), np.nan, np.float32)])
def test_vectors_of_a_wrong_shape_or_without_a_value_are_refused(catalog: Catalog, vectors: Vectors) -> None:
    space, _ = fill(catalog, 1)
    put(catalog, "/r/a")
    key = catalog.segments_of(held(catalog, "/r/a"))[0].key
    with pytest.raises(ValueError, match="ector"):
        catalog.commit_embedded(
            held(catalog, "/r/a"), space, [VectorRows(kind="text", segments=[key], parts=[0], vectors=vectors)]
        )
    assert catalog.unembedded(space) == [held(catalog, "/r/a")]


def test_the_best_part_counts_for_a_segment(catalog: Catalog) -> None:
    space = catalog.space(SPACE, dim=DIM)
    put(catalog, "/r/a", ["one", "two"])
    vectors = embed(catalog, space, held(catalog, "/r/a"), parts=40)
    ranked = catalog.exact(space, "text", vectors[41], EVERYTHING, depth=5)
    assert [key for key, _ in ranked] == [stored.key for stored in catalog.segments_of(held(catalog, "/r/a"))][::-1]
    assert ranked[0][1] == pytest.approx(1.0, abs=1e-5)
    assert ranked[1][1] == pytest.approx(float((vectors[:40] @ vectors[41]).max()), abs=1e-5)


def test_half_precision_keeps_the_order_of_the_near_ones(catalog: Catalog) -> None:
    whole, half = catalog.space({"half": False}, dim=DIM), catalog.space({"half": True}, dim=DIM, half=True)
    for number in range(20):
        put(catalog, f"/r/{number}")
        for space in (whole, half):
            embed(catalog, space, held(catalog, f"/r/{number}"), seed=number)
    one = catalog.exact(whole, "text", unit(3, 1), EVERYTHING, depth=3)
    other = catalog.exact(half, "text", unit(3, 1), EVERYTHING, depth=3)
    assert [key for key, _ in one] == [key for key, _ in other]
    assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=2e-3)


def test_a_new_space_serves_when_it_is_activated_and_the_old_one_goes_whole(catalog: Catalog) -> None:
    old, _ = fill(catalog, 2)
    new = catalog.space({"model": "newer"}, dim=DIM)
    active = catalog.active_space()
    assert active is not None
    assert active.id == old
    assert len(catalog.unembedded(new)) == 2
    with pytest.raises(ValueError, match="serves"):
        catalog.drop_space(old)
    catalog.activate(new)
    catalog.drop_space(old)
    assert [space.id for space in catalog.spaces()] == [new]
    assert catalog.exact(old, "text", unit(0, 1), EVERYTHING, depth=5) == []


def test_writers_from_many_threads_take_turns(catalog: Catalog) -> None:
    threads = [threading.Thread(target=fill, args=(catalog, 10), kwargs={"root": f"/t{n}"}) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.counts(EVERYTHING, space=1) == catalog.counts(Scope(("/t0", "/t1", "/t2", "/t3")), space=1)
    assert catalog.counts(EVERYTHING).documents == 40


def test_within_a_snapshot_the_library_stays_as_it_was_and_is_known_as_it_is_afterwards(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["a beacon"])
    asked, folder = query_terms("beacon"), Scope(("/r",))
    with catalog.snapshot():
        before = catalog.words(asked, folder, depth=10)
        other = threading.Thread(target=put, args=(catalog, "/elsewhere/b", ["another beacon"]))
        other.start()
        other.join()
        assert catalog.words(asked, folder, depth=10) == before
        assert catalog.counts(EVERYTHING).documents == 1
        assert catalog.whole(folder)
    assert catalog.counts(EVERYTHING).documents == 2
    assert not catalog.whole(folder)
    assert [key for key, _ in catalog.words(asked, folder, depth=10)] == [key for key, _ in before]
