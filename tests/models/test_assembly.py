"""Two models are never put together at the same time; the files of one are fetched meanwhile."""

import threading
from pathlib import Path

import pytest

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import assembly
from mcp_mmretrieval.models.download import snapshots

PATIENCE = 60.0


def test_a_second_model_waits_and_its_files_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched, done = threading.Event(), threading.Event()
    monkeypatch.setattr(snapshots, "locate_model", lambda spec: fetched.set())

    def load() -> None:
        with assembly.assembled_alone(ModelSpec(model="owner/name", revision="0" * 40)):
            done.set()

    thread = threading.Thread(target=load)
    with assembly.assembled_alone(), assembly.assembled_alone():
        thread.start()
        assert fetched.wait(PATIENCE)
        assert not done.wait(0.05)
    assert done.wait(PATIENCE)
    thread.join(PATIENCE)


def test_a_model_that_cannot_be_fetched_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    missing = ModelSpec(model="owner/name", revision="0" * 40)
    with pytest.raises(ModelUnavailable, match="is not on this machine"), assembly.assembled_alone(missing):
        raise AssertionError("put together without its files")
    with assembly.assembled_alone(ModelSpec(model=str(tmp_path))):
        pass
