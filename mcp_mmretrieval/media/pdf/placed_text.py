"""Text with its place on a page, and how pieces of it are gathered: into lines, columns and bands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar


class PlacedText(NamedTuple):
    """Text and its box; coordinates grow to the right and upwards, in the page's units."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    @property
    def middle(self) -> float:
        """Half-way up."""
        return (self.bottom + self.top) / 2

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom


ItemT = TypeVar("ItemT")


def gathered(items: Iterable[ItemT], joins: Callable[[list[ItemT], ItemT], bool]) -> list[list[ItemT]]:
    """Groups of items that follow one another: an item that `joins` the group before it is of that group."""
    groups: list[list[ItemT]] = []
    for item in items:
        if groups and joins(groups[-1], item):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
