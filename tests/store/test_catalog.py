from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcp_mmretrieval.store import Catalog, Document, File, JobRow, RemovalCounts, Scope, VectorRows
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.types import Place, Segment
from tests.support.rows import DIM, READING, SPACE, embed, fill, held, inline, pages, put, sha, unit

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

EVERYTHING = Scope()


def rows_left(path: Path) -> dict[str, int]:
    """How many rows each table of contents has, the full-text ones included."""
    tables = ["documents", "files", "segments", "texts", "vectors", "embedded", "inline_texts", "staged"]
    tables += ["words_docsize", "wholes_docsize", "pairs_docsize", "pairs_content"]
    with sqlite3.connect(path) as connection:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    return found


def found(catalog: Catalog, query: str, scope: Scope = EVERYTHING) -> list[str]:
    """The texts that words find, best first."""
    keys = [key for key, _ in catalog.words(query_terms(query), scope, depth=50)]
    held = catalog.segments(keys)
    return [held[key].segment.text for key in keys]


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
    assert len(second.files_under("/r")) == 2
    assert second.counts(EVERYTHING, space=space).pending == 0
    second.close()


def test_the_same_bytes_at_two_paths_are_one_document(catalog: Catalog) -> None:
    assert put(catalog, "/r/a", content="same") == "added"
    assert catalog.attach(File(path="/r/b", document=sha("same"), size=1, mtime_ns=0)) == "attached"
    assert put(catalog, "/r/c", content="same") == "attached"
    assert catalog.counts(EVERYTHING).documents == 1
    assert [file.path for file in catalog.files_of([sha("same")])[sha("same")]] == ["/r/a", "/r/b", "/r/c"]
    assert catalog.files_of_one(sha("same")) == catalog.files_of([sha("same")])[sha("same")]


def test_a_document_that_is_not_held_or_was_given_as_text_has_no_files(catalog: Catalog) -> None:
    note = Document(id=sha("note"), modality="text", reading=catalog.reading(READING))
    catalog.commit_read(note, pages(note.id, ["a note"]), text="a note")
    assert catalog.files_of_one(note.id) == []
    assert catalog.files_of_one(sha("unknown")) == []


def test_the_same_file_again_changes_nothing_and_keeps_its_vectors(catalog: Catalog) -> None:
    space, _ = fill(catalog, 1)
    before = [stored.key for stored in catalog.segments_of(held(catalog, "/r/f0"))]
    assert put(catalog, "/r/f0", [f"page {page} of file 0" for page in range(5)]) == "unchanged"
    assert [stored.key for stored in catalog.segments_of(held(catalog, "/r/f0"))] == before
    assert catalog.unembedded(space) == []


def test_a_path_that_is_not_held_cannot_be_attached(catalog: Catalog) -> None:
    assert catalog.attach(File(path="/r/a", document=sha("unknown"), size=1, mtime_ns=0)) is None
    assert catalog.file("/r/a") is None


def test_a_moved_file_keeps_its_document(catalog: Catalog) -> None:
    put(catalog, "/r/old", content="same")
    key = catalog.segments_of(sha("same"))[0].key
    file = File(path="/r/new", document=sha("same"), size=1, mtime_ns=0)
    assert catalog.attach(file, gone=["/r/old"]) == "moved"
    assert [file.path for file in catalog.files_under("/r")] == ["/r/new"]
    assert catalog.segments_of(sha("same"))[0].key == key


def test_a_changed_file_replaces_its_document(catalog: Catalog, tmp_path: Path) -> None:
    put(catalog, "/r/a", ["the old harbour"])
    assert put(catalog, "/r/a", ["the new lighthouse"]) == "replaced"
    assert found(catalog, "harbour lighthouse") == ["the new lighthouse"]
    assert rows_left(tmp_path / "catalog.db")["documents"] == 1


def test_a_path_that_points_elsewhere_leaves_the_other_path_its_document(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["shared"], content="same")
    put(catalog, "/r/b", ["shared"], content="same")
    assert put(catalog, "/r/a", ["its own"]) == "replaced"
    assert held(catalog, "/r/b") == sha("same")
    assert catalog.counts(EVERYTHING).documents == 2


def test_a_new_reading_with_other_words_replaces_the_segments_and_their_vectors(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["misheard"], content="same")
    space = catalog.space(SPACE, dim=DIM)
    embed(catalog, space, sha("same"))
    better = catalog.reading({"splitter": "pages", "speech": "better"})
    assert put(catalog, "/r/a", ["heard well"], content="same", reading=better) == "reread"
    assert found(catalog, "misheard heard") == ["heard well"]
    assert catalog.unembedded(space) == [sha("same")]
    assert catalog.exact(space, "text", unit(0, 1), EVERYTHING, depth=5) == []


