"""What is shown of a place."""

from pathlib import Path

import pytest

from mcp_mmretrieval.errors import NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import Film, Place, Sound
from tests.support.calls import add
from tests.support.files import BLUE, GREEN, RED, film, picture, recording, scanned_pdf


def test_a_file_that_vanished_before_it_is_opened_again_shows_its_text(library: Library, folder: Path) -> None:
    picture(folder / "sign.png", RED, (300, 100))
    add(library)
    (folder / "sign.png").unlink()
    look = library.look("sign.png")
    assert (look.stale, look.text) == (True, "wide sign")


def test_a_page_is_looked_at_with_what_stands_around_it(library: Library, folder: Path) -> None:
    scanned_pdf(folder / "report.pdf", [BLUE, RED, GREEN])
    add(library)
    look = library.look("report.pdf#page=2", side=100)
    assert look.segment.place.page == 2
    assert look.content is not None
    assert not isinstance(look.content, str | Sound | Film)
    assert max(look.content.shape) == 100
    assert look.content[..., 0].mean() > 200


def test_a_moment_of_film_is_looked_at_by_its_time(library: Library, folder: Path) -> None:
    film(folder / "clip.mp4", (RED, 4), (BLUE, 4))
    add(library)
    look = library.look("clip.mp4#t=6.0,7.0")
    assert isinstance(look.content, Film)
    assert look.content.pictures[0][..., 2].mean() > 150


def test_a_file_that_changed_shows_its_stored_text_and_no_pixels(library: Library, folder: Path) -> None:
    picture(folder / "sign.png", RED, (300, 100))
    add(library)
    picture(folder / "sign.png", BLUE, (300, 100))
    look = library.look("sign.png")
    assert (look.stale, look.content, look.text) == (True, None, "wide sign")
    assert "add_documents" in look.note


def test_what_lies_beyond_the_end_of_a_document_is_told_with_its_length(library: Library, folder: Path) -> None:
    scanned_pdf(folder / "report.pdf", [BLUE, RED])
    recording(folder / "call.wav", (440, 4))
    add(library)
    with pytest.raises(NotInLibrary, match="nothing at page=9; it has 2 pages"):
        library.look("report.pdf#page=9")
    with pytest.raises(NotInLibrary, match=r"nothing at t=500.0,510.0; it is 4.0 s long"):
        library.look("call.wav#t=500,510")


def test_a_recording_opens_from_a_moment_on(library: Library, folder: Path) -> None:
    recording(folder / "call.wav", (440, 70))
    add(library)
    place = library.look("call.wav#t=0:50").segment.place
    assert place.start == 50.0
    assert place.end is not None
    assert 50.0 < place.end <= 70.0
    assert library.look("call.wav#t=,10").segment.place == Place(start=0.0, end=10.0)
