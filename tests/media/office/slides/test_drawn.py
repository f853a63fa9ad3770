"""Slides as pictures, by LibreOffice where it is installed and can be locked in."""

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from pptx import Presentation

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.slides.drawn import MOST_DECKS, PROGRAMS, DrawnSlides, slide_number


@pytest.fixture(scope="module")
def drawn() -> Iterator[DrawnSlides]:
    if not any(map(shutil.which, PROGRAMS)):
        pytest.skip("LibreOffice is not installed")
    slides = DrawnSlides(wanted=True)
    with tempfile.TemporaryFile() as file:
        file.write(deck("tried"))
        with slides.pdf(file.fileno(), name="a.pptx", document="tried") as pdf:
            if pdf is None:
                pytest.skip("this system does not let a program lock itself in")
    yield slides
    slides.close()


def deck(*titles: str) -> bytes:
    """Slides with titles; those in brackets are hidden."""
    made = Presentation()
    for title in titles:
        slide = made.slides.add_slide(made.slide_layouts[5])
        slide.shapes.title.text = title
        if title.startswith("("):
            slide._element.set("show", "0")
    packed = io.BytesIO()
    made.save(packed)
    return packed.getvalue()


def texts(drawn: DrawnSlides, path: Path, document: str) -> list[str]:
    with path.open("rb") as file, drawn.pdf(file.fileno(), name=path.name, document=document) as pdf:
        assert pdf is not None
        data = os.pread(pdf, os.fstat(pdf).st_size, 0)
    return [page.get_textpage().get_text_range().strip() for page in pdfium.PdfDocument(data)]


@pytest.mark.parametrize(
    ("part", "number"),
    [("slide=4", 4), ("", None), ("sheet=4", None), ("part=2&slide=4", None), ("slide=4&member=a", None)],
)
def test_a_slide_of_the_file_itself_has_a_number(part: str, number: int | None) -> None:
    assert slide_number(part) == number


def test_each_slide_is_a_page_hidden_ones_too(drawn: DrawnSlides, tmp_path: Path) -> None:
    (tmp_path / "a.pptx").write_bytes(deck("One", "(Two)", "Three"))
    assert texts(drawn, tmp_path / "a.pptx", "three") == ["One", "(Two)", "Three"]


def test_a_deck_is_drawn_once(drawn: DrawnSlides, tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    path.write_bytes(deck("One"))
    assert texts(drawn, path, "once") == ["One"]
    path.write_bytes(b"")
    assert texts(drawn, path, "once") == ["One"]


def test_what_cannot_be_drawn_is_said_and_not_tried_again(
    drawn: DrawnSlides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pptx"
    path.write_bytes(b"PK\x03\x04 no deck")
    for _ in range(2):
        with pytest.raises(UnreadableMedia, match="LibreOffice could not draw"):
            texts(drawn, path, "broken")
        monkeypatch.setattr(drawn, "_drawn", lambda *_: pytest.fail("tried again"))


def test_the_least_recently_seen_decks_are_forgotten(
    drawn: DrawnSlides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(drawn, "_drawn", _counted(asked))
    (tmp_path / "a.pptx").write_bytes(deck("One"))
    for document in ["0", *map(str, range(MOST_DECKS)), "0", "new", "0", "1"]:
        with (tmp_path / "a.pptx").open("rb") as file, drawn.pdf(file.fileno(), name="a", document=document) as pdf:
            assert pdf is not None
    assert len(asked) == MOST_DECKS + 2  # "new", and "1", for which there was no room


def _counted(asked: list[int]) -> Callable[[int, str], io.BufferedRandom]:
    def made(deck: int, suffix: str) -> io.BufferedRandom:
        asked.append(deck)
        return tempfile.TemporaryFile()

    return made


def test_without_libreoffice_or_the_wish_there_are_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not DrawnSlides(wanted=False).available
    monkeypatch.setenv("PATH", str(tmp_path))
    none = DrawnSlides(wanted=True)
    assert not none.available
    with none.pdf(0, name="a.pptx", document="a") as pdf:
        assert pdf is None
