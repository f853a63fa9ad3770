"""One Ray cluster for all tests that want one."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.ray_cluster import RayCluster, why_not


@pytest.fixture(scope="session")
def head() -> Iterator[RayCluster]:
    """A head without processors."""
    if reason := why_not():
        pytest.skip(reason)
    with TemporaryDirectory(prefix="r", dir="/tmp") as short:  # its sockets' paths may have 107 bytes
        cluster = RayCluster(Path(short))
        yield cluster
        cluster.close()


@pytest.fixture
def cluster(head: RayCluster) -> Iterator[RayCluster]:
    """The same, with the nodes of one test."""
    yield head
    head.kill_nodes()
