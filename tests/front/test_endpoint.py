import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.endpoint import Endpoint, endpoint_of, peer_is_this_user, runtime_folder


def test_all_ways_to_name_a_library_lead_to_one_place(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "library")
    paths = {
        Endpoint(str(name), str(folder)).socket_path
        for name in (tmp_path / "library", tmp_path / "link", tmp_path / "x" / ".." / "library")
    }
    assert len(paths) == 1
    assert Endpoint(str(tmp_path / "other"), str(folder)).socket_path not in paths


def test_the_longest_library_path_fits(tmp_path: Path) -> None:
    assert len(Endpoint(str(tmp_path / ("a" * 250) / ("b" * 250))).socket_path) < 100


def test_a_folder_that_is_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="too long"):
        Endpoint("/library", str(tmp_path / ("a" * 100)))


def test_the_folder_is_the_persons_alone_and_no_environment_moves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = runtime_folder()
    for name in ("XDG_RUNTIME_DIR", "TMPDIR", "HOME"):
        monkeypatch.setenv(name, "/elsewhere")
    assert runtime_folder() == usual
    assert stat.S_IMODE(Path(usual).stat().st_mode) == 0o700


def test_a_folder_that_others_may_write_is_refused(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345678)
    foreign = Path("/tmp/mcp-mmretrieval-12345678")
    foreign.mkdir(mode=0o700)
    try:
        with pytest.raises(EngineUnavailable, match="belongs to somebody else"):
            runtime_folder()
    finally:
        foreign.rmdir()


def test_a_folder_that_others_may_enter_is_closed_to_them() -> None:
    usual = Path(runtime_folder())
    usual.chmod(0o755)
    assert runtime_folder() == str(usual)
    assert stat.S_IMODE(usual.stat().st_mode) == 0o700


def test_one_process_is_elected_and_its_heir_keeps_the_lock(endpoint: Endpoint) -> None:
    lock = endpoint.elect()
    assert lock is not None
    assert endpoint.elect() is None
    heir = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,))
    os.close(lock)
    with heir:
        assert endpoint.held()
        heir.kill()
    assert not endpoint.held()


def test_nobody_listens_where_nothing_or_a_dead_socket_is(endpoint: Endpoint) -> None:
    assert endpoint.connect() is None
    endpoint.listen().close()
    assert Path(endpoint.socket_path).exists()
    assert endpoint.connect() is None


def test_who_connects_before_the_engine_is_up_waits_in_its_queue(endpoint: Endpoint) -> None:
    with endpoint.listen() as listening:
        connection = endpoint.connect()
        assert connection is not None
        with connection:
            assert peer_is_this_user(connection)
            connection.sendall(b"early\n")
            server, _ = listening.accept()
            with server:
                assert server.recv(10) == b"early\n"


def test_somebody_elses_socket_is_refused(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint.listen():
        monkeypatch.setattr(os, "getuid", lambda: 12345678)
        with pytest.raises(EngineUnavailable, match="another user listens"):
            endpoint.connect()


def test_the_state_is_whole_or_nothing(endpoint: Endpoint) -> None:
    assert endpoint.state() == {}
    endpoint.write_state({"pid": 7})
    assert endpoint.state() == {"pid": 7}
    for nonsense in ("", "{", "[1]", "\ufeff"):
        Path(endpoint.state_path).write_text(nonsense)
        assert endpoint.state() == {}
    endpoint.withdraw()
    assert not Path(endpoint.state_path).exists()


def test_a_system_without_local_sockets_is_told_what_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(EngineUnavailable, match="On Windows, run mcp-mmretrieval in WSL"):
        endpoint_of(str(tmp_path))
