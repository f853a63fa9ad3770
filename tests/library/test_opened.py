from unittest.mock import Mock

import pytest

from mcp_mmretrieval.media.workers import Workers
from tests.conftest import OpenLibrary


def test_a_library_that_could_not_be_opened_can_be_opened_again(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short_of_files:
        short_of_files.setattr(Workers, "__init__", Mock(side_effect=OSError("Too many open files")))
        with pytest.raises(OSError, match="open files"):
            open_library()
    assert open_library().documents() == ([], 0)
