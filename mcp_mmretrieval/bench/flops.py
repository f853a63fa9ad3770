"""What a device can do, and how much of it a model needs: for measurements.

A count of floating-point operations is that of the matrix products and convolutions, an addition and a multiplication
each; all else a transformer does is little beside them. The yardstick is the device's own product of large matrices,
measured in the same run, since no card reaches what its data sheet says. Without torch, NumPy multiplies, and nothing
is counted.
"""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.hub_packages import missing_hub_packages

_SIDE, _SIDE_CUDA = 1_536, 8_192
"""Rows of the square matrices: enough for the device's best speed, few enough for its memory."""
_ROUNDS = 5


def count_flops(run: Callable[[], object]) -> int:
    """Floating-point operations of what torch computes meanwhile in this thread. 0: other engines than torch did it."""
    if missing_hub_packages():
        run()
        return 0
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def matmul_flops_per_second(device: str, dtype: str, seconds: float = 1.0) -> float:
    """Floating-point operations a second of the device's product of two square matrices: the best of some seconds.

    `device` and `dtype` as torch names them.
    """
    multiply = _product(device, dtype)
    multiply()
    best, until = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        _settle(device)
        began = time.perf_counter()
        for _ in range(_ROUNDS):
            multiply()
        _settle(device)
        best = max(best, 2 * _side(device) ** 3 * _ROUNDS / (time.perf_counter() - began))
    return best


def _product(device: str, dtype: str) -> Callable[[], object]:
    """Multiplies two square matrices."""
    shape = (_side(device), _side(device))
    if missing_hub_packages():
        numbers = np.random.default_rng(0)
        rows, columns = (numbers.standard_normal(shape, np.float32) for _ in range(2))
        return lambda: rows @ columns
    import torch

    left, right = (torch.randn(shape, device=device).to(getattr(torch, dtype)) for _ in range(2))
    return lambda: left @ right


def _side(device: str) -> int:
    return _SIDE_CUDA if device.startswith("cuda") else _SIDE


def device_name(device: str) -> str:
    """What a person calls it: the card, or the processor."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def device_memory_bytes(device: str) -> int:
    """Bytes of memory that the device has; 0 where that is not known."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return memory.physical_memory()
    except (OSError, ValueError):
        return 0


def reset_peak_gpu_memory(device: str) -> None:
    """Count the card's peak memory from now on."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def peak_gpu_bytes(device: str) -> int:
    """Bytes of the card's memory that torch held at the worst, its weights included; 0 where there is no card."""
    if not device.startswith("cuda"):
        return 0
    import torch

    return int(torch.cuda.max_memory_allocated(device))


def _settle(device: str) -> None:
    """Wait for what was started: a GPU computes while Python goes on."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)


def torch_versions() -> dict[str, str]:
    """Of what computes; none where torch is not installed."""
    if missing_hub_packages():
        return {}
    import torch

    cuda = torch.version.cuda if torch.cuda.is_available() else None
    return {"torch": str(torch.__version__), **({"cuda": str(cuda)} if cuda else {})}


def torch_device_names() -> list[str]:
    """As torch names them, the fastest first: what `auto` takes, then the processor."""
    if missing_hub_packages():
        return ["cpu"]
    import torch

    if torch.cuda.is_available():
        return ["cuda", "cpu"]
    return ["mps", "cpu"] if torch.backends.mps.is_available() else ["cpu"]
