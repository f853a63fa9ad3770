"""Every request that must not be served, as bytes on a real socket: none gets through."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.http.access import MAX_BODY_BYTES, AccessMiddleware, AccessPolicy, own_hosts
from tests.support.http import ORIGIN, TOKEN, Address, answered, call, message, replies, request, serving, trickle
from tests.support.library import FakeLibrary

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hasty(library: FakeLibrary) -> AsyncIterator[Address]:
    """Waits half a second for a body."""
    async with serving(library, body_seconds=0.5) as address:
        yield address


Case = tuple[int, Callable[[Address], dict[str, Any]]]


def given(status: int, *headers: tuple[str, str], **changes: Any) -> Case:
    """A status, and the request that gets it; {port} stands for the port."""

    def changed(address: Address) -> dict[str, Any]:
        filled = tuple((name, value.replace("{port}", str(address.port))) for name, value in headers)
        return {**changes, "headers": filled}

    return status, changed


LISTING = message("legacy", "tools/list")[1]
CHUNKED = ("Transfer-Encoding", "chunked")


def padded(size: int) -> bytes:
    return LISTING + b" " * (size - len(LISTING))


def chunks(*parts: bytes, end: bool = True) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + (b"0\r\n\r\n" if end else b"")


SERVED: dict[str, Case] = {
    "as it should be": given(200),
    "modern": given(200, era="modern"),
    "localhost": given(200, ("Host", "localhost:{port}")),
    "host in capitals": given(200, ("Host", "LOCALHOST:{port}")),
    "IPv6 loopback as host": given(200, ("Host", "[::1]:{port}")),
    "a host that the settings name": given(200, ("Host", "named.Example:99")),
    "the same, modern": given(200, ("Host", "NAMED.example:99"), era="modern"),
    "a listed origin": given(200, ("Origin", ORIGIN)),
    "bearer in small letters": given(200, ("Authorization", f"bearer {TOKEN}")),
    "spaces around the token": given(200, ("Authorization", f"Bearer   {TOKEN} ")),
    "content type with charset": given(200, ("Content-Type", "application/json; charset=utf-8")),
    "as large as may be": given(200, body=padded(MAX_BODY_BYTES)),
    "in chunks": given(200, CHUNKED, body=chunks(LISTING[:9], LISTING[9:]), drop=("Content-Length",)),
    "health": given(200, method="GET", target="/health"),
    "health, only its head": given(200, method="HEAD", target="/health"),
    "numbers": given(200, method="GET", target="/metrics?x=1"),
}

REFUSED: dict[str, Case] = {
    "another host": given(421, ("Host", "evil.example")),
    "another host, our port": given(421, ("Host", "evil.example:{port}")),
    "our host without its port": given(421, ("Host", "localhost")),
    "our host with another port": given(421, ("Host", "localhost:1")),
    "our host as user of another": given(421, ("Host", "localhost:x@evil.example")),
    "our host and port as user of another": given(421, ("Host", "localhost:{port}@evil.example")),
    "our host as part of another": given(421, ("Host", "localhost.evil.example:{port}")),
    "our host twice in one header": given(421, ("Host", "localhost:{port}, localhost:{port}")),
    "our host with a dot": given(421, ("Host", "localhost.:{port}")),
    "an empty host": given(421, ("Host", "")),
    "no host in HTTP/1.0": given(421, version="1.0", drop=("Host",)),
    "no host": given(400, drop=("Host",)),
    "two hosts": given(400, ("Host", "localhost:{port}"), ("Host", "evil.example")),
    "another host in the target": given(404, target="http://evil.example/mcp"),
    "another host, health": given(421, ("Host", "evil.example"), method="GET", target="/health"),
    "another origin": given(403, ("Origin", "http://evil.example")),
    "the null origin": given(403, ("Origin", "null")),
    "an empty origin": given(403, ("Origin", "")),
    "a web app on this machine": given(403, ("Origin", "http://localhost:1")),
    "ourselves as origin": given(403, ("Origin", "http://127.0.0.1:{port}")),
    "an origin that begins like a listed one": given(403, ("Origin", f"{ORIGIN}.evil.example")),
    "a listed origin in another scheme": given(403, ("Origin", ORIGIN.replace("https", "http"))),
    "two origins": given(403, ("Origin", ORIGIN), ("Origin", "http://evil.example")),
    "another origin, numbers": given(403, ("Origin", "null"), method="GET", target="/metrics"),
    "another origin asks in advance": given(
        403, ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST"), method="OPTIONS"
    ),
    "no token": given(401, drop=("Authorization",)),
    "an empty token": given(401, ("Authorization", "Bearer ")),
    "the scheme alone": given(401, ("Authorization", "Bearer")),
    "the token alone": given(401, ("Authorization", TOKEN)),
    "another token": given(401, ("Authorization", "Bearer wrong")),
    "the beginning of the token": given(401, ("Authorization", f"Bearer {TOKEN[:-1]}")),
    "more than the token": given(401, ("Authorization", f"Bearer {TOKEN}x")),
    "the token with a tab": given(401, ("Authorization", f"Bearer\t{TOKEN}")),
    "bytes for a token": given(401, ("Authorization", "Bearer \xff\xfe")),
    "the token in capitals": given(401, ("Authorization", f"Bearer {TOKEN.upper()}")),
    "another scheme": given(401, ("Authorization", f"Basic {TOKEN}")),
    "two tokens": given(401, ("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer wrong")),
    "the token in the query": given(401, target=f"/mcp?token={TOKEN}", drop=("Authorization",)),
    "the token as a cookie": given(401, ("Cookie", f"token={TOKEN}"), drop=("Authorization",)),
    "no token, health": given(401, method="GET", target="/health", drop=("Authorization",)),
    "no token, numbers": given(401, method="GET", target="/metrics", drop=("Authorization",)),
    "no token, nowhere": given(401, method="GET", target="/secret", drop=("Authorization",)),
    "no token, options": given(401, method="OPTIONS", drop=("Authorization",)),
    "nowhere": given(404, method="GET", target="/"),
    "a path below": given(404, target="/mcp/"),
    "a path above": given(404, target="/mcp/../health"),
    "a proxy's CONNECT": given(404, method="CONNECT", target="evil.example:443"),
    "PUT": given(405, method="PUT"),
    "PATCH": given(405, method="PATCH", era="modern"),
    "DELETE": given(405, method="DELETE", era="modern"),
    "GET, modern": given(405, method="GET", era="modern"),
    "GET without streams": given(406, ("Accept", "application/json"), method="GET"),
    "POST to health": given(405, target="/health"),
    "POST to numbers": given(405, target="/metrics"),
    "plain text": given(415, ("Content-Type", "text/plain")),
    "a form": given(415, ("Content-Type", "application/x-www-form-urlencoded")),
    "a kind that begins like JSON": given(415, ("Content-Type", "application/jsonp")),
    "no kind": given(415, drop=("Content-Type",)),
    "two kinds": given(415, ("Content-Type", "application/json"), ("Content-Type", "text/plain")),
    "an answer that is not understood": given(406, ("Accept", "text/html")),
    "a byte too large": given(413, body=padded(MAX_BODY_BYTES + 1)),
    "too large by its own word": given(413, ("Content-Length", str(10**12)), body=b""),
    "a length beyond all": given(413, ("Content-Length", "9" * 19), body=b""),
    "too large in chunks": given(413, CHUNKED, body=chunks(*[b" " * 2**20] * 5), drop=("Content-Length",)),
    "too large, nowhere": given(413, ("Content-Length", str(10**12)), body=b"", target="/secret"),
    "a length that is no number": given(400, ("Content-Length", "many")),
    "a length below nothing": given(400, ("Content-Length", "-1")),
    "two lengths": given(400, ("Content-Length", "2"), ("Content-Length", "3")),
    "a chunk that is no number": given(400, CHUNKED, body=b"zz\r\n", drop=("Content-Length",)),
    "an unknown coding": given(400, ("Transfer-Encoding", "gzip"), drop=("Content-Length",)),
    "20,000 brackets": given(400, body=b"[" * 20_000 + b"]" * 20_000),
    "20,000 brackets, modern": given(400, body=b"[" * 20_000 + b"]" * 20_000, era="modern"),
    "20,000 braces": given(400, body=b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    "20,000 braces, modern": given(400, body=b'{"a":' * 20_000 + b"1" + b"}" * 20_000, era="modern"),
    "a number without end": given(400, body=b'{"jsonrpc":"2.0","id":' + b"9" * 10_000 + b',"method":"x"}'),
    "a number without end, modern": given(400, body=b'{"jsonrpc":"2.0","id":' + b"9" * 10_000 + b"}", era="modern"),
    "no JSON": given(400, body=b"tools/list please"),
    "nothing": given(400, body=b""),
    "a list of messages": given(400, body=b"[%s,%s]" % (LISTING, LISTING)),
    "not UTF-8": given(400, body=b'{"jsonrpc":"2.0","id":"\xff","method":"tools/list"}'),
    "half a body": given(408, ("Content-Length", "1000")),
    "no body": given(408, ("Content-Length", "1000"), body=b""),
    "half a body, nowhere": given(408, ("Content-Length", "1000"), target="/secret"),
    "chunks without end": given(408, CHUNKED, body=chunks(LISTING, end=False), drop=("Content-Length",)),
    "a head without end": given(400, ("X-Long", "x" * 400_000)),
    "no HTTP": given(400, method="\x16\x03\x01"),
}
WORDED = {401, 403, 404, 408, 413, 415, 421}
"""Those are ours, and say what to do; others are the protocol's or the SDK's."""


async def test_who_has_the_right_name_origin_and_token_is_served(address: Address) -> None:
    for name, (status, changed) in SERVED.items():
        address.reached.clear()
        result = await address.ask(request(address, **changed(address)))
        assert result.status == status, (name, result.body)
        assert "server" not in result.headers
        assert address.reached == (["tools/list"] if b"jsonrpc" in result.body else []), name


async def test_everybody_else_is_refused_before_any_message_gets_through(
    address: Address, hasty: Address, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    wrong = {}
    for name, (status, changed) in REFUSED.items():
        at = hasty if status == 408 else address
        result = await at.ask(request(at, **changed(at)))
        if result.status != status:
            wrong[name] = result
            continue
        if status in WORDED:
            assert result.error.endswith("."), name
            assert len(result.error) < 250
        if status == 401:
            assert result.headers["www-authenticate"] == 'Bearer realm="mcp-mmretrieval"'
            assert "mcp-mmretrieval serve --http" in result.error
        assert "access-control-allow-origin" not in result.headers
        no_token(result.body, caplog)
    assert wrong == {}
    assert address.reached == hasty.reached == []


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_arguments_nested_to_any_depth_get_an_answer(address: Address, era: str) -> None:
    for depth in (50, 100, 150, 200, 250, 400, 800, 1_000, 3_000, 10_000):
        for opening, inner, closing in (b"[", b"", b"]"), (b'{"a":', b"1", b"}"):
            headers, body = call(era, "search_media", query="here")
            nested = body.replace(b'"here"', opening * depth + inner + closing * depth)
            names = tuple(headers.items())
            result = await address.ask(request(address, body=nested, headers=names))
            assert result.status in (200, 400), (depth, result)
            if result.status == 200:
                [reply] = replies(result.body)
                assert reply["result"]["isError"] if "result" in reply else reply["error"]["code"] != -32603, reply


def no_token(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    formatter = logging.Formatter()
    for text in (body.decode("latin-1"), *map(formatter.format, caplog.records)):
        assert TOKEN.lower() not in text.lower()


async def test_neither_token_nor_what_was_asked_and_found_is_logged_even_by_a_verbose_log(
    address: Address, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    for mode in ("auto", "legacy"):
        async with address.client(mode) as client:
            await client.call_tool("search_media", {"query": "umbrella"})
    ours = [record for record in caplog.records if not record.name.startswith(("httpx2", "httpcore2", "mcp.client"))]
    assert any(record.levelno == logging.DEBUG for record in ours)
    for record in ours:
        told = logging.Formatter().format(record)
        assert TOKEN not in told
        assert "umbrella" not in told


async def test_a_failure_inside_is_told_without_its_details(
    library: FakeLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    async with serving(library, health=ZeroDivisionError("in /root/x")) as address:
        result = await address.ask(request(address, method="GET", target="/health"))
    assert (result.status, result.error) == (500, "Something went wrong in the server; its log says what.")
    assert "ZeroDivisionError: in /root/x" in caplog.text
    no_token(result.body, caplog)


async def test_without_a_token_names_and_origins_still_count(library: FakeLibrary) -> None:
    async with serving(library, token=None) as address:
        for headers, status in ((), 200), ((("Host", "evil.example"),), 421), ((("Origin", "null"),), 403):
            result = await address.ask(request(address, drop=("Authorization",), headers=headers))
            assert result.status == status


# -- web pages --------------------------------------------------------------------------------------------------------


async def test_a_listed_page_may_ask_in_advance_without_the_token_and_learns_what_it_may_send(address: Address) -> None:
    asked = (
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type, Mcp-Method,mcp-param-x,x-evil"),
    )
    result = await address.ask(request(address, method="OPTIONS", drop=("Authorization",), headers=asked))
    assert result.status == 200
    assert result.body == b""
    assert result.headers["access-control-allow-origin"] == ORIGIN
    assert result.headers["access-control-allow-headers"] == "authorization, content-type, mcp-method, mcp-param-x"
    assert "POST" in result.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in result.headers
    assert address.reached == []


async def test_a_listed_page_can_read_answers_and_refusals(address: Address) -> None:
    for drop, status in ((), 200), (("Authorization",), 401):
        result = await address.ask(request(address, drop=drop, headers=(("Origin", ORIGIN),)))
        assert result.status == status
        assert result.headers["access-control-allow-origin"] == ORIGIN
        assert "origin" in result.headers["vary"].lower()


# -- slow and endless senders -----------------------------------------------------------------------------------------


async def test_a_body_that_trickles_in_for_ever_is_cut(hasty: Address) -> None:
    async with await anyio.connect_tcp("127.0.0.1", hasty.port) as stream:
        await stream.send(request(hasty, headers=(("Content-Length", "1000000"),)))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trickle, stream, b" ")
            result = await answered(stream)
            assert result.status == 408
            assert result.headers["connection"] == "close"
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()
            tasks.cancel_scope.cancel()
    assert hasty.reached == []


async def test_several_requests_on_one_connection_are_served_one_by_one(address: Address) -> None:
    async with await anyio.connect_tcp("127.0.0.1", address.port) as stream:
        for _ in range(3):
            await stream.send(request(address))
            assert (await answered(stream)).status == 200
        await stream.send(request(address, method="GET", target="/nowhere"))
        assert (await answered(stream)).status == 404
        await stream.send(request(address, method="GET", target="/health"))
        assert (await answered(stream)).status == 200
    assert address.reached == ["tools/list"] * 3


async def test_a_refused_sender_of_a_large_body_still_reads_why(address: Address) -> None:
    async with await anyio.connect_tcp("127.0.0.1", address.port) as stream, anyio.create_task_group() as tasks:
        head = request(
            address, drop=("Authorization",), headers=(("Content-Length", str(2 * MAX_BODY_BYTES)),), body=b""
        )
        await stream.send(head)
        tasks.start_soon(stream.send, b" " * 2 * MAX_BODY_BYTES)
        assert (await answered(stream)).status == 401


# -- the parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 421),
        ([(b"host", b"a:1"), (b"host", b"a:1")], 421),
        ([(b"host", b"a:1")], 401),
        ([(b"host", b"a:1"), (b"authorization", b"Bearer t"), (b"content-length", b"1e9")], 413),
        ([(b"host", b"a:1"), (b"authorization", b"Bearer t")], 200),
    ],
)
async def test_the_guard_does_not_rely_on_what_uvicorn_refuses_itself(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    sent: list[Any] = []
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["headers"], await receive(), await receive()))
        await send({"type": "http.response.start", "status": 200})

    coming = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]

    async def receive() -> Any:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": headers}
    await AccessMiddleware(app, AccessPolicy(frozenset({"A:1"}), token="t"))(scope, receive, send)
    assert sent[0]["status"] == status
    assert bool(seen) == (status == 200)
    if seen:
        whole = {"type": "http.request", "body": b"ab", "more_body": False}
        assert seen == [([(b"host", b"a:1")], whole, {"type": "http.disconnect"})]


@pytest.mark.parametrize(
    "request_of",
    [
        lambda address: request(address, headers=(("X-A", "a" * 33_000),)),
        lambda address: request(address, headers=tuple((f"X-{number}", "a" * 100) for number in range(400))),
        lambda address: request(address, target=f"/mcp?{'a' * 33_000}"),
    ],
    ids=["one header", "many headers", "target"],
)
async def test_a_large_head_is_refused_also_where_it_comes_at_once(
    address: Address, request_of: Callable[[Address], bytes]
) -> None:
    answer = await address.ask(request_of(address))
    assert answer.status in (400, 431)  # h11 refuses what comes in pieces
    assert address.reached == []
    near = request(address, headers=(("X-A", "a" * 31_000),))
    assert (await address.ask(near)).status == 200


async def test_a_client_that_leaves_before_its_body_has_come_is_forgotten() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def fail(*_: Any) -> None:
        raise AssertionError("nothing is to be done")

    await AccessMiddleware(fail, AccessPolicy(frozenset({"a"})))(
        {"type": "http", "method": "POST", "headers": [(b"host", b"a")]}, receive, fail
    )


@pytest.mark.parametrize(
    ("host", "port", "named", "all_of_them"),
    [
        ("127.0.0.1", 8000, (), "127.0.0.1:8000 localhost:8000 [::1]:8000"),
        ("localhost", 8000, ("Mac.Local:8000",), "127.0.0.1:8000 localhost:8000 [::1]:8000 mac.local:8000"),
        ("127.0.0.9", 8000, (), "127.0.0.1:8000 127.0.0.9:8000 localhost:8000 [::1]:8000"),
        ("::1", 80, (), "127.0.0.1:80 localhost:80 [::1]:80 127.0.0.1 localhost [::1]"),
        ("0.0.0.0", 8000, (), ""),
        ("192.168.1.2", 8000, ("box:8000",), "box:8000"),
        ("box.example", 8000, (), ""),
    ],
)
def test_an_address_goes_by_its_loopback_names_and_those_that_are_given(
    host: str, port: int, named: tuple[str, ...], all_of_them: str
) -> None:
    assert own_hosts(host, port, named) == set(all_of_them.split())


def test_an_access_policy_follows_the_settings_and_never_shows_its_token() -> None:
    settings = Settings(http_hosts=("box:1",), http_origins=(ORIGIN,))
    policy = AccessPolicy.at("0.0.0.0", 1, settings, TOKEN)
    assert policy == AccessPolicy(frozenset({"BOX:1"}), frozenset({ORIGIN}), TOKEN)
    assert TOKEN not in repr(policy)


def test_an_empty_token_is_no_token_and_not_allowed() -> None:
    with pytest.raises(ValueError, match="everybody"):
        AccessPolicy(frozenset({"a:1"}), token="")


def test_messages_of_a_stream_are_told_apart() -> None:
    stream = b'event: message\r\ndata: {"id": 1}\r\n\r\n: ping\r\n\r\ndata: {"id": 2}\r\n\r\n'
    assert replies(stream) == [{"id": 1}, {"id": 2}] == [*replies(json.dumps({"id": 1}).encode()), {"id": 2}]
