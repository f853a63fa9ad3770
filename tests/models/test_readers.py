"""The settings `ocr` and `speech` name models: their identities stand before they are loaded, and hold."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.hub.ocr import HubTextReader
from mcp_mmretrieval.models.hub.speech import HubTranscriber
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.tiny import ocr, speech


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("readers")
    return {
        "whisper": speech.whisper(made / "whisper", seed=1),
        "wav2vec2": speech.wav2vec2(made / "wav2vec2"),
        "trocr": ocr.trocr(made / "trocr", seed=1),
    }


def test_the_setting_names_a_transcriber_and_its_identity_is_named_before_loading(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    models = ModelPool(Settings(library=tmp_path, speech=str(folders["whisper"]), device="cpu"))
    said = models.reading["speech"]
    assert models.status_lines()["speech"] == f"{folders['whisper']}: loaded when first needed"
    transcriber = models.transcriber(60)
    assert isinstance(transcriber, HubTranscriber)
    assert " ".join(map(str, transcriber.identity.values())) == said
    assert ModelPool(Settings(library=tmp_path, speech=str(folders["wav2vec2"]))).reading["speech"] != said


def test_a_folder_without_a_model_is_told_by_name_when_it_is_needed(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path, speech=str(tmp_path / "nothing")))
    assert models.reading["speech"] == str(tmp_path / "nothing")
    with pytest.raises(ModelUnavailable, match=r"nothing: no such folder"):
        models.transcriber(60)
    assert "no such folder" in models.message_of(models.maker)


def test_a_model_that_changed_while_the_server_runs_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    folder = speech.wav2vec2(tmp_path / "model")
    models = ModelPool(Settings(library=tmp_path, speech=str(folder), device="cpu"))
    before = models.reading["speech"]
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(ModelUnavailable, match="changed since this server started"):
        models.transcriber(60)
    assert models.reading["speech"] == before
    assert ModelPool(Settings(library=tmp_path, speech=str(folder))).reading["speech"] != before


def test_the_setting_names_a_text_reader_and_its_identity_is_named_before_loading(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    models = ModelPool(Settings(library=tmp_path, ocr=str(folders["trocr"]), device="cpu"))
    said = models.reading["ocr"]
    reader = models.text_reader(60)
    assert isinstance(reader, HubTextReader)
    assert " ".join(map(str, reader.identity.values())) == said
    assert models.status_lines()["text in pictures"] == f"{folders['trocr']}: ready"
    fewer = ModelPool(Settings(library=tmp_path, ocr=str(folders["trocr"]), model_pixels=50_000))
    assert fewer.reading["ocr"] != said


def test_a_setting_that_names_no_model_is_told_when_it_is_needed(tmp_path: Path) -> None:
    models = ModelPool(Settings(library=tmp_path, ocr="crystal-ball"))
    assert models.reading["ocr"] == "crystal-ball"
    with pytest.raises(ModelUnavailable, match=r"crystal-ball: no such model.*MMRETRIEVAL_OCR"):
        models.text_reader(60)
