from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    yield catalog
    assert catalog.check() == []
    catalog.close()
