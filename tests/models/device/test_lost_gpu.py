"""A device that is lost once is used again; one lost twice within an hour is left alone for one."""

from pathlib import Path

import pytest

from mcp_mmretrieval.models.device.lost_gpu import LostGpuLog


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
