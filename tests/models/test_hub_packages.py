"""What models of the Hub need is looked for without being imported, and its absence told with what to do."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import hub_packages


def test_where_all_are_installed_nothing_is_told_and_nothing_imported() -> None:
    code = """
import sys
from mcp_mmretrieval.models import hub_packages
hub_packages.require_hub_packages("owner/name")
print(set(hub_packages.HUB_PACKAGES) & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n"


def test_what_is_missing_is_told_with_the_model_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert hub_packages.missing_hub_packages() == ["torch", "transformers"]
    with pytest.raises(
        ModelUnavailable,
        match=r"^owner/name needs torch, which is not installed, .*\. Run: pip install 'mcp-mmretrieval\[hub\]'\.$",
    ):
        hub_packages.require_hub_packages("owner/name")


@pytest.mark.parametrize(
    ("package", "lowest", "without"), [("sentence-transformers", "6.1", "6.0.9"), ("transformers", "5.19", "5.18.9")]
)
def test_no_version_is_allowed_that_lacks_an_architecture_of_a_record(package: str, lowest: str, without: str) -> None:
    """EmbeddingGemma 2 stands in transformers from 5.19 on, and its authors load it with sentence-transformers 6.1."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [Requirement(line) for line in project["optional-dependencies"]["hub"]]
    (bounds,) = (one.specifier for one in needed if one.name == package)
    assert bounds.contains(lowest)
    assert not bounds.contains(without)
