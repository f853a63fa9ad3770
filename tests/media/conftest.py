"""Pools of parser workers: as the product has them, and such as misbehave."""

from collections.abc import Iterator

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.workers import Workers


@pytest.fixture(scope="package")
def misbehaving() -> Iterator[Workers]:
    """Workers that do what a document's lines say, one page a line."""
    limits = Limits(part_timeout=3.0, file_timeout=60.0, memory_bytes=1_500_000_000)
    pool = Workers(limits, 2, entry="tests.support.misbehaving_worker")
    yield pool
    pool.close()


@pytest.fixture(scope="package")
def workers() -> Iterator[Workers]:
    """Workers as the product has them."""
    pool = Workers(Limits(), 2)
    yield pool
    pool.close()
