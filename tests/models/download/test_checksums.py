"""The name of a model's content, which is not read anew each time."""

import json
import os
import struct
from pathlib import Path

import pytest

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.download import snapshots
from mcp_mmretrieval.models.download.checksums import model_content_digest


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    description = json.dumps({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}).encode()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(description)) + description + b"abc")
    return folder


def test_a_commit_names_itself(tmp_path: Path) -> None:
    assert model_content_digest(ModelSpec(model="owner/name", revision="0" * 40), tmp_path) == "0" * 40


def test_a_folder_is_summed_up_once_and_again_when_a_file_changes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, cache = ModelSpec(model=str(model)), tmp_path / "cache"
    first = model_content_digest(spec, cache)
    assert first == snapshots.locate_model(spec)[1]
    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "locate_model", None)
        assert model_content_digest(spec, cache) == first
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"d")
    os.utime(weights, ns=(0, 0))
    assert model_content_digest(spec, cache) != first


def test_a_cache_that_cannot_be_written_costs_time_alone(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    spec = ModelSpec(model=str(model))
    assert model_content_digest(spec, tmp_path / "cache") == snapshots.locate_model(spec)[1]


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no such folder"):
        model_content_digest(ModelSpec(model=str(tmp_path / "nothing")), tmp_path / "cache")
