"""Examples to search by that come as data, from callers who have no files here."""

import base64
import io
import logging
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, RetrievalError
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.searching.like import MAX_DATA_URL_BYTES, data_url_bytes
from tests.support import media_files as making
from tests.support.calls import add
from tests.support.files import BLUE, GREEN, RED, film, picture, recording
from tests.support.models import PATIENCE

NEARLY_BLUE = making.picture(colour=(10, 10, 200))


def url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def cited(library: Library, query: str = "", **options: object) -> list[str]:
    return [hit.citation for hit in library.search(query, **options).hits]  # type: ignore[arg-type]


@pytest.fixture
def colours(library: Library, folder: Path) -> Library:
    """Three pictures, two recordings and a note."""
    for name, colour in {"red": RED, "green": GREEN, "blue": BLUE}.items():
        picture(folder / f"{name}.png", colour)
    recording(folder / "low.wav", (440, 4))
    recording(folder / "high.wav", (2_000, 4))
    (folder / "note.md").write_text("the red valve", encoding="utf-8")
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)
    return library


# -- what is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "like",
    [
        url(NEARLY_BLUE),
        url(NEARLY_BLUE, ""),
        url(NEARLY_BLUE, "text/plain;charset=utf-8"),
        url(making.picture("JPEG", colour=(10, 10, 200)), "image/jpeg;name=a.jpg"),
        url(making.svg('<rect width="100" height="50" fill="#0a0ac8"/>').strip(), "image/svg+xml"),
        "DATA:image/png;BASE64," + url(NEARLY_BLUE).partition(",")[2],
        "\n " + url(NEARLY_BLUE)[:60] + "\r\n" + url(NEARLY_BLUE)[60:] + " \n",
        "data:;base64," + quote(url(NEARLY_BLUE).partition(",")[2], safe=""),
    ],
    ids=["PNG", "no type", "a wrong type", "JPEG", "SVG", "capitals", "in lines", "percent-encoded"],
)
def test_a_picture_given_as_data_finds_the_one_that_looks_like_it_first(colours: Library, like: str) -> None:
    assert cited(colours, like=like)[0] == "blue.png"


def test_a_recording_given_as_data_finds_those_that_say_the_same(colours: Library, tmp_path: Path) -> None:
    heard = recording(tmp_path / "never added.wav", (440, 5)).read_bytes()
    found = colours.search(like=url(heard, "audio/wav"), lanes=("text",)).hits
    assert [hit.citation for hit in found[:2]] == ["high.wav#t=0.0,4.0", "low.wav#t=0.0,4.0"]
    assert found[2].score < found[1].score


def test_words_and_data_search_together_within_filters(colours: Library) -> None:
    images = colours.filters(modality=["image"])
    assert cited(colours, "green", like=url(making.picture(colour=(0, 255, 40))), filters=images)[0] == "green.png"


def test_without_files_in_memory_a_file_without_a_name_serves(
    colours: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert cited(colours, like=url(NEARLY_BLUE))[0] == "blue.png"


# -- what is kept -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="lists open files")
def memory_files() -> set[str]:
    """Memory files of this process, open or mapped."""
    return {file.name for file in Path("/proc/self/fd").iterdir() if "memfd" in str(file.resolve())}


def test_nothing_of_it_stays(colours: Library, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before = colours.documents()[1], colours.status().segments
    held = memory_files()
    assert colours.search(like=url(NEARLY_BLUE)).hits
    with pytest.raises(BadArgument):
        colours.search(like=url(NEARLY_BLUE[:60]))
    assert (colours.documents()[1], colours.status().segments) == before
    assert colours._shared.store.index.wait(PATIENCE)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if NEARLY_BLUE[:60] in path.read_bytes()]
    assert memory_files() <= held
    assert base64.b64encode(NEARLY_BLUE).decode()[:40] not in caplog.text


# -- what is refused --------------------------------------------------------------------------------------------------


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a" * 100)
    return file.getvalue()


def filmed(folder: Path) -> bytes:
    return film(folder / "clip.mp4", (RED, 2)).read_bytes()


def silent(folder: Path) -> bytes:
    return recording(folder / "silence.wav", (0.0, 2.0)).read_bytes()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda _: making.pdf(["A page"]), "is a PDF"),
        (lambda _: making.scanned_pdf(["A page"]), "is a PDF"),
        (lambda _: b"the red valve, in words", "is text"),
        (lambda _: b"<html><p>the red valve</p></html>", "is text"),
        (filmed, "is a film"),
        (lambda _: zipped(), "is text"),
        (lambda _: bytes(range(256)) * 8, "of no kind"),
        (lambda _: NEARLY_BLUE[:60], "cannot be read: damaged"),
        (lambda _: making.large_png(), "cannot be read: 13,000 x 13,000 pixels"),
        (silent, "nothing to search by"),
    ],
    ids=["PDF", "scan", "text", "HTML", "film", "ZIP", "noise", "damaged", "huge", "silence"],
)
def test_what_is_no_readable_picture_or_sound_is_refused_with_the_next_step(
    colours: Library, tmp_path: Path, made: Callable[[Path], bytes], told: str
) -> None:
    data = made(tmp_path)
    error = refused(colours, url(data))
    assert told in error
    assert "Give" in error or "Describe" in error
    assert "/" not in error  # no path of ours


