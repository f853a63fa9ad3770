"""What happens to documents, segments and words as paths come, change and go."""

from __future__ import annotations

from pathlib import Path

from mcp_mmretrieval.store import Catalog, Document, File, RemovalCounts, Scope
from tests.support.rows import DIM, READING, SPACE, embed, fill, found, held, inline, pages, put, rows_left, sha, unit

EVERYTHING = Scope()


def test_the_same_bytes_at_two_paths_are_one_document(catalog: Catalog) -> None:
    assert put(catalog, "/r/a", content="same") == "added"
    assert catalog.attach(File(path="/r/b", document=sha("same"), size=1, mtime_ns=0)) == "attached"
    assert put(catalog, "/r/c", content="same") == "attached"
    assert catalog.counts(EVERYTHING).documents == 1
    assert [file.path for file in catalog.files_of([sha("same")])[sha("same")]] == ["/r/a", "/r/b", "/r/c"]
    assert catalog.files_of_one(sha("same")) == catalog.files_of([sha("same")])[sha("same")]


def test_the_same_file_again_changes_nothing_and_keeps_its_vectors(catalog: Catalog) -> None:
    space, _ = fill(catalog, 1)
    before = [stored.key for stored in catalog.segments_of(held(catalog, "/r/f0"))]
    assert put(catalog, "/r/f0", [f"page {page} of file 0" for page in range(5)]) == "unchanged"
    assert [stored.key for stored in catalog.segments_of(held(catalog, "/r/f0"))] == before
    assert catalog.unembedded(space) == []


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


def test_the_same_bytes_at_the_same_path_bring_its_size_and_time_up_to_date(catalog: Catalog) -> None:
    put(catalog, "/r/a")
    again = File(path="/r/a", document=held(catalog, "/r/a"), size=9, mtime_ns=8)
    assert catalog.attach(again) == "unchanged"
    file = catalog.file("/r/a")
    assert file is not None
    assert (file.size, file.mtime_ns) == (9, 8)
