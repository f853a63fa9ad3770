"""The table of readers: asked in order, by bytes, and imported only where files are read."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import archive, audio, epub, image, notebook, text, video
from mcp_mmretrieval.media.compound import CompoundModule
from mcp_mmretrieval.media.mail import eml, mbox, msg
from mcp_mmretrieval.media.office import legacy
from mcp_mmretrieval.media.office.open_document import odp, odt
from mcp_mmretrieval.media.office.rich_text import rtf
from mcp_mmretrieval.media.office.slides import pptx
from mcp_mmretrieval.media.office.spreadsheets import sheets
from mcp_mmretrieval.media.office.word import docx
from mcp_mmretrieval.media.pdf import reader as pdf
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import DocumentMetadata, Modality, Place, Segment, SplitPart
from tests.conftest import OpenLibrary
from tests.media.mail.test_compressed_rtf import HELLO
from tests.media.mail.test_letter import letter
from tests.media.mail.test_msg import message
from tests.media.office.spreadsheets.test_sheets import sheet
from tests.media.test_epub import book
from tests.media.test_zipped import packed
from tests.support import odt_files
from tests.support.compound_files import compound_file
from tests.support.heif import HeifPicture, heif
from tests.support.media_files import half_red_half_blue, parts, picture, saved, source, svg
from tests.support.media_files import pdf as made_pdf
from tests.support.minutes_reader import MINUTES, minutes
from tests.support.models import PATIENCE
from tests.support.word_files import p, r, word

MODULES: list[media.MediaModule | CompoundModule] = [
    pdf,
    image,
    mbox,
    eml,
    msg,
    video,
    audio,
    docx,
    odt,
    rtf,
    pptx,
    odp,
    sheets,
    notebook,
    text,
    epub,
    legacy,
    archive,
]  # the type checker sees that each is a reader's

JUNK = random.Random(1).randbytes(50_000)
LIMITS = Limits()

SAMPLES: dict[str, tuple[bytes, Modality]] = {
    "pdf": (made_pdf(["Some words on a page."]), "page"),
    "png": (picture(), "image"),
    "gif": (picture("GIF"), "image"),
    "animation": (saved(half_red_half_blue(), "GIF", save_all=True, append_images=[half_red_half_blue()]), "image"),
    "avif": (picture("AVIF"), "image"),
    "heic": (heif(HeifPicture(half_red_half_blue((64, 64)))), "image"),
    "jpeg 2000": (picture("JPEG2000"), "image"),
    "svg": (svg("<rect/>"), "image"),
    "html": (b"<html><body>Words <svg></svg></body></html>", "text"),
    "xml": (b"<?xml version='1.0'?><note>svg</note>", "text"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "text"),
    "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
    "markdown": (b"# Title\n\nWords.", "text"),
    "sheet": (sheet(["Item", "Count"], ["rope", 3]), "text"),
    "docx": (word(p(r("Words."))), "text"),
    "odt": (odt_files.odt(odt_files.p("Words.")), "text"),
    "fodt": (odt_files.fodt(odt_files.p("Words.")), "text"),
    "rtf": (rb"{\rtf1 Words.}", "text"),
    "mail": (b"From: a@example.org\nTo: b@example.org\nSubject: x\nDate: today\n\nWords.", "text"),
    "mailbox": (b"From a@example.org Wed Mar  4 12:00:00 2026\nFrom: a@example.org\nSubject: x\n\nWords.", "text"),
    "outlook": (compound_file(message(p1000="Words.")), "text"),
    "book": (book(), "text"),
    "zip": (packed({"note.txt": b"Words."}), "text"),
}


def test_the_table_names_modules_that_are_there() -> None:
    assert [media.reader_module(reader) for reader in media.READERS] == MODULES


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_file_is_its_bytes_say_whatever_its_name(name: str) -> None:
    data, modality = SAMPLES[name]
    for called in ("file", "file.mp4", "file.pdf", "file.png"):
        steps = list(media.split(source(data, called), Limits()))
        assert steps[0] == DocumentMetadata(modality=modality)
        assert parts(steps)


def test_loading_asks_the_reader_that_split_the_file() -> None:
    for name in ("pdf", "png", "svg", "markdown"):
        opened = source(SAMPLES[name][0])
        for part in parts(media.split(opened, Limits())):
            assert media.load(opened, part.segment, Limits(side=64)) is not None


def test_a_locked_worker_reads_what_is_read_outside(tmp_path: Path) -> None:
    mail = letter(body="Words.\n")
    mail.add_alternative("<p>Words <img src='cid:a' alt=b></p>", subtype="html")
    mail.add_attachment(made_pdf(["A page."]), maintype="application", subtype="pdf", filename="a.pdf")
    mail.add_attachment(picture(), maintype="image", subtype="png", cid="<a>")
    rich = compound_file(message(p1009=HELLO, p1013=b""))
    every = {name: data for name, (data, _) in SAMPLES.items()} | {"a.eml": mail.as_bytes(), "rich": rich}
    pool = Workers(Limits(), 1)
    try:
        for name, data in every.items():
            (tmp_path / name).write_bytes(data)
            with (tmp_path / name).open("rb") as file:
                steps = list(pool.split(file.fileno(), name=name, document="ab" * 32))
            within = [step.segment.place for step in steps if isinstance(step, SplitPart)]
            outside = parts(media.split(source(data, name), LIMITS))
            assert within == [part.segment.place for part in outside]
    finally:
        pool.close()


def test_junk_of_every_length_is_of_no_kind() -> None:
    for length in (1, 2, 3, 11, 12, 13, 100, 5000):
        with pytest.raises(UnreadableMedia) as failure:
            list(media.split(source(bytes(length)), Limits()))
        assert failure.value.code == "unsupported_type"


def test_a_file_of_an_unknown_kind_says_what_it_seems_to_be_and_what_can_be_read() -> None:
    with pytest.raises(
        UnreadableMedia, match=r"report\.7z: this is a 7z archive.*Can be read: PDF; pictures"
    ) as failure:
        list(media.split(source(b"7z\xbc\xaf\x27\x1c" + JUNK, "report.7z"), LIMITS))
    assert failure.value.code == "unsupported_type"


def test_empty_and_too_large_files_are_refused_before_they_are_read() -> None:
    for data, limits, code in ((b"", LIMITS, "empty"), (b"12345", Limits(file_bytes=4), "too_large")):
        with pytest.raises(UnreadableMedia) as failure:
            list(media.split(source(data), limits))
        assert failure.value.code == code
        with pytest.raises(UnreadableMedia):
            media.load(source(data), Segment(document="", modality="text", place=Place()), limits)


def test_importing_the_package_imports_no_decoder() -> None:
    check = "import sys, mcp_mmretrieval.media, mcp_mmretrieval.adding.walk; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.split()
    assert not {"PIL", "av", "pypdfium2", "resvg_py", "numpy", "chardet", "torch"} & set(loaded)


# -- a second reader of a modality -------------------------------------------------------------------------------------

MINUTES_READER = "tests.support.minutes_reader"


@pytest.fixture
def workers_with_minutes() -> Iterator[Workers]:
    pool = Workers(Limits(), 1, entry=MINUTES_READER)
    yield pool
    pool.close()


def test_a_second_reader_of_text_splits_and_loads_in_a_worker(tmp_path: Path, workers_with_minutes: Workers) -> None:
    (tmp_path / "board.txt").write_bytes(minutes("Ann opens the meeting.", "The umbrella budget is doubled."))
    with (tmp_path / "board.txt").open("rb") as file:
        steps = list(workers_with_minutes.split(file.fileno(), name="board.txt", document="ab" * 32))
        loaded = [
            workers_with_minutes.load(file.fileno(), part.segment, name="board.txt")
            for part in steps
            if isinstance(part, SplitPart)
        ]
    assert steps[:2] == [DocumentMetadata(modality="text"), DocumentMetadata(title="The minutes")]
    assert loaded == ["Ann opens the meeting.", "The umbrella budget is doubled."]


def test_texts_of_the_first_reader_are_read_as_before_beside_a_second_one(
    tmp_path: Path, workers_with_minutes: Workers
) -> None:
    (tmp_path / "notes.txt").write_text("The umbrella budget is doubled.")
    with (tmp_path / "notes.txt").open("rb") as file:
        steps = list(workers_with_minutes.split(file.fileno(), name="notes.txt", document="ab" * 32))
    assert [step.segment.text for step in steps if isinstance(step, SplitPart)] == ["The umbrella budget is doubled."]


def test_what_a_second_reader_reads_is_found_by_its_words(
    monkeypatch: pytest.MonkeyPatch, open_library: OpenLibrary, folder: Path
) -> None:
    defaults = Workers.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "entry", MINUTES_READER)  # the library starts its workers by itself
    library = open_library()
    (folder / "board.txt").write_bytes(minutes("Ann opens the meeting.", "The umbrella budget is doubled."))
    assert library.add().wait(PATIENCE).state == "done"
    (hit,) = library.search("umbrella", lanes=("words",)).hits
    assert (hit.segment.modality, hit.title, hit.segment.text) == (
        "text",
        "The minutes",
        "The umbrella budget is doubled.",
    )


def test_what_can_be_read_comes_from_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "READERS", (MINUTES, *media.READERS))
    with pytest.raises(UnreadableMedia, match=r"Can be read: minutes; PDF; pictures.*; text, mail"):
        list(media.split(source(bytes(100)), Limits()))
