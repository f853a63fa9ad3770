import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mcp_mmretrieval.config.resolve import DeviceMemory
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models.device import machine
from mcp_mmretrieval.models.device.machine import total_device_memory


def test_a_cpu_has_the_memory_of_its_machine() -> None:
    found = total_device_memory("cpu")
    assert found.kind == "cpu"
    assert found.total_mb > 500


@pytest.mark.parametrize("device", ["cuda:99", "cuda"])
def test_a_gpu_that_is_not_there_is_refused_with_what_would_do(device: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(BadArgument, match=rf"{device}: this machine has .*Set MMRETRIEVAL_DEVICE to auto or cpu"):
        total_device_memory(device)


def test_a_gpu_that_may_be_there_and_cannot_be_used_is_told_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(machine, "_GPU_DRIVERS", (Path("/"),))
    found = total_device_memory("auto")
    assert found.kind == "cpu"
    assert found.lacks == (
        "torch, which larger models need, is not installed. Run: pip install 'mcp-mmretrieval[hub]', then: "
        "mcp-mmretrieval profile auto."
    )
    assert total_device_memory("cpu").lacks == ""


def test_where_no_driver_of_a_gpu_lies_torch_is_not_imported() -> None:
    code = """
import sys
from pathlib import Path
from mcp_mmretrieval.models.device import machine
machine._GPU_DRIVERS = (Path("/no/such/driver"),)
machine.sys.platform = "linux"
print(machine.total_device_memory().kind, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "cpu False\n"


@pytest.mark.parametrize(("capability", "bfloat16"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_a_card_tells_whether_it_computes_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], bfloat16: bool
) -> None:
    monkeypatch.setattr(machine, "_GPU_DRIVERS", (Path("/"),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(total_memory=15_800_000_000))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: capability)
    assert total_device_memory() == DeviceMemory(kind="cuda", total_mb=15_800, bfloat16=bfloat16)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_tells_its_whole_memory() -> None:
    found = total_device_memory("cuda")
    assert found.kind == "cuda"
    assert found.total_mb == torch.cuda.get_device_properties(0).total_memory // 1_000_000
    assert total_device_memory("auto") == found
