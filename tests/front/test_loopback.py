"""The way of Windows, tried here: a port and a token in place of a socket with a name."""

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.front.loopback import Loopback
from mcp_mmretrieval.front.reaching import ask, hello, reach
from tests.fronts import ENGINE, alive, until


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Loopback]:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    os.environ["LOCALAPPDATA"] = str(tmp_path)
    made = Loopback(str(tmp_path / "library"))
    yield made
    del os.environ["LOCALAPPDATA"]
    pid = made.state().get("pid")
    if isinstance(pid, int) and alive(pid):
        os.kill(pid, signal.SIGTERM)
        until(lambda: not alive(pid))


def engine(tmp_path: Path) -> tuple[str, ...]:
    """The engine's environment is the machine's: where its folder is has to be said."""
    return ("env", f"LOCALAPPDATA={tmp_path}", *ENGINE)


def test_an_engine_is_started_met_and_asked_on_a_port(endpoint: Loopback, tmp_path: Path) -> None:
    given: dict[str, object] = {"library": str(tmp_path / "library"), "engine_idle_s": 60}
    first, answer = reach(endpoint, hello(given), engine=engine(tmp_path))
    second, again = reach(endpoint, hello(given), engine=engine(tmp_path))
    with first, second:
        assert answer["pid"] == again["pid"] == endpoint.state()["pid"]
        assert first.family == socket.AF_INET
        assert stat.S_IMODE(Path(endpoint.state_path).stat().st_mode) == 0o600
        assert ask(endpoint, "state")["pid"] == answer["pid"]


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_the_token_an_engine_says_nothing(endpoint: Loopback, tmp_path: Path, token: str | None) -> None:
    known, _ = reach(endpoint, hello({"engine_idle_s": 60}), engine=engine(tmp_path))
    with known, socket.create_connection(("127.0.0.1", int(str(endpoint.state()["port"])))) as stranger:
        stranger.sendall(json.dumps({**hello({}), "token": token}).encode() + b"\n")
        assert stranger.recv(100) == b""


def test_a_stale_state_file_is_no_obstacle(endpoint: Loopback, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    Path(endpoint.state_path).write_text(json.dumps({"pid": 1, "port": port, "token": "old"}))
    connection, answer = reach(endpoint, hello({"engine_idle_s": 60}), engine=engine(tmp_path))
    with connection:
        assert answer["pid"] == endpoint.state()["pid"] != 1
