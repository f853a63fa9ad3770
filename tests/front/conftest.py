import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.front.endpoint import Endpoint


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As short as those in use: a socket's path has to be."""
    path = Path(f"/tmp/mmr-test-{os.getpid()}")
    path.mkdir(mode=0o700)
    yield path
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


@pytest.fixture
def endpoint(tmp_path: Path, folder: Path) -> Endpoint:
    return Endpoint(str(tmp_path / "library"), str(folder))
