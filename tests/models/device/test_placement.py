"""Where a model from the Hub is loaded once a GPU was lost, and who hears of the loss."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable
from mcp_mmretrieval.models.device import device
from mcp_mmretrieval.models.device.placement import DevicePlacement
from tests.support.crash_gpu import OnMps


@pytest.fixture(autouse=True)
def _devices_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that was lost stays lost for its process."""
    monkeypatch.setattr(device, "_devices", {})


def lose(placement: DevicePlacement) -> None:
    def run(rows: list[int]) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    with pytest.raises(DeviceLost):
        list(placement.device_for_load().each("m", [1.0], run))


def test_a_loss_is_told_to_the_last_one_who_asked_for_it(tmp_path: Path) -> None:
    first, second = list[str](), list[str]()
    placement = OnMps(Settings(library=tmp_path), on_lost=first.append)
    placement.tell_losses_to(second.append)
    lose(placement)
    assert (first, second) == ([], ["mps was lost: CUDA error: unspecified launch failure."])
    assert placement.alone == ""  # whoever is told decides


def test_a_gpu_that_is_done_without_is_left_alone_and_what_need_not_run_there_takes_the_cpu(tmp_path: Path) -> None:
    placement = OnMps(Settings(library=tmp_path), on_lost=lambda reason: None)
    assert placement.device_for_load().name == "mps"
    placement.do_without("mps was lost: an ECC error.")
    assert placement.device_for_load(instead="cpu").name == "cpu"
    with pytest.raises(ModelUnavailable, match=r"an ECC error\. Until the server is started again"):
        placement.device_for_load()


def test_on_a_cpu_nothing_is_done_without(tmp_path: Path) -> None:
    placement = DevicePlacement(Settings(library=tmp_path, device="cpu"), on_lost=lambda reason: None)
    placement.do_without("mps was lost: an ECC error.")
    assert placement.device_for_load().name == "cpu"
