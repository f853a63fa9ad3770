"""Documents, files and segments as they are asked for."""

from __future__ import annotations

import os

import pytest

from mcp_mmretrieval.store import Catalog, Document, File, Scope
from mcp_mmretrieval.store import catalog as module
from mcp_mmretrieval.types import Place, Segment
from tests.support.rows import READING, found, held, pages, put, sha

EVERYTHING = Scope()


def test_a_document_that_is_not_held_or_was_given_as_text_has_no_files(catalog: Catalog) -> None:
    note = Document(id=sha("note"), modality="text", reading=catalog.reading(READING))
    catalog.commit_read(note, pages(note.id, ["a note"]), text="a note")
    assert catalog.files_of_one(note.id) == []
    assert catalog.files_of_one(sha("unknown")) == []


def test_a_path_that_is_no_utf_8_is_kept_byte_by_byte(catalog: Catalog) -> None:
    path = os.fsdecode(b"/r/caf\xe9/r\xff.pdf")
    put(catalog, path, ["latte"])
    assert held(catalog, path)
    assert [file.path for file in catalog.files_under(os.fsdecode(b"/r/caf\xe9"))] == [path]
    assert found(catalog, "latte", Scope((os.fsdecode(b"/r/caf\xe9"),))) == ["latte"]
    listed, total = catalog.listing(Scope(("/r",)))
    assert (listed[0].files[0].path, total) == (path, 1)
    assert listed[0].document.title == "/r/caf?/r?.pdf"


def test_a_folder_is_not_a_prefix_of_its_neighbours_name(catalog: Catalog) -> None:
    for path in ("/r/a/x", "/r/ab", "/r/a.txt", "/r/a"):
        put(catalog, path)
    assert [file.path for file in catalog.files_under("/r/a")] == ["/r/a", "/r/a/x"]
    assert [file.path for file in catalog.files_under("/r/a/")] == ["/r/a", "/r/a/x"]
    assert len(list(catalog.files_under("/"))) == 4


def test_many_files_come_some_at_a_time_each_once(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_AT_ONCE", 3)
    paths = [f"/r/{number}" for number in range(9)]
    for path in ("/r", *paths, "/s", "/r0"):
        put(catalog, path)
    assert [file.path for file in catalog.files_under("/r")] == ["/r", *paths]
    coming = catalog.files_under("/r")
    assert next(coming).path == "/r"
    catalog.remove_files([paths[2], paths[3]])
    assert paths[3] not in [file.path for file in coming]


def test_whether_a_folder_holds_a_file_and_what_was_never_added(catalog: Catalog) -> None:
    put(catalog, "/r/a/x")
    assert [catalog.holds_under(path) for path in ("/r", "/r/a/x", "/r/b", "/r/a/x/y", "/")] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert catalog.unheld(["/r/b", "/r/a/x", "/r/a"]) == ["/r/b", "/r/a"]


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


def test_a_part_finds_what_is_in_it_and_what_it_is_in_and_no_other_part(catalog: Catalog) -> None:
    id = sha("box")
    fragments = ["member=a&char=0,9", "member=a%20b&char=0,9", "member=a&picture=1", "member=a&picture=1&page=2", ""]
    places = [place for fragment in fragments if (place := Place.parse(fragment)) is not None]
    segments = [Segment(document=id, modality="text", place=place, text=place.fragment) for place in places]
    document = Document(id=id, modality="text", reading=catalog.reading(READING))
    catalog.commit_read(document, segments, file=File(path="/r/box.zip", document=id, size=1, mtime_ns=0))
    for part in ("member=a", "member=a&picture=1", "member=a%20b", "member=c"):
        place = Place(part=part)
        within = [one.fragment for one in places if one.part and one.overlaps(place)]
        assert [stored.segment.text for stored in catalog.find(id, place)] == within
    assert len(catalog.find(id, Place(part="member=a"))) == 3


def test_places_are_known_until_their_segments_go_however_few_are_remembered(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(catalog, "/r/a.pdf", ["one", "two", "three", "four", "five"])
    put(catalog, "/r/b.pdf", ["six", "seven"])
    stored = [each for path in ("/r/a.pdf", "/r/b.pdf") for each in catalog.segments_of(held(catalog, path))]
    wanted = {each.key: (each.segment.document, each.segment.place) for each in stored}
    monkeypatch.setattr(module, "MAX_PLACES_REMEMBERED", 3)
    for some in (list(wanted)[:2], list(wanted), list(wanted)[4:]):
        told = {key: (place.document, place.place) for key, place in catalog.places(some).items()}
        assert told == {key: wanted[key] for key in some}
    catalog.remove_files(["/r/a.pdf"])
    assert {place.document for place in catalog.places(wanted).values()} == {held(catalog, "/r/b.pdf")}
