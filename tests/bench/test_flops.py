import sys

import pytest
import torch

from mcp_mmretrieval.bench import flops


def test_operations_are_counted_as_an_addition_and_a_multiplication_each() -> None:
    left, right = torch.ones(30, 20), torch.ones(20, 10)
    assert flops.count_flops(lambda: left @ right) == 2 * 30 * 20 * 10
    assert flops.count_flops(lambda: None) == 0


def test_a_layer_counts_within_inference_mode_too() -> None:
    layer = torch.nn.Linear(20, 10)

    def run() -> None:
        with torch.inference_mode():
            layer(torch.ones(30, 20))

    assert flops.count_flops(run) == 2 * 30 * 20 * 10


def test_the_processor_multiplies_matrices() -> None:
    assert flops.matmul_flops_per_second("cpu", "float32", seconds=0.01) > 1e8
    assert flops.device_name("cpu")
    assert flops.device_memory_bytes("cpu") > 1e8
    assert flops.peak_gpu_bytes("cpu") == 0
    assert "cpu" in flops.torch_device_names()


def test_without_torch_the_processor_multiplies_all_the_same_and_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    ran: list[str] = []
    assert flops.count_flops(lambda: ran.append("it")) == 0
    assert ran == ["it"]
    assert flops.matmul_flops_per_second("cpu", "float32", seconds=0.01) > 1e8
    assert (flops.torch_versions(), flops.torch_device_names()) == ({}, ["cpu"])


@pytest.mark.gpu
def test_a_card_multiplies_faster_than_a_processor_and_tells_its_memory() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assert flops.matmul_flops_per_second("cuda", "bfloat16", seconds=0.2) > 10 * flops.matmul_flops_per_second(
        "cpu", "float32", seconds=0.1
    )
    flops.reset_peak_gpu_memory("cuda")
    held = torch.ones(10_000_000, device="cuda")
    assert flops.peak_gpu_bytes("cuda") >= held.nbytes
    assert flops.device_memory_bytes("cuda") > flops.peak_gpu_bytes("cuda")
