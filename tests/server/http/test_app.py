"""MCP over a real loopback port, with the SDK's own client and with bytes: both protocol eras."""

from __future__ import annotations

import json
import logging
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream
from mcp_types import TextContent

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.create import create_shared_server
from mcp_mmretrieval.server.http.access import AccessPolicy, own_hosts
from mcp_mmretrieval.server.http.app import create_application, serve_socket
from mcp_mmretrieval.server.metrics import Metrics
from mcp_mmretrieval.server.tools.strict_tool import RETRY_AFTER_KEY
from tests.server.conftest import until
from tests.support.http import Address, answered, both_eras, call, message, replies, request, serving
from tests.support.library import FakeLibrary, until_stopped

pytestmark = pytest.mark.anyio

MODE = {"legacy": "legacy", "modern": "auto"}


@asynccontextmanager
async def streaming(address: Address, era: str, tool: str, **arguments: Any) -> AsyncIterator[SocketStream]:
    """A call on its way; leaving closes its connection."""
    headers, body = call(era, tool, **arguments)
    async with await anyio.connect_tcp("127.0.0.1", address.port) as stream:
        await stream.send(request(address, body=body, headers=tuple(headers.items())))
        yield stream


# -- serving ----------------------------------------------------------------------------------------------------------


@both_eras
async def test_a_client_lists_the_tools_and_searches(address: Address, era: str) -> None:
    async with address.client(MODE[era]) as client:
        assert len((await client.list_tools()).tools) == 7
        result = await client.call_tool("search_media", {"query": "revenue"})
    assert result.structured_content is not None
    assert result.structured_content["hits"][0]["citation"] == "q3.pdf#page=7"


@both_eras
async def test_adding_reports_progress(address: Address, library: FakeLibrary, era: str) -> None:
    library.work = until_stopped
    told: list[float] = []
    enough = anyio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)
        if len(told) == 2:
            enough.set()
            library.jobs_started[0].cancel()

    async with address.client(MODE[era]) as client:
        result = await client.call_tool("add_documents", {"paths": "/data"}, progress_callback=tell)
    assert enough.is_set()
    assert told == sorted(set(told))
    assert result.structured_content is not None
    assert result.structured_content["state"] == "cancelled"


@both_eras
async def test_closing_the_stream_ends_the_job_that_the_call_started(
    address: Address, library: FakeLibrary, era: str
) -> None:
    library.work = until_stopped
    async with streaming(address, era, "add_documents", progress="p", paths="/data") as stream:
        await first_progress(stream)
        job = library.jobs_started[0]
        assert not job.stop.is_set()
    await until(lambda: job.outcome.state == "cancelled")


async def rest_of(stream: SocketStream) -> bytes:
    """What still comes of an answer in chunks."""
    wire = b""
    while not wire.endswith(b"0\r\n\r\n"):
        wire += await stream.receive()
    return wire


async def first_progress(stream: SocketStream) -> None:
    wire = b""
    while b"notifications/progress" not in wire:
        wire += await stream.receive()


@both_eras
async def test_a_job_that_another_call_waits_for_goes_on(address: Address, library: FakeLibrary, era: str) -> None:
    library.work = until_stopped
    async with AsyncExitStack() as others:
        async with streaming(address, era, "add_documents", id=1, progress="p", paths="/data") as stream:
            await first_progress(stream)
            other = await others.enter_async_context(
                streaming(address, era, "add_documents", id=1, progress="p", paths="/data")
            )
            await first_progress(other)
        await until(lambda: "notifications/cancelled" in address.reached)
        [job] = set(library.jobs_started)
        assert not job.stop.is_set()
        job.cancel()
        assert (await rest_of(other)).count(b'"state":"cancelled"') == 1


async def test_the_sdks_client_cancels_by_closing_the_stream(address: Address, library: FakeLibrary) -> None:
    library.work = until_stopped
    async with address.client("auto") as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "add_documents", {"paths": "/data"})
            await until(lambda: bool(library.jobs_started) and library.jobs_started[0].outcome.added > 0)
            tasks.cancel_scope.cancel()
        await until(lambda: library.jobs_started[0].outcome.state == "cancelled")


async def test_a_word_of_cancelling_from_somebody_else_ends_nothing(address: Address, library: FakeLibrary) -> None:
    library.work = until_stopped
    async with streaming(address, "legacy", "add_documents", id=7, progress="p", paths="/data") as stream:
        await first_progress(stream)
        word = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        result = await address.ask(request(address, body=json.dumps(word).encode()))
        assert result.status == 202
        assert (await address.ask(request(address))).status == 200
        assert not library.jobs_started[0].stop.is_set()
        library.jobs_started[0].cancel()
        assert b'"state":"cancelled"' in await rest_of(stream)


