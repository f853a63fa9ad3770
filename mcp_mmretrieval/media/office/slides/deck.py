"""What is the same of all decks: slide after slide, of which a bad one costs a note, and hidden ones are said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.failures import failure_of
from mcp_mmretrieval.types import DocumentMetadata


def slides_in_order(
    count: int, read: Callable[[int], tuple[bool, Iterator[CompoundStep]]], limits: Limits, *, titled: bool
) -> Iterator[CompoundStep]:
    """The parts of a deck of so many slides. `read`: whether the slide of a number, from 1, is hidden, and its parts.

    `titled`: the deck has a title; else that of its first slide is taken.
    """
    if count > limits.pages:
        yield DocumentMetadata(note=f"Only the first {limits.pages:,} of {count:,} slides were read.")
    hidden = []
    for number in range(1, min(count, limits.pages) + 1):
        try:
            is_hidden, steps = read(number)
            if is_hidden:
                hidden.append(str(number))
            for step in steps:
                if number == 1 and isinstance(step, TextPart) and not titled:
                    yield DocumentMetadata(title=step.heading)
                yield step
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the other slides go on
            yield DocumentMetadata(note=f"Slide {number} was not read: {failure_of(error)}.")
    if hidden:
        yield DocumentMetadata(note=f"Hidden slides, which were read as well: {', '.join(hidden)}.")
