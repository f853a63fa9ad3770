"""What this machine has for models to run on."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from mcp_mmretrieval.config.resolve import DeviceMemory
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models.device import memory, threads
from mcp_mmretrieval.models.hub_packages import INSTALL_HUB, missing_hub_packages

_GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))
"""Made by the drivers of NVIDIA, of NVIDIA in WSL, and of AMD."""


def may_have_gpu(device: str) -> bool:
    """Whether models from the Hub may run on a GPU, by the setting and what lies at hand. Imports no torch."""
    return device != "cpu" and (device != "auto" or sys.platform == "darwin" or any(map(Path.exists, _GPU_DRIVERS)))


def total_device_memory(device: str = "auto") -> DeviceMemory:
    """The whole memory where models would run: of the named device, or of the best that there is.

    Imports torch where there may be a GPU, which takes some seconds. Raises BadArgument for a device that this machine
    has not.
    """
    processor = DeviceMemory(kind="cpu", total_mb=memory.physical_memory() // 1_000_000)
    if not may_have_gpu(device):
        return processor
    if missing := missing_hub_packages():
        lacks = f"{missing[0]}, which larger models need, is not installed. Run: {INSTALL_HUB}, then: "
        return replace(processor, lacks=f"{lacks}mcp-mmretrieval profile auto.")
    threads.set_thread_environment()
    import torch

    from mcp_mmretrieval.models.device import accelerator

    kind, _, number = device.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda":
        index, count = int(number or 0), torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= count:
            has = f"has {count} CUDA devices" if count else "has no CUDA device that torch can use"
            raise BadArgument(f"{device}: this machine {has}. Set MMRETRIEVAL_DEVICE to auto or cpu.")
        card, total = f"cuda:{index}", torch.cuda.get_device_properties(index).total_memory
        return DeviceMemory(kind="cuda", total_mb=total // 1_000_000, bfloat16=accelerator.has_bfloat16(card))
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise BadArgument(f"{device}: this machine has no GPU of Apple's. Set MMRETRIEVAL_DEVICE to auto or cpu.")
        return replace(processor, kind="mps", bfloat16=accelerator.has_bfloat16("mps"))
    return processor
