"""Tensors from a file that torch saved, without torch and without running code. Of its format before 1.6 alone.

That is a row of pickles: two numbers, a description of the machine, the named tensors, the keys of their storages; then
the numbers of each storage (torch/serialization.py, `_legacy_load`).
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_NUMBERS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
"""Kinds of storage, by torch's names."""


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers that tensors are views of; they stand behind the tensors in the file."""

    key: str
    numbers: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor of a storage: all in numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, data: bytes) -> NDArray[Any]:
        """The tensor. Raises ValueError where it reaches beyond the numbers."""
        size = self.storage.numbers.itemsize
        return np.ndarray(
            self.shape, self.storage.numbers, data, self.offset * size, [size * stride for stride in self.strides]
        )


class _TensorUnpickler(pickle.Unpickler):
    """Makes what names tensors, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Stand-ins for torch's. Raises UnpicklingError for all that a file of tensors does not need."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if module == "torch" and name in _NUMBERS:
            return _NUMBERS[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of tensors")

    def persistent_load(self, pid: Any) -> _Storage:
        """What stands for a storage: its kind and key, and where and how much it was."""
        _, numbers, key, *_ = pid
        return _Storage(key, numbers)


def _rebuilt(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _View:
    return _View(storage, offset, shape, strides)


def read_tensors(file: Path) -> Tensors:
    """The tensors by their names. Raises OSError, and for another file UnpicklingError, EOFError or ValueError."""
    with file.open("rb") as stream:
        magic, version, machine = (_part(stream) for _ in range(3))
        if (magic, version) != (_MAGIC, _VERSION) or not machine["little_endian"]:
            raise ValueError(f"{file}: not of the format that torch wrote before 1.6")
        views: dict[str, _View] = _part(stream)
        keys: list[str] = _part(stream)
        sizes = {view.storage.key: view.storage.numbers.itemsize for view in views.values()}
        data = {key: _numbers(stream, sizes[key]) for key in keys}
    return {name: view.of(data[view.storage.key]) for name, view in views.items()}


def _part(stream: BinaryIO) -> Any:
    return _TensorUnpickler(stream).load()


def _numbers(stream: BinaryIO, size: int) -> bytes:
    """The bytes of the next storage, whose length stands before them."""
    return stream.read(int.from_bytes(stream.read(8), "little") * size)