@both_eras
async def test_a_client_that_leaves_gives_its_turn_to_the_next(library: FakeLibrary, era: str) -> None:
    answers: list[httpx2.Response] = []
    async with serving(library, admission=Admission(1, 5)) as address, address.http() as client:
        async with anyio.create_task_group() as tasks, streaming(address, era, "search_media", query="wait"):
            await until(lambda: library.asked.get("query") == "wait")
            async with streaming(address, era, "search_media", query="never asked"):
                await until(lambda: address.admission.waiting == 1)
                tasks.start_soon(keep, answers, client, *call(era, "search_media", query="a"))
                await until(lambda: address.admission.waiting == 2)
            await until(lambda: address.admission.waiting == 1)
        [reply] = replies(answers[0].content)
        assert len(reply["result"]["structuredContent"]["hits"]) == 3
        assert library.asked["query"] == "a"
        library.hold.set()


async def keep(answers: list[httpx2.Response], client: httpx2.AsyncClient, headers: Any, body: bytes) -> None:
    answers.append(await client.post("/mcp", headers=headers, content=body))


# -- many at once -----------------------------------------------------------------------------------------------------


@both_eras
async def test_a_hundred_clients_at_once_all_get_one_answer_or_are_told_to_come_back(
    library: FakeLibrary, era: str
) -> None:
    async with serving(library, admission=Admission(4, 16)) as address, address.http() as client:
        answers: list[httpx2.Response] = []
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                headers, body = call(era, "search_media", id=f"call-{number}", query="wait")
                tasks.start_soon(keep, answers, client, headers, body)
            await until(lambda: len(answers) == 80)
            assert (address.admission.running, address.admission.waiting) == (4, 16)
            library.hold.set()
        seen: Counter[str] = Counter()
        told: Counter[str] = Counter()
        for response in answers:
            [reply] = replies(response.content)
            seen[reply["id"]] += 1
            result = reply["result"]
            if result["isError"]:
                assert result["content"][0]["text"].startswith("Busy: 16 calls are waiting. Ask again in about ")
                assert result["_meta"][RETRY_AFTER_KEY] > 0
                told["busy"] += 1
            else:
                assert len(result["structuredContent"]["hits"]) == 3
                told["answered"] += 1
        assert seen == Counter(f"call-{number}" for number in range(100))
        assert told == {"answered": 20, "busy": 80}
        text = (await client.get("/metrics")).text
    assert 'mmretrieval_calls_total{outcome="busy",tool="search_media"} 80.0' in text
    assert 'mmretrieval_calls_total{outcome="ok",tool="search_media"} 20.0' in text


# -- health and numbers -----------------------------------------------------------------------------------------------


async def test_health_and_numbers_are_told_to_who_has_the_token(address: Address) -> None:
    address.metrics.watch("documents", "Documents in the library.", lambda: 3)
    async with address.client("auto") as client:
        await client.call_tool("search_media", {"query": "the secret of /home/a"})
    async with address.http() as client:
        health = await client.get("/health")
        numbers = await client.get("/metrics")
    assert (health.status_code, health.json()) == (200, {"state": "ready"})
    assert health.headers["cache-control"] == "no-store"
    assert numbers.headers["content-type"].startswith("text/plain; version=")
    lines = numbers.text.splitlines()
    assert 'mmretrieval_calls_total{outcome="ok",tool="search_media"} 1.0' in lines
    assert "mmretrieval_documents 3.0" in lines
    assert any(line.startswith("process_cpu_seconds_total") for line in lines)
    assert "secret" not in numbers.text
    assert "/home" not in numbers.text


# -- the end -----------------------------------------------------------------------------------------------------------


