"""Contents, vectors and errors as headers and bytes, between the engine and a model process.

Nothing is pickled: what comes from the model process, which looks at strangers' pictures, is rebuilt from numbers and
texts alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mcp_mmretrieval import errors
from mcp_mmretrieval.errors import ModelUnavailable, RetrievalError, Unfit
from mcp_mmretrieval.models.device.memory import is_memory_shortage
from mcp_mmretrieval.models.process.frames import FrameHeader
from mcp_mmretrieval.types import Content, Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Vectors

Packed: TypeAlias = "tuple[list[FrameHeader], list[memoryview]]"
"""Descriptions, and the arrays that they tell of, one after the other."""

_ALIGNED = 16
"""Each array begins at a multiple of so many bytes."""
_TOLD = frozenset({"BadArgument", "Cancelled", "DeviceLost", "ModelUnavailable"})
"""Errors that arrive as they were raised; so do Unfit and ValueError. Any other is a RuntimeError over here."""


class RemoteFailure(RuntimeError):
    """A model failed in its process in a way that has no name of ours; the log has its traceback."""


def pack_contents(contents: Sequence[Content]) -> Packed:
    """Contents of any sort."""
    described, buffers = list[FrameHeader](), list[memoryview]()
    for content in contents:
        if isinstance(content, str):
            described.append({"text": content})
        elif isinstance(content, Sound):
            described.append(_sound(content, buffers))
        elif isinstance(content, Film):
            pictures = [_array(picture, buffers) for picture in content.pictures]
            sound = None if content.sound is None else _sound(content.sound, buffers)
            described.append({"film": pictures, "times": list(content.times), "sound": sound})
        else:
            described.append({"picture": _array(content, buffers)})
    return described, buffers


def unpack_contents(described: Sequence[FrameHeader], data: memoryview) -> list[Content]:
    """What `pack_contents` packed. Pictures and samples lie in `data`."""
    rest = _Rest(data)
    contents: list[Content] = []
    for one in described:
        if "text" in one:
            contents.append(one["text"])
        elif "film" in one:
            pictures = [rest.array(*shape) for shape in one["film"]]
            sound = None if one["sound"] is None else rest.sound(one["sound"])
            contents.append(Film(pictures, tuple(one["times"]), sound))
        elif "picture" in one:
            contents.append(rest.array(*one["picture"]))
        else:
            contents.append(rest.sound(one))
    return contents


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> tuple[FrameHeader, list[memoryview]]:
    """Arrays by name."""
    buffers: list[memoryview] = []
    return {name: _array(array, buffers) for name, array in arrays.items()}, buffers


def unpack_arrays(described: FrameHeader, data: memoryview) -> dict[str, Vectors]:
    """What `pack_arrays` packed; a copy, so that small rows do not keep much memory mapped."""
    rest = _Rest(data)
    return {name: rest.array(*shape).copy() for name, shape in described.items()}


def pack_error(error: BaseException) -> FrameHeader:
    """An error that a model raised."""
    name = type(error).__name__
    told: FrameHeader = {"error": name, "message": str(error), "memory": is_memory_shortage(error)}
    if isinstance(error, Unfit):
        told["rows"] = list(error.rows)
    elif not isinstance(error, RetrievalError):
        told["error"] = "ValueError" if isinstance(error, ValueError) else ""
        told["message"] = f"{name}: {errors.first_error_line(error)}"
    return told


def unpack_error(told: FrameHeader) -> Exception:
    """The error to be raised on this side."""
    name, message = told["error"], told["message"]
    error: Exception
    if name == "Unfit":
        error = Unfit(told["rows"], message)
    elif name in _TOLD:
        error = getattr(errors, name)(message)
    elif name == "ValueError":
        error = ValueError(message)
    else:
        error = ModelUnavailable(message) if name else RemoteFailure(message)
    if told["memory"]:
        error.__cause__ = MemoryError(message)  # so that `is_memory_shortage` says here what it said there
    return error


def not_handed_over(error: Exception) -> str:
    """What is told where the bytes of a call or an answer did not get across."""
    return (
        f"Nothing could be handed over between the server and the process of the models: {error}. Free memory, or "
        "raise the limit of open files (ulimit -n), and try again."
    )


class _Rest:
    """The bytes that are not taken yet."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def array(self, dtype: str, shape: Sequence[int]) -> Any:
        kind = np.dtype(dtype)
        size = kind.itemsize * math.prod(shape)
        taken, self._data = self._data[:size], self._data[size + -size % _ALIGNED :]
        return np.frombuffer(taken, kind).reshape(shape)

    def sound(self, told: FrameHeader) -> Sound:
        return Sound(self.array(*told["samples"]), told["rate"])


def _array(array: NDArray[Any] | Picture, buffers: list[memoryview]) -> list[Any]:
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    buffers += [data, memoryview(bytes(-data.nbytes % _ALIGNED))]
    return [array.dtype.str, list(array.shape)]


def _sound(sound: Sound, buffers: list[memoryview]) -> FrameHeader:
    return {"samples": _array(np.asarray(sound.samples), buffers), "rate": sound.rate}
