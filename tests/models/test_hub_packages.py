"""What models of the Hub need is looked for without being imported, and its absence told with what to do."""

import subprocess
import sys

import pytest

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