@pytest.mark.parametrize(
    ("like", "told"),
    [
        (url(b""), "is empty"),
        ("data:image/png;base64,", "is empty"),
        (url(bytes(MAX_DATA_URL_BYTES + 1)), "3.1 MB, more than 3 MB"),
        ("data:;base64," + "A" * (3 * MAX_DATA_URL_BYTES), "more than 3 MB"),
        ("data:image/png;base64,iVBORw0KGgo", "not in valid base64"),
        ("data:image/png;base64,iVBORw0K*Ggo", "not in valid base64"),
        ("data:image/png;base64,iVBORw0KGgo\ud800", "not in valid base64"),
        ("data:image/png;base64,--__", "not in valid base64"),
        ("data:image/png,%89PNG%0D%0A", "is not in base64"),
        ("data:,the red valve", "is not in base64"),
        ("data:iVBORw0KGgoAAAANSUhEUg", "is not in base64"),
        ("data:", "is not in base64"),
    ],
)
def test_data_that_is_not_well_given_is_refused_with_the_next_step(library: Library, like: str, told: str) -> None:
    assert told in refused(library, like)


def refused(library: Library, like: str) -> str:
    """The error, which shows nothing of the data."""
    with pytest.raises(BadArgument) as error:
        library.search("valve", like=like)
    message = str(error.value)
    payload = like.partition(",")[2] or like.removeprefix("data:")
    assert payload[:12] not in message or not payload
    assert len(message) < 500
    return message


def test_as_much_as_may_be_given_is_taken() -> None:
    assert data_url_bytes(url(bytes(MAX_DATA_URL_BYTES))) == bytes(MAX_DATA_URL_BYTES)
    assert data_url_bytes("red.png") is None


# -- elsewhere --------------------------------------------------------------------------------------------------------


def test_data_is_no_path_anywhere_else(library: Library) -> None:
    like = url(NEARLY_BLUE)
    outcome = library.add([like]).wait(PATIENCE)
    assert outcome.added == 0
    refusals: list[Callable[[], object]] = [
        lambda: library.look(like),
        lambda: library.rerank("blue", [like]),
        lambda: library.filters(under=like),
        lambda: library.filters(document=like),
    ]
    for refusal in refusals:
        with pytest.raises((NotAllowed, NotInLibrary)):
            refusal()
    assert library.documents()[1] == 0


def test_an_error_about_a_long_argument_repeats_only_its_beginning(library: Library) -> None:
    long = "a" * 5_000 + ".png"
    attempts: list[Callable[[], object]] = [
        lambda: library.search(like=long),
        lambda: library.search("valve", like="folder/" * 900),
        lambda: library.rerank("valve", [long]),
        lambda: library.rerank("valve", [url(bytes(9_000))]),
    ]
    for attempt in attempts:
        with pytest.raises(RetrievalError) as error:
            attempt()
        assert len(str(error.value)) < 500


def test_a_picture_is_found_by_another_picture_that_was_never_added(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", BLUE)
    add(library, folder / "red.png", folder / "blue.png")
    picture(folder / "example.png", (10, 10, 200))
    assert cited(library, like=str(folder / "example.png"))[0] == "blue.png"
    assert library.documents()[1] == 2


def test_like_takes_a_path_a_citation_and_an_id(library: Library, folder: Path) -> None:
    picture(folder / "red one.png", RED)
    picture(folder / "blue.png", BLUE)
    add(library)
    id = library.search("red").hits[0].id
    for like in ("red%20one.png", "red one.png", str(folder / "red one.png"), id):
        assert cited(library, like=like)[0] == "red%20one.png"


@pytest.mark.parametrize("argument", ["like", "avoid"])
def test_a_folder_is_refused_as_one_and_not_called_missing(library: Library, folder: Path, argument: str) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "pump.md").write_text("a slow pump", encoding="utf-8")
    assert library.add().wait(PATIENCE).state == "done"
    with pytest.raises(BadArgument, match=r"is a folder.*under"):
        library.search("pump", **{argument: [f"{folder}/notes/"]})  # type: ignore[arg-type]
