import os
from pathlib import Path

import pytest

from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.server import __main__


def test_an_engine_is_not_begun_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    endpoint = Endpoint(str(tmp_path / "library"))
    lock = endpoint.elect()
    assert lock is not None
    try:
        assert __main__.main([endpoint.library]) == 1
    finally:
        os.close(lock)
    assert not Path(endpoint.socket_path).exists()
    assert not (tmp_path / "library").exists()


def test_an_engine_needs_a_library(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main([])
    assert ended.value.code == 2
    assert "python -m mcp_mmretrieval.server: error" in capsys.readouterr().err
