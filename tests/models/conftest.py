"""The built-in models, loaded once for all tests here, in a library folder of their own."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.models.weights import MINILM


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The models of a fresh library. Tests that use them are marked `builtin`."""
    if not MINILM.installed:
        pytest.skip("the extra [builtin] is not installed")
    return Models(Settings(library=tmp_path_factory.mktemp("library")))


@pytest.fixture(scope="session")
def cache(models: Models) -> Path:
    """Where the models of `models` keep what they made."""
    return models.cache
