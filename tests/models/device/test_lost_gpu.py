"""A device that is lost once is used again; one lost twice within an hour is left alone for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models.device import device
from mcp_mmretrieval.models.device.lost_gpu import LostGpuLog
from tests.support.crash_gpu import LosingModels
from tests.support.engines import until
from tests.support.files import RED, picture


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _devices_of_this_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A device that was lost stays lost for its process."""
    monkeypatch.setattr(device, "_devices", {})
    yield


def test_after_one_loss_the_device_is_used_again(tmp_path: Path, clock: Clock) -> None:
    losses = LostGpuLog(tmp_path, clock)
    assert losses.alone() == ""
    losses.note("cuda:0 was lost: an illegal memory access.")
    assert LostGpuLog(tmp_path, clock).alone() == ""


def test_after_two_within_an_hour_it_is_left_alone_for_an_hour(tmp_path: Path, clock: Clock) -> None:
    losses = LostGpuLog(tmp_path, clock)
    losses.note("cuda:0 was lost: an illegal memory access.")
    clock.now += 3_000
    losses.note("cuda:0 was lost: an ECC error.")
    alone = LostGpuLog(tmp_path, clock).alone()
    assert "lost 2 times within an hour" in alone
    assert "an ECC error" in alone
    clock.now += 3_601
    assert losses.alone() == ""


def test_two_that_lie_further_apart_are_one_each(tmp_path: Path, clock: Clock) -> None:
    losses = LostGpuLog(tmp_path, clock)
    losses.note("lost")
    clock.now += 3_601
    losses.note("lost")
    assert losses.alone() == ""


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"at": "noon", "reason": ""}]', '{"at": 1}'])
def test_a_damaged_record_says_nothing(tmp_path: Path, clock: Clock, content: str) -> None:
    (tmp_path / "losses.json").write_text(content)
    assert LostGpuLog(tmp_path, clock).alone() == ""
    LostGpuLog(tmp_path, clock).note("lost")
    LostGpuLog(tmp_path, clock).note("lost")
    assert LostGpuLog(tmp_path, clock).alone()


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, clock: Clock) -> None:
    LostGpuLog(tmp_path / "nothing", clock).note("lost")


def test_a_library_in_this_process_goes_on_without_the_device(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    picture(folder / "red.png", RED)
    (folder / "blue.txt").write_text("blue blue blue")
    (tmp_path / "lose").write_text("1")
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    models = LosingModels(settings)
    with Library.open(settings=settings, models=models) as library:
        outcome = library.add().wait(60)
        assert (outcome.state, outcome.added, outcome.failed) == ("done", 2, ())
        assert "was lost" in models.alone
        with pytest.raises(ModelUnavailable, match="was lost"):
            models.embedders.made(models.maker)
        until(lambda: library.held() == (2, 0), 60)
        assert library.search("red").hits[0].citation == "red.png"
        assert any("was lost" in problem for problem in library.status().problems)
    assert LostGpuLog(settings.library).alone() == ""  # the next process tries again
