import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.token import TOKEN_FILE_NAME, TOKEN_VARIABLE, token_of


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


@pytest.mark.timeout(20)
def test_a_token_that_is_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / TOKEN_FILE_NAME, 0o600)
    with pytest.raises(EngineUnavailable, match=r"is no file\. Remove it"):
        token_of(str(tmp_path))


def test_an_empty_token_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / TOKEN_FILE_NAME).touch(mode=0o600)
    with pytest.raises(EngineUnavailable, match=r"at least 16 .*\. Remove the file, and a new one is made"):
        token_of(str(tmp_path))


def test_a_token_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineUnavailable, match=TOKEN_VARIABLE):
        token_of(str(tmp_path / "file"))