def test_a_new_reading_with_the_same_words_keeps_the_vectors(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["clear"], content="same")
    space = catalog.space(SPACE, dim=DIM)
    embed(catalog, space, sha("same"))
    newer = catalog.reading({"splitter": "pages", "speech": "newer"})
    assert put(catalog, "/r/a", ["clear"], content="same", reading=newer) == "unchanged"
    assert catalog.unembedded(space) == []
    document = catalog.document(sha("same"))
    assert document is not None
    assert document.reading == newer


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


def test_removing_the_last_path_leaves_nothing_in_any_table(catalog: Catalog, tmp_path: Path) -> None:
    space, _ = fill(catalog, 3)
    put(catalog, "/r/cn", ["机器学习", "plain"])
    embed(catalog, space, held(catalog, "/r/cn"))
    id = sha("note")
    catalog.commit_read(Document(id=id, modality="text", reading=1), pages(id, ["a note"]), text="a note")
    removed = catalog.remove_files([file.path for file in catalog.files_under("/r")] + ["/r/unknown"])
    assert removed == RemovalCounts(files=4, documents=4, segments=17)
    assert catalog.remove_texts([id, sha("unknown")]) == RemovalCounts(files=0, documents=1, segments=1)
    assert not any(rows_left(tmp_path / "catalog.db").values())


def test_removing_one_of_two_paths_keeps_the_document(catalog: Catalog) -> None:
    put(catalog, "/r/a", content="same")
    put(catalog, "/r/b", content="same")
    assert catalog.remove_files(["/r/a"]) == RemovalCounts(files=1, documents=0, segments=0)
    assert catalog.document(sha("same")) is not None


def test_inline_text_stays_until_it_is_removed_by_its_id(catalog: Catalog) -> None:
    id = sha("note")
    note = Document(id=id, modality="text", reading=catalog.reading(READING), title="Note")
    assert catalog.commit_read(note, pages(id, ["buy lamps"]), text="buy lamps") == "added"
    assert catalog.commit_read(note, pages(id, ["buy lamps"]), text="buy lamps") == "unchanged"
    assert inline(catalog, id) == "buy lamps"
    assert put(catalog, "/r/note.txt", ["buy lamps"], content="note") == "attached"
    catalog.remove_files(["/r/note.txt"])
    assert found(catalog, "lamps") == ["buy lamps"]


def test_a_text_that_is_removed_leaves_the_file_that_says_the_same(catalog: Catalog) -> None:
    id = sha("note")
    note = Document(id=id, modality="text", reading=catalog.reading(READING), title="Note")
    catalog.commit_read(note, pages(id, ["buy lamps"]), text="buy lamps")
    put(catalog, "/r/note.txt", ["buy lamps"], content="note")
    assert catalog.size([id, sha("unknown")]) == 1
    assert catalog.remove_texts([id]) == RemovalCounts(files=0, documents=0, segments=0)
    assert inline(catalog, id) is None
    assert found(catalog, "lamps") == ["buy lamps"]
    assert catalog.remove_texts([id]) == RemovalCounts(files=0, documents=0, segments=0)
    assert catalog.remove_files(["/r/note.txt"]) == RemovalCounts(files=1, documents=1, segments=1)


def test_a_path_that_is_no_utf_8_is_kept_byte_by_byte(catalog: Catalog) -> None:
    path = os.fsdecode(b"/r/caf\xe9/r\xff.pdf")
    put(catalog, path, ["latte"])
    assert held(catalog, path)
    assert [file.path for file in catalog.files_under(os.fsdecode(b"/r/caf\xe9"))] == [path]
    assert found(catalog, "latte", Scope((os.fsdecode(b"/r/caf\xe9"),))) == ["latte"]
    listed, total = catalog.listing(Scope(("/r",)))
    assert (listed[0].files[0].path, total) == (path, 1)
    assert listed[0].document.title == "/r/caf?/r?.pdf"


def test_the_same_bytes_at_the_same_path_bring_its_size_and_time_up_to_date(catalog: Catalog) -> None:
    put(catalog, "/r/a")
    again = File(path="/r/a", document=held(catalog, "/r/a"), size=9, mtime_ns=8)
    assert catalog.attach(again) == "unchanged"
    file = catalog.file("/r/a")
    assert file is not None
    assert (file.size, file.mtime_ns) == (9, 8)


