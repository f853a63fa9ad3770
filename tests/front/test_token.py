import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import BadArgument, EngineUnavailable
from mcp_mmretrieval.front.listening import listening_socket, parse_address, required_token
from mcp_mmretrieval.front.token import TOKEN_VARIABLE, token_of


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


def test_a_token_is_minted_once_and_for_the_person_alone(tmp_path: Path) -> None:
    token, place = token_of(str(tmp_path / "library"))
    assert len(token) >= 43  # 256 bits
    assert stat.S_IMODE(Path(place).stat().st_mode) == 0o600
    assert token_of(str(tmp_path / "library")) == (token, place)
    assert [path.name for path in (tmp_path / "library").iterdir()] == [Path(place).name]


def test_many_that_mint_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: token_of(str(tmp_path)), range(16)))) == 1


def test_one_from_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "a-token-of-their-own")
    assert token_of(str(tmp_path)) == ("a-token-of-their-own", TOKEN_VARIABLE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["short", "sixteen or more, with spaces", "ümläut-ümläut-ümläut"])
def test_a_token_that_protects_nothing_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, given)
    with pytest.raises(EngineUnavailable, match="at least 16 printable") as told:
        token_of("/nowhere")
    assert given not in str(told.value)


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    _, place = token_of(str(tmp_path))
    Path(place).chmod(0o644)
    with pytest.raises(EngineUnavailable, match="others can read"):
        token_of(str(tmp_path))


def test_a_token_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineUnavailable, match=TOKEN_VARIABLE):
        token_of(str(tmp_path / "file"))


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
