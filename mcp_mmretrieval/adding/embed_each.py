"""Contents that are embedded together; where a model trips over one, the others get their vectors all the same."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, ModelUnavailable, RetrievalError, Unfit
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.types import Content, Vectors

logger = logging.getLogger(__name__)


def embed_each(
    embedder: Embedder, contents: Sequence[Content], titles: Sequence[str] = ()
) -> list[Vectors | Exception]:
    """For each content its vector, or why it has none: one that the model trips over costs the others nothing.

    Raises ModelUnavailable (DeviceLost too), LibraryUnavailable, Cancelled.
    """
    found = embed_together(embedder, contents, titles)
    return embed_apart(embedder, contents, titles, found) if isinstance(found, Exception) else found


def embed_together(
    embedder: Embedder, contents: Sequence[Content], titles: Sequence[str] = ()
) -> list[Vectors | Exception] | Exception:
    """The same in one call, or what the model trips over. Raises as `embed_each`."""
    if not contents:
        return []
    try:
        rows = np.asarray(embedder.embed_documents(contents, titles), np.float32)
        if rows.ndim != 2 or len(rows) != len(contents):
            raise ValueError(f"The model gave {rows.shape} for {len(contents)} contents.")
    except (ModelUnavailable, LibraryUnavailable, Cancelled):
        raise
    except Exception as error:  # noqa: BLE001 whatever a model trips over
        return error
    return [row if np.isfinite(row).all() else ValueError("not finite") for row in rows]


def embed_apart(
    embedder: Embedder, contents: Sequence[Content], titles: Sequence[str], error: Exception
) -> list[Vectors | Exception]:
    """As `embed_each`, once all of them together were too much for the model, which said `error`."""
    out = set(error.rows).intersection(range(len(contents))) if isinstance(error, Unfit) else set()
    if not out:
        return _by_halves(embedder, contents, titles, error)
    rest = [row for row in range(len(contents)) if row not in out]
    found = iter(embed_each(embedder, [contents[row] for row in rest], [titles[row] for row in rest] if titles else ()))
    return [error if row in out else next(found) for row in range(len(contents))]


def _by_halves(
    embedder: Embedder, contents: Sequence[Content], titles: Sequence[str], error: Exception
) -> list[Vectors | Exception]:
    if len(contents) == 1:
        if not isinstance(error, RetrievalError):
            logger.error("a content cannot be embedded", exc_info=error)
        return [error]
    middle = len(contents) // 2
    return embed_each(embedder, contents[:middle], titles[:middle]) + embed_each(
        embedder, contents[middle:], titles[middle:]
    )
