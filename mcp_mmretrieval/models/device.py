"""The device that models run on, and the order in which it is used: one for the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from mcp_mmretrieval.models.batches import alike
from mcp_mmretrieval.models.turns import Turns

T = TypeVar("T")


class Device:
    """A CPU or a GPU with the models on it. Safe to call from several threads; they take turns, a batch at a time."""

    def __init__(self, name: str = "cpu") -> None:
        """`name`: as torch names it."""
        self.name = name
        self._turns = Turns()

    def each(self, model: str, sizes: Sequence[float], run: Callable[[list[int]], T]) -> Iterator[tuple[list[int], T]]:
        """Run contents of a call through a model in batches that fit, and give each batch's rows with what came of it.

        `sizes`: what each content costs, in tokens as the model's transformer sees them. `run` gets the rows of one
        batch, while nobody else uses the device. Raises Unfit for rows that do not fit alone, once all others have
        run; DeviceLost.
        """
        for rows in alike([int(size) for size in sizes]):
            with self._turns:
                found = run(rows)
            yield rows, found
