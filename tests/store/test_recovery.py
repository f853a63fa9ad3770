"""How a library's folder was found is told, until it is as it should be."""

from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog, Store
from mcp_mmretrieval.store.recovery import QuickCheck
from tests.support.rows import fill, put, tear


@pytest.mark.parametrize("left", ["index", "catalog.stamp"])
def test_a_catalog_that_is_gone_is_told_by_what_is_left(tmp_path: Path, left: str) -> None:
    with Store.open(tmp_path / "library") as store:
        put(store.catalog, "/r/one")
    (tmp_path / "library" / "index").mkdir()
    for path in (tmp_path / "library").iterdir():
        if path.name != left and path.is_file():
            path.unlink()
    with Store.open(tmp_path / "library") as store:
        assert ["was gone" in problem for problem in store.recovery.problems()] == [True]


def test_a_new_library_has_no_problem(tmp_path: Path) -> None:
    with Store.open(tmp_path / "library") as store:
        assert store.recovery.problems() == []


def test_who_closes_a_library_ends_it(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.recovery.quick_check = QuickCheck(store.catalog)
        check = store.recovery.quick_check
    assert check.wait(0)


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
