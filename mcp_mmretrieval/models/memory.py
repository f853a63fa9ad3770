"""Memory, in bytes: what this machine has, what a model's weights will take, and how it is given back.

Imports no torch.
"""

from __future__ import annotations

import gc
import json
import math
import os
import struct
import sys
from pathlib import Path

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.profiles import Dtype

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
"""Linux control group, version 2: what a container may use."""

_SIZE = {"float32": 4, "bfloat16": 2, "float16": 2}
_STORED = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2}
_FLOATS = ("F64", "F32", "F16", "BF16")
_HEADER = 100_000_000
"""Bytes that safetensors allows for a header."""


def of_machine() -> tuple[int, int]:
    """What is free and what there is, in all or for the container."""
    free, total = _whole()
    try:
        most = int((_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_GROUP / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (_GROUP / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):  # no container, or `max`: without limit
        return free, total
    return min(free, max(0, most - used + int(stat.get("inactive_file", 0)))), min(total, most)


def of_weights(folder: Path, dtype: Dtype) -> int:
    """Bytes of a model's weights, once loaded in a precision: from the headers of its safetensors files."""
    return sum(_in(file, dtype) for file in folder.rglob("*.safetensors"))


def lacking(error: BaseException | None) -> bool:
    """Whether something failed for want of memory, of the machine or of its GPU."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
            return True
        error = error.__cause__ or error.__context__
    return False


def freed() -> None:
    """Give back what a model held that nobody refers to any more. What the engine froze is looked at, too."""
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    gc.collect()
    if frozen:
        gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _in(file: Path, dtype: Dtype) -> int:
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            if length > _HEADER:
                raise ValueError("no header")
            tensors = json.loads(opened.read(length))
        tensors.pop("__metadata__", None)
        return sum(
            math.prod(tensor["shape"])
            * (_SIZE[dtype] if tensor["dtype"] in _FLOATS else _STORED.get(tensor["dtype"], 1))
            for tensor in tensors.values()
        )
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnavailable(f"{file}: damaged, no safetensors file. Download the model again.") from error


def _whole() -> tuple[int, int]:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        found = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":", 1) for line in lines)}
        return found["MemAvailable"], found["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):  # not Linux: what others use is not known
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return total, total
