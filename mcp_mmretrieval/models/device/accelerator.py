"""What torch knows of a device, named as torch names it: which there are, their memory, what they compute in."""

from __future__ import annotations

import torch

from mcp_mmretrieval.errors import ModelUnavailable

_WITH_BFLOAT16 = (8, 0)
"""Compute capability from which on a card computes in bfloat16."""


def resolve_device_name(asked: str) -> str:
    """What the setting `device` stands for on this machine, as torch names it. Raises ModelUnavailable.

    `auto` is the first CUDA card, else Apple's GPU, else the CPU.
    """
    kind, _, number = asked.partition(":")
    cards = torch.cuda.device_count() if kind in ("auto", "cuda") and torch.cuda.is_available() else 0
    if kind == "auto":
        return "cuda:0" if cards else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda" and int(number or 0) >= cards:
        there = f"only {cards} of them" if cards else f"none (torch {torch.__version__})"
        raise ModelUnavailable(
            f"MMRETRIEVAL_DEVICE is {asked}, but torch sees {there}. Set it to auto or cpu; for a CUDA card, install "
            "its driver and a torch that is made for it."
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ModelUnavailable(
            "MMRETRIEVAL_DEVICE is mps, but this machine has no GPU of Apple's. Set it to auto or cpu."
        )
    return f"cuda:{int(number or 0)}" if kind == "cuda" else asked


def limit_memory(card: str, share: float) -> None:
    """The share of a CUDA card's memory that this process takes at most, from now on."""
    torch.cuda.set_per_process_memory_fraction(share, card)


def accelerator_memory(name: str) -> tuple[int, int]:
    """Bytes of a GPU's memory that are free, and all of them. What torch keeps in reserve is free."""
    if _kind(name) == "cuda":
        free, total = torch.cuda.mem_get_info(name)
        return free + torch.cuda.memory_reserved(name) - torch.cuda.memory_allocated(name), total
    total = torch.mps.recommended_max_memory()
    return max(0, total - torch.mps.current_allocated_memory()), total


def free_reserve(name: str) -> None:
    """Give back what torch keeps in reserve on a GPU."""
    if _kind(name) == "cuda":
        torch.cuda.empty_cache()
    else:
        torch.mps.empty_cache()


def has_bfloat16(name: str) -> bool:
    """Whether a device computes in bfloat16."""
    if _kind(name) == "cuda":
        return torch.cuda.get_device_capability(name) >= _WITH_BFLOAT16
    return _kind(name) == "cpu" or torch.backends.mps.is_macos_or_newer(14, 0)


def has_amx() -> bool:
    """Whether the processor multiplies matrices in bfloat16 faster than in float32."""
    return torch.cpu._is_amx_tile_supported()


def _kind(name: str) -> str:
    return name.partition(":")[0]
