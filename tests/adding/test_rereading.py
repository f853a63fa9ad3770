"""With another OCR or speech recognition only that is read again, on the next add, which it reads."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.reading import SPLITTER
from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import RecognisedText, TextReader, Transcriber, Transcript
from mcp_mmretrieval.store import Catalog
from mcp_mmretrieval.types import Cue, Identity, Picture, Sound
from tests.support.files import BLUE, GREEN, RED, film, picture, recording, scanned_pdf
from tests.support.media_files import pdf
from tests.support.models import ModelsByHand, PitchTranscriber, ShapeReader

SCANS = {"photo.png", "scan.pdf"}
SOUNDS = {"song.wav"}
FILMS = {"clip.mp4"}
TEXTS = {"note.txt", "report.pdf"}


class Means(ModelsByHand):
    """OCR and speech recognition of which each version says so, and counts what it is shown."""

    def __init__(self, settings: Settings, ocr: str, speech: str) -> None:
        super().__init__(settings)
        self.ocr, self.speech = ocr, speech
        self.seen = self.heard = 0

    @property
    def reading(self) -> Identity:
        return {"ocr": self.ocr, "speech": self.speech}

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return _Reader(self) if self.ocr != "off" else None

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        return _Listener(self) if self.speech != "off" else None


class _Reader(ShapeReader):
    def __init__(self, means: Means) -> None:
        self._means = means

    def read(self, picture: Picture) -> str:
        self._means.seen += 1
        return f"seen by {self._means.ocr}"

    def recognise(self, picture: Picture) -> RecognisedText:
        return RecognisedText(self.read(picture))


class _Listener(PitchTranscriber):
    def __init__(self, means: Means) -> None:
        self._means = means

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        self._means.heard += 1
        return Transcript([Cue(0.0, 1.0, f"heard by {self._means.speech}")])


class Shelf:
    """A folder of all kinds, and its library under one version after the other."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "files"
        self.folder.mkdir()
        self._settings = Settings.read(library=tmp_path / "library", roots=(self.folder,), workers=1)
        (self.folder / "note.txt").write_text("a note on boats")
        (self.folder / "report.pdf").write_bytes(pdf(["The harbour office counted forty boats in June alone."]))
        scanned_pdf(self.folder / "scan.pdf", [RED, GREEN])
        picture(self.folder / "photo.png", BLUE)
        recording(self.folder / "song.wav", (440, 2.0))
        film(self.folder / "clip.mp4", (RED, 2), hertz=440)

    def add(self, ocr: str = "one", speech: str = "one") -> tuple[Outcome, Means]:
        means = Means(self._settings, ocr, speech)
        with Library.open(settings=self._settings, models=means) as library:
            library.add(text="an inline note", title="inline").wait()
            outcome = library.add().wait()
            assert library.settle(60)
        return outcome, means

    def texts(self) -> Mapping[str, str]:
        with Library.open(settings=self._settings, models=Means(self._settings, "one", "one")) as library:
            return {path.name: library.look(str(path)).text for path in self.folder.iterdir()}

    def as_an_older_version_noted_it(self) -> None:
        """All documents under one reading, which names everything."""
        catalog = Catalog(self._settings.library / "catalog.db")
        whole = catalog.reading({"splitter": SPLITTER, "ocr": "one", "speech": "one"})
        with catalog._database.writing() as db:
            db.execute("UPDATE documents SET reading = ?", (whole,))
        catalog.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture(params=["noted each", "noted as one"])
def added(request: pytest.FixtureRequest, shelf: Shelf) -> Shelf:
    """Everything was added once, by this version or by one that noted the same reading for all."""
    outcome, means = shelf.add()
    assert (outcome.added, means.seen > 0, means.heard > 0) == (6, True, True)
    if request.param == "noted as one":
        shelf.as_an_older_version_noted_it()
    return shelf


def test_with_the_same_models_nothing_is_read_again(added: Shelf) -> None:
    outcome, means = added.add()
    assert (outcome.unchanged, means.seen, means.heard) == (6, 0, 0)


def test_another_speech_recognition_reads_only_sound_and_film_again(added: Shelf) -> None:
    outcome, means = added.add(speech="two")
    assert (outcome.replaced, outcome.unchanged) == (len(SOUNDS | FILMS), len(SCANS | TEXTS))
    assert means.heard == 2
    texts = added.texts()
    assert {name for name, text in texts.items() if "heard by two" in text} == SOUNDS | FILMS


def test_another_ocr_reads_only_pictures_films_and_scans_again(added: Shelf) -> None:
    outcome, means = added.add(ocr="two")
    assert (means.heard, outcome.replaced) == (1, len(SCANS | FILMS))  # the film is read again, its sound with it
    texts = added.texts()
    assert {name for name, text in texts.items() if "seen by two" in text} == SCANS | FILMS
    assert "heard by one" in texts["song.wav"]


def test_what_was_switched_off_is_read_once_it_is_switched_on(shelf: Shelf) -> None:
    shelf.add(ocr="off", speech="off")
    outcome, means = shelf.add(ocr="off", speech="one")
    assert (outcome.replaced, means.seen) == (len(SOUNDS | FILMS), 0)
    outcome, means = shelf.add(ocr="one", speech="one")
    assert outcome.replaced == len(SCANS | FILMS)


def test_a_pdf_with_text_on_every_page_depends_on_no_ocr(shelf: Shelf) -> None:
    shelf.add()
    outcome, _ = shelf.add(ocr="two", speech="two")
    assert outcome.unchanged == len(TEXTS)
    assert outcome.replaced == len(SCANS | SOUNDS | FILMS)
