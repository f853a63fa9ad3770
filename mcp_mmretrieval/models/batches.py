"""Texts of like length go through a model together: padding costs as much as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcp_mmretrieval import precedence

TOKENS = 1_024
"""Tokens of one forward pass, the longest that a search waits behind an add: 0.2 s on two cores. No slower in all than
2,048; 512 is, by a tenth."""
SHORT_TOKENS = 256
"""While searches come in: 0.05 s."""
_EVEN = 0.8
"""Shortest to longest text of one batch."""


def alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers in batches of like length, longest first: what fails for want of memory fails at once."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        longest = lengths[rows[0]] if rows else 0
        most = SHORT_TOKENS if precedence.pressed() else TOKENS
        if rows and (longest * (len(rows) + 1) > most or lengths[row] < _EVEN * longest):
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows
