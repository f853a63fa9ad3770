"""What is shown of a place."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pptx import Presentation
from pptx.dml.color import RGBColor

from mcp_mmretrieval.errors import BadArgument, NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.media.office.slides.drawn import DrawnSlides
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


PARAGRAPHS = "\n\n".join(f"Paragraph {number} tells of the harbour, and of its boats. " * 8 for number in range(65))


def test_a_long_note_is_opened_in_two_calls_and_says_where_it_goes_on(library: Library, folder: Path) -> None:
    (folder / "notes.md").write_text(PARAGRAPHS, encoding="utf-8")
    assert 25_000 < len(PARAGRAPHS) < 38_000
    add(library)
    first = library.look("notes.md")
    assert (first.previous, first.unfinished) == ("", True)
    second = library.look(first.next)
    assert (second.next, second.unfinished) == ("", False)
    assert f"{first.text} {second.text}".split() == PARAGRAPHS.split()
    assert second.previous.startswith("notes.md#char=")
    assert library.look(second.previous).text.split()[-1] == first.text.split()[-1]
    begin, end = PARAGRAPHS.index("Paragraph 1 "), PARAGRAPHS.index(" \n", 9_000)
    some = library.look(f"notes.md#char={begin + 20},9000")
    assert some.citation == f"notes.md#char={begin},{end}"
    assert some.text.split() == PARAGRAPHS[begin:end].split()
    assert some.before.split() == PARAGRAPHS[:begin].split()


def test_the_text_that_was_read_is_shown_where_the_file_is_gone(library: Library, folder: Path) -> None:
    (folder / "notes.md").write_text(PARAGRAPHS, encoding="utf-8")
    add(library)
    (folder / "notes.md").unlink()
    assert library.look("notes.md#char=0,5000").text.split() == PARAGRAPHS[: PARAGRAPHS.index("\n", 5_000)].split()


def test_pages_are_turned_and_files_of_an_archive_follow_each_other(library: Library, folder: Path) -> None:
    scanned_pdf(folder / "report.pdf", [BLUE, RED, GREEN])
    with zipfile.ZipFile(folder / "box.zip", "w") as box:
        box.writestr("a.txt", "The first note.")
        box.write(picture(folder / "b.png", RED, (300, 100)), "b.png")
        box.writestr("c.txt", "The last note.")
    add(library)
    page = library.look("report.pdf#page=2", content=False)
    assert (page.previous, page.next) == ("report.pdf#page=1", "report.pdf#page=3")
    assert library.look("report.pdf", content=False).previous == ""
    note = library.look("box.zip")
    assert (note.text, note.previous, note.next) == ("The first note.", "", "box.zip#member=b.png")
    assert (note.before, note.after) == ("", "")
    shown = library.look(note.next, side=60)
    assert (shown.before, shown.after) == ("", "")
    assert isinstance(shown.content, np.ndarray) and shown.content.shape == (20, 60, 3)
    assert (shown.previous, shown.next) == ("box.zip#member=a.txt", "box.zip#member=c.txt")
    assert library.look(shown.next).text == "The last note."


def test_a_region_of_a_picture_and_of_a_page_is_shown_closer(library: Library, folder: Path) -> None:
    plan = Image.new("RGB", (400, 200), "white")
    plan.paste(RED, (300, 100, 400, 200))
    plan.save(folder / "plan.png")
    scanned_pdf(folder / "report.pdf", [BLUE])
    add(library)
    look = library.look("plan.png", side=100, region=(75.0, 50.0, 25.0, 50.0))
    assert isinstance(look.content, np.ndarray) and look.content.shape == (100, 100, 3)
    assert (look.content == RED).all()
    assert look.citation == "plan.png#xywh=percent:75,50,25,50"
    again = library.look(look.citation, side=100)
    assert isinstance(again.content, np.ndarray) and np.array_equal(again.content, look.content)
    page = library.look("report.pdf#page=1", side=100, region=(10.0, 10.0, 20.0, 10.0))
    assert isinstance(page.content, np.ndarray) and page.content[..., 2].min() > 200


def test_a_region_of_what_has_no_picture_is_refused(library: Library, folder: Path) -> None:
    film(folder / "clip.mp4", (RED, 4))
    recording(folder / "call.wav", (440, 4))
    (folder / "notes.md").write_text("The harbour.", encoding="utf-8")
    add(library)
    for name, kind in (("clip.mp4", "a film"), ("call.wav", "a recording"), ("notes.md", "text")):
        with pytest.raises(BadArgument, match=f"{name} is {kind}: a region can be cut out of a picture or a page"):
            library.look(name, region=(0.0, 0.0, 50.0, 50.0))


def test_sound_whose_words_are_known_is_not_drawn_unless_it_is_asked_for(library: Library, folder: Path) -> None:
    recording(folder / "call.wav", (440, 4))
    (folder / "call.srt").write_text("1\n00:00:00,000 --> 00:00:03,000\nHello there.\n", encoding="utf-8")
    recording(folder / "hum.wav", (3_000, 4))
    film(folder / "clip.mp4", (RED, 4))
    add(library)
    assert "Hello there." in library.look("call.wav", content=None).text
    assert library.look("call.wav", content=None).content is None
    assert isinstance(library.look("call.wav", content=True).content, Sound)
    hum = library.look("hum.wav", content=None)
    assert (hum.content is None) == bool(hum.text.strip())
    assert isinstance(library.look("clip.mp4", content=None).content, Film)


def test_a_slide_is_looked_at_as_it_is_drawn(library: Library, folder: Path) -> None:
    deck = Presentation()
    for colour in (RED, GREEN):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = "A title"
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = RGBColor(*colour)  # type: ignore[no-untyped-call]
    deck.save(str(folder / "deck.pptx"))
    add(library)
    assert library.look("deck.pptx#slide=2", content=False).content is None
    look = library.look("deck.pptx#slide=2", side=200)
    assert "A title" in look.text
    if look.content is None and not look.note:
        pytest.skip("LibreOffice is not installed, or cannot be locked in")
    assert isinstance(look.content, np.ndarray)
    assert max(look.content.shape) == 200
    assert look.content[..., 1].mean() > look.content[..., 0].mean() + 50


def test_of_a_deck_that_libreoffice_does_not_draw_the_text_is_shown(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "A title"
    deck.save(str(folder / "deck.pptx"))
    add(library)
    monkeypatch.setattr(DrawnSlides, "available", True)
    monkeypatch.setattr(DrawnSlides, "_drawn", lambda *_: None)
    look = library.look("deck.pptx#slide=1")
    assert (look.content, look.stale) == (None, False)
    assert "A title" in look.text and "LibreOffice could not draw" in look.note
