"""Where the vector index lies, as it is written."""

import pytest

from mcp_mmretrieval.config.index_address import IndexServer, index_server
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument


def test_embedded_is_no_server() -> None:
    assert index_server("embedded") is None
    assert Settings().index_server is None


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("http://127.0.0.1:8000", IndexServer(origin="http://127.0.0.1:8000")),
        ("http://localhost:8000/", IndexServer(origin="http://localhost:8000")),
        ("http://[::1]:8000", IndexServer(origin="http://[::1]:8000")),
        ("https://chroma.example", IndexServer(origin="https://chroma.example")),
        (
            "https://api.trychroma.com/a-tenant/media",
            IndexServer(origin="https://api.trychroma.com", tenant="a-tenant", database="media"),
        ),
        (
            "https://chroma.example/our%20team/all%2Fmedia",
            IndexServer(origin="https://chroma.example", tenant="our team", database="all/media"),
        ),
    ],
)
def test_an_address_names_a_server_and_perhaps_a_database(address: str, server: IndexServer) -> None:
    assert index_server(address) == server


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("chroma.example:8000", "is no address of a server"),
        ("", "is no address of a server"),
        ("https://", "is no address of a server"),
        ("https://chroma.example/tenant", "is no address of a server"),
        ("https://chroma.example/a/b/c", "is no address of a server"),
        ("https://chroma.example?token=x", "is no address of a server"),
        ("http://[::1", "Give embedded, or http"),
        ("https://chroma.example:80000", "Give embedded, or http"),
        ("https://a..b", "Give embedded, or http"),
        (f"https://{'a' * 70}.example", "Give embedded, or http"),
        ("https://exa mple:8000", "is no address of a server"),
        ("https://ex\u2603.example", "is no address of a server"),
        ("http://10.0.0.5:8000", "would cross a network unencrypted"),
        ("http://localhost.example", "would cross a network unencrypted"),
    ],
)
def test_what_is_no_address_is_refused_with_what_would_be(address: str, reason: str) -> None:
    with pytest.raises(BadArgument, match=reason):
        Settings.of({"index": address})


@pytest.mark.parametrize(
    "address",
    [
        "https://me:secret@chroma.example",
        "https://me:secret@chroma.example/tenant",
        "https://me:secret@chroma.example:port",
        "me:secret@chroma.example",
        "https://chroma.example?token=secret",
    ],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(BadArgument, match=r"MMRETRIEVAL_INDEX_TOKEN|is no address of a server") as refused:
        Settings.of({"index": address})
    assert "secret" not in str(refused.value)


def test_a_token_from_a_file_loses_its_line_break_and_one_that_no_header_carries_is_not_repeated() -> None:
    server = Settings.of({"index": "https://chroma.example", "index_token": "t0ken\n"}).index_server
    assert server is not None
    assert server.token == "t0ken"
    for token in ("sec\nret", "sec\u00fcret"):
        with pytest.raises(BadArgument, match="no header can carry") as refused:
            Settings.of({"index": "https://chroma.example", "index_token": token})
        assert token not in str(refused.value)


def test_the_token_shows_nowhere() -> None:
    settings = Settings.of({"index": "https://chroma.example", "index_token": "t0ken", "index_s": 3})
    server = settings.index_server
    assert server is not None
    assert (server.token, server.search_seconds) == ("t0ken", 3.0)
    assert "t0ken" not in repr(settings) + repr(server) + settings.model_dump_json()
    assert settings.differs({"index_token": "t0ken"}) == []
    assert settings.differs({"index_token": "another"}) == ["index_token"]
