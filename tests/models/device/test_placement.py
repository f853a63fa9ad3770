"""Where a model from the Hub is loaded once a GPU was lost."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable
from mcp_mmretrieval.models.device import device
from mcp_mmretrieval.models.device.lost_gpu import LostGpuLog
from mcp_mmretrieval.models.device.placement import DevicePlacement
from tests.support.losing_models import OnMps


@pytest.fixture(autouse=True)
def _devices_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that was lost stays lost for its process."""
    monkeypatch.setattr(device, "_devices", {})


def lose(placement: DevicePlacement) -> None:
    def run(rows: list[int]) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    with pytest.raises(DeviceLost):
        list(placement.device_for_load().each("m", [1.0], run))


def test_a_loss_is_noted_for_the_next_process(tmp_path: Path) -> None:
    lose(OnMps(Settings(library=tmp_path)))
    assert '"mps was lost: CUDA error: unspecified launch failure."' in (tmp_path / "losses.json").read_text()


def test_a_gpu_that_was_lost_twice_is_left_alone_and_what_need_not_run_there_takes_the_cpu(tmp_path: Path) -> None:
    placement = OnMps(Settings(library=tmp_path))
    assert placement.device_for_load().name == "mps"
    for _ in range(2):
        LostGpuLog(tmp_path).note("mps was lost: an ECC error.")
    assert placement.device_for_load(instead="cpu").name == "cpu"
    with pytest.raises(ModelUnavailable, match="an ECC error"):
        placement.device_for_load()


def test_on_a_cpu_nothing_is_left_alone(tmp_path: Path) -> None:
    for _ in range(2):
        LostGpuLog(tmp_path).note("mps was lost: an ECC error.")
    assert DevicePlacement(Settings(library=tmp_path, device="cpu")).device_for_load().name == "cpu"
