"""Contents, vectors and errors arrive on the other side as they were."""

import numpy as np
import pytest

from mcp_mmretrieval.errors import BadArgument, Cancelled, DeviceLost, ModelUnavailable, NotInLibrary, Unfit
from mcp_mmretrieval.models.device.memory import is_memory_shortage
from mcp_mmretrieval.models.process.messages import (
    RemoteFailure,
    pack_arrays,
    pack_contents,
    pack_error,
    unpack_arrays,
    unpack_contents,
    unpack_error,
)
from mcp_mmretrieval.types import Content, Film, Sound

RNG = np.random.default_rng(1)


def picture(height: int, width: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def sound(samples: int) -> Sound:
    return Sound(RNG.random(samples, np.float32), 16_000)


def through(contents: list[Content]) -> list[Content]:
    described, buffers = pack_contents(contents)
    return unpack_contents(described, memoryview(bytearray(b"".join(buffers))))


def same(one: Content, other: Content) -> bool:
    if isinstance(one, Sound):
        return isinstance(other, Sound) and one.rate == other.rate and np.array_equal(one.samples, other.samples)
    if isinstance(one, Film):
        assert isinstance(other, Film)
        sounds = (one.sound, other.sound)
        alike = sounds == (None, None) or (one.sound and other.sound and same(one.sound, other.sound))
        pictures = zip(one.pictures, other.pictures, strict=True)
        return bool(alike) and one.times == other.times and all(same(*pair) for pair in pictures)
    return one == other if isinstance(one, str) else np.array_equal(one, other)  # type: ignore[arg-type]


def test_contents_of_every_sort_arrive_as_they_were() -> None:
    contents: list[Content] = [
        "a text", "", picture(3, 5), sound(7), Film([picture(2, 3), picture(4, 1)], (0.5, 1.25), sound(3)),
        Film([], (), None), picture(1, 1)[::-1], sound(0), "größer",
    ]  # fmt: skip
    received = through(contents)
    assert len(received) == len(contents)
    assert all(same(one, other) for one, other in zip(contents, received, strict=True))


def test_samples_are_aligned_whatever_stands_before_them() -> None:
    found = through([picture(1, 1), sound(5)])[1]
    assert isinstance(found, Sound)
    assert found.samples.flags.aligned


def test_arrays_arrive_by_name_and_belong_to_the_receiver() -> None:
    arrays = {"text": RNG.random((2, 3), np.float32), "picture": RNG.random((1, 4), np.float32)}
    described, buffers = pack_arrays(arrays)
    data = bytearray(b"".join(buffers))
    received = unpack_arrays(described, memoryview(data))
    data[:] = bytes(len(data))
    assert received.keys() == arrays.keys()
    assert all(np.array_equal(received[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("error", [BadArgument("a"), Cancelled("b"), DeviceLost("c"), ModelUnavailable("d")])
def test_errors_with_a_meaning_arrive_as_they_were_raised(error: Exception) -> None:
    received = unpack_error(pack_error(error))
    assert (type(received), str(received)) == (type(error), str(error))


def test_rows_that_do_not_fit_are_named() -> None:
    received = unpack_error(pack_error(Unfit([1, 4], "too long")))
    assert isinstance(received, Unfit)
    assert (received.rows, str(received)) == ((1, 4), "too long")


def test_any_other_error_is_a_failure_that_says_what_it_was() -> None:
    with pytest.raises(ValueError, match=r"ValueError: no such language"):
        raise unpack_error(pack_error(ValueError("no such language")))
    with pytest.raises(RemoteFailure, match=r"KeyError: 'a bug'"):
        raise unpack_error(pack_error(KeyError("a bug")))
    with pytest.raises(ModelUnavailable, match="not held"):
        raise unpack_error(pack_error(NotInLibrary("not held")))


def test_a_want_of_memory_is_one_on_this_side_too() -> None:
    error = ModelUnavailable("no room")
    error.__cause__ = MemoryError()
    assert is_memory_shortage(unpack_error(pack_error(error)))
    assert not is_memory_shortage(unpack_error(pack_error(ModelUnavailable("missing"))))
