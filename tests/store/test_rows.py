"""What goes into the catalog's columns comes out of them as it was."""

from __future__ import annotations

import json
import os

import pytest

from mcp_mmretrieval.store import Document, rows
from mcp_mmretrieval.types import Place, Segment

PLACES = [Place(), Place(page=3), Place(start=1.5, end=9.25), Place(first=0, last=41)]


@pytest.mark.parametrize("place", PLACES)
def test_a_segment_comes_back_from_json_as_it_was(place: Place) -> None:
    segment = Segment(
        document="d1",
        modality="video",
        place=place,
        text="día 1 “”\n",
        heading="Scene 1",
        frames=(2.0, 4.5),
        label="iv",
        times=((0.0, 1.5),),
        fingerprint=b"\x01\x00\xff",
    )
    found = rows.segment_from_json("d1", rows.segment_to_json(segment))
    assert (found, found.fingerprint) == (segment, segment.fingerprint)


def test_a_segment_that_an_older_release_kept_as_json_has_no_fingerprint() -> None:
    segment = Segment(document="d1", modality="image", place=Place(), text="words", fingerprint=b"\x01\x00")
    kept = json.dumps(json.loads(rows.segment_to_json(segment))[:-1])
    found = rows.segment_from_json("d1", kept)
    assert (found, found.fingerprint) == (segment, b"")


@pytest.mark.parametrize("place", PLACES)
def test_a_segment_comes_back_from_its_columns_as_it_was(place: Place) -> None:
    columns = (
        7,
        2,
        "d1",
        "page",
        "text",
        "heading",
        None,
        "iv",
        "[[0.0, 1.5]]",
        90,
        b"\x01\x00",
        *rows.row_from_place(place),
    )
    stored = rows.segment_from_row(columns)
    assert (stored.key, stored.ordinal, stored.segment.fingerprint) == (7, 2, b"\x01\x00")
    assert stored.segment == Segment(
        document="d1",
        modality="page",
        place=place,
        text="text",
        heading="heading",
        label="iv",
        times=((0.0, 1.5),),
        turn=90,
    )


def test_a_document_comes_back_from_its_columns_as_it_was() -> None:
    document = Document(
        id="d1",
        modality="audio",
        reading=4,
        title="Talk",
        bytes=9,
        pages=None,
        seconds=2.5,
        notes=("a",),
        dated=-86400.0,
        keywords="harbour",
    )
    assert rows.document_from_row((*rows.row_from_document(document), 0, 0.0)) == document


def test_what_utf_8_cannot_hold_is_replaced_before_it_is_stored() -> None:
    name = os.fsdecode(b"caf\xe9")
    assert rows.without_surrogates(name) == "caf?"
    assert rows.without_surrogates("café") == "café"
    segment = rows.storable_segment(Segment(document="d", modality="text", place=Place(), text=name, heading=name))
    assert (segment.text, segment.heading) == ("caf?", "caf?")
    stored = rows.row_from_document(Document(id="d", modality="text", reading=1, title=name, notes=(name,)))
    assert "caf?" in stored
    assert "\udce9" not in repr(stored)


def test_paths_stay_the_bytes_that_they_were() -> None:
    path = b"/r/caf\xe9/r\xff.pdf"
    assert os.fsencode(rows.file_from_row((path, "d1", 1, 2, 0.0, "", 9)).path) == path
    job = rows.job_from_row(("j", "k", "{}", "running", "{}", 1, path, 1.0, None))
    assert os.fsencode(job.reading) == path
