import pytest
import torch

from mcp_mmretrieval.bench import flops as effort


def test_operations_are_counted_as_an_addition_and_a_multiplication_each() -> None:
    left, right = torch.ones(30, 20), torch.ones(20, 10)
    assert effort.counted(lambda: left @ right) == 2 * 30 * 20 * 10
    assert effort.counted(lambda: None) == 0


def test_a_layer_counts_within_inference_mode_too() -> None:
    layer = torch.nn.Linear(20, 10)

    def run() -> None:
        with torch.inference_mode():
            layer(torch.ones(30, 20))

    assert effort.counted(run) == 2 * 30 * 20 * 10


def test_the_processor_multiplies_matrices() -> None:
    assert effort.matmul("cpu", "float32", seconds=0.01) > 1e8
    assert effort.device_name("cpu")
    assert effort.device_memory("cpu") > 1e8
    assert effort.peak("cpu") == 0
    assert "cpu" in effort.devices()


@pytest.mark.gpu
def test_a_card_multiplies_faster_than_a_processor_and_tells_its_memory() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assert effort.matmul("cuda", "bfloat16", seconds=0.2) > 10 * effort.matmul("cpu", "float32", seconds=0.1)
    effort.reset_peak("cuda")
    held = torch.ones(10_000_000, device="cuda")
    assert effort.peak("cuda") >= held.nbytes
    assert effort.device_memory("cuda") > effort.peak("cuda")
