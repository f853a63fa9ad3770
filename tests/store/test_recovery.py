"""How a library's folder was found is told, until it is as it should be."""

from pathlib import Path

import pytest

from mcp_mmretrieval.store import Store
from mcp_mmretrieval.store.quick_check import QuickCheck
from tests.support.rows import put


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
