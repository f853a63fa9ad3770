from pathlib import Path

import pytest

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.front.listening import listening_socket, parse_address, required_token
from mcp_mmretrieval.front.token import TOKEN_VARIABLE


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


def test_off_loopback_it_takes_a_list_of_hosts_and_always_a_token(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="MMRETRIEVAL_HTTP_HOSTS"):
        required_token({}, "0.0.0.0", str(tmp_path))
    with pytest.raises(BadArgument, match="loopback only"):
        required_token({"http_hosts": "a:1", "http_auth": "none"}, "0.0.0.0", str(tmp_path))
    assert required_token({"http_hosts": "a:1"}, "0.0.0.0", str(tmp_path))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.0.1"])
def test_on_loopback_no_token_is_asked_for_if_a_setting_says_so(tmp_path: Path, host: str) -> None:
    assert required_token({"http_auth": "none"}, host, str(tmp_path)) is None
    assert required_token({}, host, str(tmp_path))


def test_the_token_is_never_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = required_token({}, "127.0.0.1", str(tmp_path))
    told = capsys.readouterr()
    assert token
    assert token not in told.out + told.err
    assert str(tmp_path / "http-token") in told.err


@pytest.mark.parametrize(
    ("address", "parts"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("localhost:8765", ("localhost", 8765))],
)
def test_an_address_is_host_and_port(address: str, parts: tuple[str, int]) -> None:
    assert parse_address(address) == parts


@pytest.mark.parametrize("address", ["", "8765", ":8765", "localhost", "localhost:http", "localhost:70000"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadArgument, match="HOST:PORT"):
        parse_address(address)


def test_a_port_in_use_is_told() -> None:
    with listening_socket("127.0.0.1", 0) as taken, pytest.raises(BadArgument, match="in use"):
        listening_socket("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["media..example", f"{'a' * 64}.example"])
def test_a_name_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(BadArgument, match="another address"):
        listening_socket(host, 0)