@both_eras
async def test_being_told_to_stop_ends_open_streams_but_no_job(
    library: FakeLibrary, era: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.server.http.app.GRACE_SECONDS", 0.3)
    library.work = until_stopped
    async with serving(library) as address:
        async with streaming(address, era, "add_documents", progress="p", paths="/data") as stream:
            await first_progress(stream)
            headers = (("Accept", "text/event-stream"),)
            async with await anyio.connect_tcp("127.0.0.1", address.port) as listening:
                await listening.send(request(address, method="GET", headers=headers))
                assert b"200 OK" in await listening.receive()
                address.stop.set()
                await address.stopped.wait()
                rest = b"".join([data async for data in stream])
                assert rest.endswith(b"0\r\n\r\n")
                assert [data async for data in listening][-1].endswith(b"0\r\n\r\n")
        assert not library.jobs_started[0].stop.is_set()
        with pytest.raises(OSError, match="connect"):
            await anyio.connect_tcp("127.0.0.1", address.port)
    library.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@both_eras
async def test_a_call_that_ends_soon_after_the_word_to_stop_is_answered(library: FakeLibrary, era: str) -> None:
    async with serving(library) as address, streaming(address, era, "search_media", query="wait") as stream:
        await until(lambda: library.asked.get("query") == "wait")
        address.stop.set()
        await until(lambda: not accepts(address))
        library.hold.set()
        [reply] = replies(unchunked((await answered(stream)).body))
    assert len(reply["result"]["structuredContent"]["hits"]) == 3


def accepts(address: Address) -> bool:
    try:
        socket.create_connection(("127.0.0.1", address.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def unchunked(body: bytes) -> bytes:
    if body.startswith(b"{"):
        return body
    whole = b""
    while size := int(body.partition(b"\r\n")[0], 16):
        _, _, body = body.partition(b"\r\n")
        whole, body = whole + body[:size], body[size + 2 :]
    return whole


async def test_a_call_that_has_not_been_answered_when_the_server_stops_is_told_so(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.server.http.app.GRACE_SECONDS", 0.2)
    async with serving(library) as address, streaming(address, "modern", "search_media", query="wait") as stream:
        await until(lambda: library.asked.get("query") == "wait")
        address.stop.set()
        result = await answered(stream)
        library.hold.set()
    assert (result.status, result.headers["retry-after"]) == (503, "1")
    assert result.error == "The server is stopping; ask again in a moment."


async def test_cancelling_ends_it_at_once_and_closes_the_socket(library: FakeLibrary) -> None:
    async with serving(library) as address, streaming(address, "legacy", "search_media", query="wait") as stream:
        await until(lambda: library.asked.get("query") == "wait")
        address.tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True), anyio.fail_after(60):
            assert b"".join([data async for data in stream]).endswith(b"0\r\n\r\n")
            await until(lambda: not accepts(address))
        library.hold.set()


async def test_signals_are_left_alone(address: Address) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert (await address.ask(request(address))).status == 200
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_what_the_servers_lifespan_raises_comes_out() -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Any]:
        if sock:
            raise LibraryUnavailable("Held by process 7. End it.")
        yield

    sock = socket.create_server(("127.0.0.1", 0))
    policy = AccessPolicy(own_hosts(*sock.getsockname()))
    app = create_application(
        create_shared_server(connect, read_only=True, gallery=True), policy, metrics=Metrics(), health=dict
    )
    with pytest.raises(LibraryUnavailable, match="process 7"):
        await serve_socket(app, sock, stop=anyio.Event())
    assert sock.fileno() == -1


# -- failures on the wire ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_busy_is_an_error_that_a_client_can_tell_from_others(library: FakeLibrary, mode: str) -> None:
    async with serving(library, admission=Admission(1, 0)) as address, address.client(mode) as client:
        await client.call_tool("status", {})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "search_media", {"query": "wait"})
            await until(lambda: library.asked.get("query") == "wait")
            for tool, arguments in ("search_media", {"query": "a"}), ("open_media", {"targets": "a"}), ("status", {}):
                result = await client.call_tool(tool, arguments)
                block = result.content[0]
                assert isinstance(block, TextContent)
                assert block.text == "Busy: 0 calls are waiting. Ask again in about 1 s."
                assert result.is_error
                assert result.structured_content is None
                assert result.meta is not None
                assert 0 < result.meta[RETRY_AFTER_KEY] <= 1_000
            library.hold.set()


async def test_a_call_that_wants_no_answer_is_none(address: Address) -> None:
    note = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "search_media", "arguments": {"query": "a"}}}
    assert (await address.ask(request(address, body=json.dumps(note).encode()))).status == 202
    await until(lambda: address.reached == ["tools/call"])
    assert b"calls_total{" not in address.metrics.render()[0]


@both_eras
@pytest.mark.parametrize("id", [None, 1.5, [1], True])
async def test_a_request_whose_id_is_none_is_refused(address: Address, era: str, id: object) -> None:
    headers, body = message(era, "tools/list", id=id)
    answer = await address.ask(request(address, body=body, headers=tuple(headers.items())))
    assert answer.status == 400
    told = json.loads(answer.body)
    assert (told["id"], told["error"]["code"]) == (id, -32600)
    assert address.reached == []


async def test_a_header_of_the_protocol_may_not_come_twice(address: Address) -> None:
    headers, body = message("modern", "tools/list")
    twice = (*headers.items(), ("Mcp-Protocol-Version", "2025-11-25"))
    answer = await address.ask(request(address, body=body, headers=twice))
    assert (answer.status, answer.error) == (400, "Send one header mcp-protocol-version, not several.")
    assert address.reached == []


async def test_an_unknown_method_and_an_unknown_tool_are_answered_as_the_sdk_does(address: Address) -> None:
    headers, body = message("modern", "no/such")
    result = await address.ask(request(address, body=body, headers=tuple(headers.items())))
    assert result.status == 404
    assert replies(result.body)[0]["error"]["code"] == -32601
    headers, body = call("modern", "no_such_tool")
    result = await address.ask(request(address, body=body, headers=tuple(headers.items())))
    assert (result.status, replies(result.body)[0]["result"]["isError"]) == (200, True)
