"""A catalog that was not closed is looked through, and what is wrong is told; nobody waits for it."""

from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog, Store
from mcp_mmretrieval.store.quick_check import QuickCheck
from tests.support.rows import fill, put, tear


def damaged(folder: Path) -> Path:
    with Store.open(folder) as store:
        fill(store.catalog, 200)
    tear(folder / "catalog.db")
    return folder / "catalog.db"


def test_damage_is_told_with_what_to_do(tmp_path: Path) -> None:
    catalog = Catalog(damaged(tmp_path))
    check = QuickCheck(catalog)
    assert check.wait(60)
    assert str(catalog.path) in check.problem and "damaged" in check.problem
    assert "mcp-mmretrieval backup --restore FILE" in check.problem and "mcp-mmretrieval check" in check.problem
    catalog.close()


def test_it_ends_when_the_library_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_mmretrieval.store.database.STOP_EVERY_STEPS", 1)
    catalog = Catalog(tmp_path / "catalog.db")
    put(catalog, "/r/one")
    assert catalog.quick_check(lambda: True) == ""
    check = QuickCheck(catalog)
    check.close()
    assert check.problem == ""
    catalog.close()
