"""Pictures inside of pages are read last, and then found by their words."""

from pathlib import Path

import pytest
from PIL import Image

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store.catalog import MAX_FIGURE_ATTEMPTS
from mcp_mmretrieval.types import Picture
from tests.conftest import OpenLibrary
from tests.support.calls import add, cited
from tests.support.media_files import illustrated_pdf
from tests.support.models import PATIENCE, ShapeReader

SENTENCE = "A page with a text layer that says enough for itself."


@pytest.fixture
def report(folder: Path) -> Path:
    """Two pages; on the second one stands a picture in which the reader of the tests sees a `wide sign`."""
    picture = Image.new("RGB", (600, 200), "red")
    path = folder / "report.pdf"
    path.write_bytes(illustrated_pdf([(SENTENCE, []), (SENTENCE, [(picture, (100, 300, 300, 100))])]))
    return path


def missing(_: ShapeReader, picture: Picture) -> str:
    raise ModelUnavailable("There is no text recognition.")


def found(library: Library) -> list[str]:
    return cited(library, "wide sign", lanes=("words",))


@pytest.mark.usefixtures("report")
def test_words_in_the_picture_of_a_page_are_found_once_there_is_time(library: Library) -> None:
    assert add(library).added == 1
    assert library.settle(PATIENCE, figures=True)
    assert found(library) == ["report.pdf#page=2"]
    assert library.look("report.pdf#page=2").text == f"{SENTENCE}\nwide sign"
    assert cited(library, "text layer", lanes=("words",)) == ["report.pdf#page=1", "report.pdf#page=2"]
    status = library.status()
    assert (status.unread_figures, status.pending_vectors) == (0, 0)
    assert add(library).unchanged == 1
    assert library._catalog.check() == []


@pytest.mark.usefixtures("report")
def test_what_was_not_read_is_said_and_read_by_the_next_process(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ShapeReader, "read", missing)
        first = open_library()
        add(first)
        assert first.status().unread_figures == 1
        first.close()
    second = open_library()
    assert second.settle(PATIENCE, figures=True)
    assert (second.status().unread_figures, found(second)) == (0, ["report.pdf#page=2"])


def test_pictures_of_a_file_that_is_away_wait_until_something_is_added_again(
    open_library: OpenLibrary, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ShapeReader, "read", missing)
        add(first := open_library())
        first.close()
    report.rename(tmp_path / "away.pdf")
    library = open_library()
    assert library.settle(PATIENCE, figures=True)
    assert library.status().unread_figures == 1
    (tmp_path / "away.pdf").rename(report)
    assert add(library).unchanged == 1
    assert library.settle(PATIENCE, figures=True)
    assert (library.status().unread_figures, found(library)) == (0, ["report.pdf#page=2"])


@pytest.mark.usefixtures("report")
def test_a_picture_that_ended_the_process_each_time_is_given_up(open_library: OpenLibrary) -> None:
    library = open_library(ocr="off")
    add(library)
    (key,) = library._catalog.unread_figures()
    for _ in range(MAX_FIGURE_ATTEMPTS):
        assert library._catalog.unread_figures()
        library._catalog.begin_figures(key)
    assert library._catalog.unread_figures() == {}
    assert library.status().unread_figures == 0


def test_a_document_that_is_removed_leaves_nothing_to_read(library: Library, report: Path) -> None:
    add(library)
    library.remove([str(report)])
    assert library.settle(PATIENCE, figures=True)
    assert library.status().unread_figures == 0
