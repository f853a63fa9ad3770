"""What models of the Hub need beside this package: torch and what stands on it, the extra `hub`. Imports none of it."""

from __future__ import annotations

import importlib.util

from mcp_mmretrieval.errors import ModelUnavailable

INSTALL_HUB = "pip install 'mcp-mmretrieval[hub]'"
HUB_PACKAGES = ("torch", "torchvision", "torchaudio", "sentence_transformers", "transformers")
"""By the names under which they are imported."""


def missing_hub_packages() -> list[str]:
    """Those that are not installed."""
    return [name for name in HUB_PACKAGES if importlib.util.find_spec(name) is None]


def require_hub_packages(model: str) -> None:
    """Raises ModelUnavailable where a model of the Hub's, `model`, lacks what it needs to be loaded."""
    if missing := missing_hub_packages():
        raise ModelUnavailable(
            f"{model} needs {missing[0]}, which is not installed, since the built-in models do without it. Run: "
            f"{INSTALL_HUB}."
        )
