"""What is noted beside each text that was read: another line makes every library read its pictures or sound again."""

import pytest

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.models import identity

FOLDER, HUB = ModelSpec(model="/models/own/tiny/"), ModelSpec(model="owner/name", revision="0" * 40)


def test_the_lines_of_the_built_in_models_are_those_of_every_library_of_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert identity.identity_line(identity.builtin_ocr_identity()) == "PP-OCRv6 small 960 0.8 2"
    for installed, name in ((True, "base"), (False, "tiny.en")):
        monkeypatch.setattr(identity, "whisper_base_installed", lambda found=installed: found)
        line = identity.identity_line(identity.builtin_speech_identity())
        assert line == f"whisper-{name} int8 1 2 silero v6"


def test_a_model_of_a_persons_own_goes_by_its_folders_name_and_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "voice_detector_name", lambda: "loudness")
    assert identity.identity_line(identity.transcriber_identity(FOLDER, "abc")) == "tiny abc 1 loudness"
    assert identity.identity_line(identity.text_reader_identity(HUB, "abc")) == "owner/name abc 1 1000000"


def test_a_folder_can_be_moved_without_becoming_another_model() -> None:
    moved = ModelSpec(model="/elsewhere/tiny")
    assert identity.text_reader_identity(moved, "abc") == identity.text_reader_identity(FOLDER, "abc")
    assert identity.text_reader_identity(moved, "abd") != identity.text_reader_identity(FOLDER, "abc")
