"""Which hits say nothing that one above them does not."""

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_mmretrieval.adding.fingerprints import Fingerprint, fingerprint
from mcp_mmretrieval.searching.near_duplicates import NearDuplicates
from mcp_mmretrieval.store import Catalog, Document, File, StoredSegment
from mcp_mmretrieval.types import Film, Modality, Place, Segment
from tests.adding.test_fingerprints import melody, pixels, scene
from tests.support import planted_duplicates as planted

LETTER = (
    "Dear Ms Okafor, we have looked at the pump of the northern well on 14 March 2025. The seal was worn and has been "
    "replaced at a cost of 1,240.50 euros. The pump shall be tested once more before the summer."
)
FURTHER = "The log of the last 12 months is to be sent to Mr Larsen, who keeps the book of repairs of all four wells."
CAPTION = "Output of plant 3 by month, 2021"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog(tmp_path / "catalog.sqlite3")
    yield made
    made.close()


def hit(
    modality: Modality, text: str = "", *, document: str = "b", look: bytes = b"", **where: object
) -> StoredSegment:
    place = Place(**where)  # type: ignore[arg-type]
    segment = Segment(document=document * 64, modality=modality, place=place, text=text, fingerprint=look)
    return StoredSegment(key=1, ordinal=0, segment=segment)


def test_a_copied_passage_repeats_and_one_with_another_number_does_not(catalog: Catalog) -> None:
    near, above = NearDuplicates(catalog), hit("text", LETTER, document="a", first=0, last=200)
    assert near.is_repeated(hit("text", textwrap.fill(LETTER, 30), first=9, last=220), above)
    assert not near.is_repeated(hit("text", LETTER.replace("14", "15"), first=9, last=220), above)


def test_short_texts_never_repeat(catalog: Catalog) -> None:
    assert not NearDuplicates(catalog).is_repeated(
        hit("text", "All is well."), hit("text", "All is well.", document="a")
    )


def test_a_page_repeats_a_passage_where_the_passages_around_it_say_the_rest(catalog: Catalog) -> None:
    reading = catalog.reading({"splitter": 1})
    passages = [
        Segment(document="a" * 64, modality="text", place=Place(first=300 * at, last=300 * at + 299), text=text)
        for at, text in enumerate((LETTER, FURTHER))
    ]
    document = Document(id="a" * 64, modality="text", reading=reading)
    catalog.commit_read(document, passages, file=File(path="/a.docx", document="a" * 64, size=1, mtime_ns=1))
    above = catalog.segments_of("a" * 64)[0]
    near = NearDuplicates(catalog)
    assert near.is_repeated(hit("page", f"{LETTER}\n{FURTHER}\n7", page=7), above)
    assert not near.is_repeated(hit("page", f"{LETTER}\n{FURTHER} He was told so by telephone.\n7", page=7), above)


def test_pictures_repeat_that_look_and_read_the_same(catalog: Catalog) -> None:
    near = NearDuplicates(catalog)
    above = hit("image", CAPTION, document="a", look=fingerprint(pixels(scene(1))))
    again = fingerprint(pixels(planted.saved_anew(scene(1))))
    assert near.is_repeated(hit("image", CAPTION, look=again), above)
    assert not near.is_repeated(hit("image", CAPTION.replace("2021", "2018"), look=again), above)
    assert not near.is_repeated(hit("image", CAPTION, look=fingerprint(pixels(scene(2)))), above)
    assert not near.is_repeated(hit("image", CAPTION), above)  # of a library of before: nothing is known of it


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_the_same_stretch_of_a_recording_or_film_repeats_and_the_same_words_do_not(
    catalog: Catalog, modality: Modality
) -> None:
    near = NearDuplicates(catalog)
    content = melody(1) if modality == "audio" else Film([pixels(scene(1)), pixels(scene(2))], (0.0, 3.0), melody(1))
    above = hit(modality, "Large latte", document="a", look=fingerprint(content), start=0.0, end=6.0)
    assert near.is_repeated(replace_document(above), above)
    later = hit(modality, "Large latte", look=fingerprint(content), start=30.0, end=36.0)
    assert not near.is_repeated(later, above)
    other = melody(2) if modality == "audio" else Film([pixels(scene(1)), pixels(scene(2))], (0.0, 3.0), melody(2))
    assert not near.is_repeated(hit(modality, "Large latte", look=fingerprint(other), start=0.0, end=6.0), above)


def test_silent_films_are_told_apart_by_the_words_in_their_frames(catalog: Catalog) -> None:
    near, look = NearDuplicates(catalog), fingerprint(Film([pixels(scene(1))], (0.0,)))
    above = hit("video", "Slide 4: sales in the north", document="a", look=look, start=0.0, end=6.0)
    assert near.is_repeated(hit("video", above.segment.text, look=look, start=0.0, end=6.0), above)
    assert not near.is_repeated(hit("video", "Slide 5: costs in the south", look=look, start=0.0, end=6.0), above)


def test_films_of_one_fixed_camera_are_told_apart_by_who_comes_by(catalog: Catalog) -> None:
    def watched(visitor: tuple[int, int, int] | None) -> bytes:
        place = scene(1)
        if visitor is not None:
            place.paste(visitor, (90, 70, 150, 200))
        return fingerprint(Film([pixels(place), pixels(planted.saved_anew(place))], (0.0, 3.0)))

    near = NearDuplicates(catalog)
    above = hit("video", document="a", look=watched((250, 240, 230)), start=0.0, end=6.0)
    assert near.is_repeated(hit("video", look=watched((250, 240, 230)), start=0.0, end=6.0), above)
    assert not near.is_repeated(hit("video", look=watched((10, 20, 30)), start=0.0, end=6.0), above)
    assert not near.is_repeated(hit("video", look=watched(None), start=0.0, end=6.0), above)


def test_kinds_of_media_that_say_the_same_in_another_way_stand_beside_each_other(catalog: Catalog) -> None:
    near = NearDuplicates(catalog)
    assert not near.is_repeated(hit("audio", LETTER, start=0.0, end=9.0), hit("text", LETTER, document="a"))
    assert not near.is_repeated(hit("image", LETTER), hit("page", LETTER, document="a", page=1))


def test_sounds_without_enough_to_compare_are_not_taken_for_one(catalog: Catalog) -> None:
    none: NDArray[np.uint8] = np.empty((0, 32, 32), np.uint8)
    short = Fingerprint(none, np.zeros(4, np.uint16)).to_bytes()
    empty = Fingerprint(none, np.empty(0, np.uint16)).to_bytes()
    for look in (short, empty, b""):
        above = hit("audio", "", document="a", look=look, start=0.0, end=1.0)
        assert not NearDuplicates(catalog).is_repeated(replace_document(above), above)


def replace_document(stored: StoredSegment) -> StoredSegment:
    """The same place of another document."""
    return replace(stored, segment=replace(stored.segment, document="c" * 64))
