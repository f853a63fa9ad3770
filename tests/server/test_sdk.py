"""The names of the SDK that are not public, each held on to by what it is used for."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import mcp_types
import pytest
from mcp import Client
from mcp.server.mcpserver import Context

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening
from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.create import create_server, create_shared_server
from mcp_mmretrieval.server.sdk import cancel_event, message_streams, serve_lines
from tests.support.library import FakeLibrary, as_library

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_server_serves_lines_of_ones_own_with_a_connection_of_ones_own(mode: str, library: FakeLibrary) -> None:
    def never() -> AsyncIterator[Connection]:
        raise AssertionError("the server asked for its own")

    server = create_shared_server(never, read_only=False, gallery=True)  # type: ignore[arg-type]
    connection = Connection(LibraryOpening(lambda: as_library(library)), Settings(), Admission())
    to_server, at_server = anyio.create_memory_object_stream[bytes](100)
    to_client, at_client = anyio.create_memory_object_stream[bytes](100)

    async def serve() -> None:
        await serve_lines(server, connection, at_server, to_client.send)
        to_client.close()

    with anyio.fail_after(60):
        async with to_server, to_client, at_client, at_server, anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            async with Client(message_streams(at_client, to_server.send), mode=mode) as client:
                assert len((await client.list_tools()).tools) == 7
                assert not (await client.call_tool("status", {})).is_error
            to_server.close()


async def test_a_line_that_is_no_message_is_let_go_and_the_next_one_served(library: FakeLibrary) -> None:
    lines = [b"{", b"[]", b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}']
    told: list[bytes] = []
    server = create_server(lambda: as_library(library), Settings())
    connection = Connection(LibraryOpening(lambda: as_library(library)), Settings(), Admission())
    answered = anyio.Event()

    async def some() -> AsyncIterator[bytes]:
        for line in lines:
            yield line
        await answered.wait()

    async def write(line: bytes) -> None:
        told.append(line)
        answered.set()

    with anyio.fail_after(60):
        await serve_lines(server, connection, some(), write)
    (answer,) = map(mcp_types.jsonrpc_message_adapter.validate_json, told)
    assert isinstance(answer, mcp_types.JSONRPCResponse)
    assert answer.id == 1


@pytest.mark.parametrize(
    ("request_line", "id"),
    [
        (rb'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"x","arguments":{"query":"\ud800"}}}', 5),
        (rb'{"jsonrpc":"2.0","id":"\ud800","method":"ping"}', "\ud800"),
        (b'{"jsonrpc":"2.0","id":6,"method":"ping","params":{"a":"\xff"}}', 6),
        (b'{"id":7,"method":"ping"}', 7),
        (b'{"jsonrpc":"2.0","id":8,"method":"ping","params":[]}', 8),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5),
        (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', [1]),
    ],
)
async def test_a_request_that_cannot_be_read_is_answered_with_its_id(
    request_line: bytes, id: object, library: FakeLibrary
) -> None:
    told: list[bytes] = []
    answered = anyio.Event()

    async def some() -> AsyncIterator[bytes]:
        yield request_line
        await answered.wait()

    async def write(line: bytes) -> None:
        told.append(line)
        answered.set()

    server = create_server(lambda: as_library(library), Settings())
    connection = Connection(LibraryOpening(lambda: as_library(library)), Settings(), Admission())
    with anyio.fail_after(60):
        await serve_lines(server, connection, some(), write)
    (answer,) = map(json.loads, told)
    assert answer["id"] == id
    assert answer["error"]["code"] == -32600
    assert told[0].isascii()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_can_tell_that_its_client_cancelled_it(mode: str, library: FakeLibrary) -> None:
    server = create_server(lambda: as_library(library), Settings())
    began, over = anyio.Event(), anyio.Event()
    seen: list[bool] = []

    async def wait_for_it(call: Context[Any, Any]) -> str:
        event = cancel_event(call)
        assert event is not None
        began.set()
        try:
            await anyio.sleep(60)
        finally:
            seen.append(event.is_set())
            over.set()
        return ""

    server.add_tool(wait_for_it)
    with anyio.fail_after(60):
        async with Client(server, mode=mode) as client, anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, "wait_for_it", {})
            await began.wait()
            calls.cancel_scope.cancel()
        await over.wait()
    if mode == "legacy":  # the stateless era has no such word in memory: the call is just cut
        assert seen == [True]
