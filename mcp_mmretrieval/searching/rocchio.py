"""One set of query vectors out of words and examples: their mean, as Rocchio's feedback adds them (Rocchio 1971).

Only what is wanted is added. What is to be avoided is not subtracted: a vector moved away from one thing moves towards
others that nobody asked for, so `searching.avoid` weighs candidates instead (Wang, Fang & Zhai 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mcp_mmretrieval.types import VectorKind, Vectors

_TINY = 1e-12
"""Length below which a vector has no direction."""


def query_vectors(
    words: Mapping[VectorKind, Vectors], examples: Sequence[Mapping[VectorKind, Vectors]]
) -> dict[VectorKind, Vectors]:
    """What each kind of vector is compared with, unit rows of shape (n, dims[kind]).

    `words`: of the query, shape (1, dim) by kind; empty without one. `examples`: of each example, shape (n, dim) by
    kind. The rows of a single example stay apart, so that each of its windows finds what is like it. Of several each
    counts as its own mean, and their mean is one row: what resembles all of them comes first. An example counts in the
    kinds that it has. Beside words what was found lies half way between them and the examples.
    """
    found = dict(words)
    for kind, rows in _wanted(examples).items():
        found[kind] = _unit(words[kind] + rows) if kind in words else rows
    return found


def _wanted(examples: Sequence[Mapping[VectorKind, Vectors]]) -> Mapping[VectorKind, Vectors]:
    if len(examples) < 2:
        return examples[0] if examples else {}
    by_kind: dict[VectorKind, list[Vectors]] = {}
    for example in examples:
        for kind, rows in example.items():
            by_kind.setdefault(kind, []).append(_unit(rows.mean(axis=0, keepdims=True)))
    return {kind: _unit(np.mean(means, axis=0)) for kind, means in by_kind.items()}


def _unit(rows: Vectors) -> Vectors:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)  # type: ignore[no-any-return]
