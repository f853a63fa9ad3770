"""What went wrong on a device, by the errors that torch, CTranslate2 and their libraries raise. Imports no torch."""

from __future__ import annotations

import sys

from mcp_mmretrieval.errors import Unfit, first_error_line

_MEMORY = (
    "out of memory",  # CUDA, MPS and cuDNN
    "not enough memory",
    "can't allocate memory",  # torch's allocator on a CPU
    "cannot allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
_LOST = (
    "CUDA error",
    "device-side assert",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_EXECUTION_FAILED",
    "unspecified launch failure",
    "HIP error",
)
_TOLD = 3
"""Reasons that one error names."""


class RowFailures:
    """Rows of one call that failed alone, and why."""

    def __init__(self, model: str, device: str) -> None:
        self._model = model
        self._device = device
        self._errors: dict[int, Exception] = {}
        self.all = True
        """Whether nothing has run."""

    def add(self, row: int, error: Exception) -> None:
        """The row has failed, for good."""
        # what a batch had taken of a device's memory hangs on the traceback of its error
        self._errors[row] = error.with_traceback(None) if is_out_of_memory(error) else error

    def tell(self) -> None:
        """Raises Unfit for the rows that failed, if any did; see `Device.each` for when it is another error."""
        if not self._errors:
            return
        first = next(iter(self._errors.values()))
        if self.all and len({type(error) for error in self._errors.values()}) == 1 and not is_out_of_memory(first):
            raise first
        why = dict.fromkeys(
            f"it does not fit into the memory of {self._device}" if is_out_of_memory(error) else first_error_line(error)
            for error in self._errors.values()
        )
        raise Unfit(sorted(self._errors), f"{self._model} cannot take this in: {'; '.join(list(why)[:_TOLD])}.")


def is_out_of_memory(error: Exception) -> bool:
    """Whether a smaller batch may do."""
    if isinstance(error, MemoryError) or _is_torchs(error, "OutOfMemoryError"):
        return True
    return isinstance(error, RuntimeError) and _says(error, _MEMORY)


def is_device_lost(error: Exception) -> bool:
    """Whether the device serves this process no more: once a kernel has failed, each later call fails too."""
    if _is_torchs(error, "AcceleratorError"):
        return not is_out_of_memory(error)
    return isinstance(error, RuntimeError) and _says(error, _LOST) and not is_out_of_memory(error)


def _is_torchs(error: Exception, name: str) -> bool:
    """Whether it is torch's error of this name. Without torch, nothing has raised one."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, getattr(torch, name))


def _says(error: Exception, signs: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(sign.lower() in said for sign in signs)
