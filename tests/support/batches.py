"""A clock that stands, and a model that notes its batches, for tests of the device's batches."""

from collections.abc import Iterator, Sequence

import torch


class Clock:
    """Seconds that pass only as told."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Model:
    """Gives each row its own number back, within so many tokens; notes its batches."""

    def __init__(self, sizes: Sequence[int], room: float = float("inf")) -> None:
        self.sizes = sizes
        self.room = room
        self.batches: list[list[int]] = []

    def __call__(self, rows: list[int]) -> list[int]:
        self.batches.append(rows)
        if len(rows) * max(self.sizes[row] for row in rows) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return rows


def all_of(ran: Iterator[tuple[list[int], list[int]]]) -> list[int]:
    """The rows that ran, each of them once."""
    found = [row for rows, result in ran for row in rows if rows == result]
    assert len(found) == len(set(found))
    return sorted(found)
