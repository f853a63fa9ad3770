import pytest
import torch

from mcp_mmretrieval.errors import BadArgument
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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_tells_its_whole_memory() -> None:
    found = total_device_memory("cuda")
    assert found.kind == "cuda"
    assert found.total_mb == torch.cuda.get_device_properties(0).total_memory // 1_000_000
    assert total_device_memory("auto") == found