def test_a_folder_is_not_a_prefix_of_its_neighbours_name(catalog: Catalog) -> None:
    for path in ("/r/a/x", "/r/ab", "/r/a.txt", "/r/a"):
        put(catalog, path)
    assert [file.path for file in catalog.files_under("/r/a")] == ["/r/a", "/r/a/x"]
    assert [file.path for file in catalog.files_under("/r/a/")] == ["/r/a", "/r/a/x"]
    assert len(catalog.files_under("/")) == 4


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


def test_all_documents_are_pending_until_there_is_a_space_and_then_those_that_are_not_in_it(catalog: Catalog) -> None:
    for path in ("/r/a", "/r/b", "/s/c"):
        put(catalog, path)
    assert catalog.pending(EVERYTHING, None) == 3
    assert catalog.pending(Scope(("/r",)), None) == 2
    space = catalog.space(SPACE, dim=DIM)
    assert catalog.pending(EVERYTHING, space) == 3
    embed(catalog, space, held(catalog, "/r/a"))
    assert catalog.pending(EVERYTHING, space) == 2
    assert catalog.pending(Scope(("/r",)), space) == 1


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


def test_neighbours_of_a_segment_come_in_order(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["a", "b", "c", "d"])
    put(catalog, "/r/b", ["e"])
    keys = [stored.key for stored in catalog.segments_of(held(catalog, "/r/a"))]
    assert [stored.segment.text for stored in catalog.around(keys[1])] == ["a", "b", "c"]
    assert [stored.segment.text for stored in catalog.around(keys[3])] == ["c", "d"]
    assert catalog.around(10**9) == []


def test_an_id_prefix_and_a_place_find_what_overlaps(catalog: Catalog) -> None:
    id = sha("talk")
    spans = [(0.0, 15.0), (10.0, 25.0), (20.0, 35.0)]
    segments = [Segment(document=id, modality="audio", place=Place(start=s, end=e), text=f"{s}") for s, e in spans]
    document = Document(id=id, modality="audio", reading=catalog.reading(READING))
    catalog.commit_read(document, segments, file=File(path="/r/talk.wav", document=id, size=1, mtime_ns=0))
    put(catalog, "/r/a.pdf", ["first", "second"])
    assert [s.segment.text for s in catalog.find(id[:12], Place(start=12.0, end=14.0))] == ["0.0", "10.0"]
    assert [s.segment.text for s in catalog.find(held(catalog, "/r/a.pdf")[:12], Place(page=2))] == ["second"]
    assert len(catalog.find(id[:12], Place())) == 3
    assert catalog.find("0" * 12, Place()) == []
    assert catalog.documents_starting(id[:12]) == [id]


def test_jobs_outlive_the_process_that_started_them(tmp_path: Path) -> None:
    first = Catalog(tmp_path / "catalog.db")
    begun = JobRow(id="j1", key="k", asked='{"paths":[]}', state="running", outcome="{}")
    first.put_job(begun)
    first.put_job(JobRow(id="j3", key="k", asked="", state="running", outcome="{}"))
    first.close()
    second = Catalog(tmp_path / "catalog.db")
    second.put_job(JobRow(id="j2", key="k", asked="", state="done", outcome="{}"))
    assert [job.id for job in second.jobs()] == ["j2", "j3", "j1"]
    assert [job.id for job in second.jobs(limit=1)] == ["j2"]
    assert [job.id for job in second.running_jobs()] == ["j1", "j3"]
    path = os.fsdecode(b"/r/caf\xe9")
    second.put_job(replace(begun, state="failed", outcome='{"error":"killed"}', attempts=2, reading=path))
    job = second.job("j1")
    assert job is not None
    assert job.ended is not None
    assert (job.state, job.outcome, job.attempts, job.reading) == ("failed", '{"error":"killed"}', 2, path)
    assert [job.id for job in second.running_jobs()] == ["j3"]
    assert second.job("j4") is None
    second.close()


def test_writers_from_many_threads_take_turns(catalog: Catalog) -> None:
    threads = [threading.Thread(target=fill, args=(catalog, 10), kwargs={"root": f"/t{n}"}) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.counts(EVERYTHING, space=1) == catalog.counts(Scope(("/t0", "/t1", "/t2", "/t3")), space=1)
    assert catalog.counts(EVERYTHING).documents == 40
