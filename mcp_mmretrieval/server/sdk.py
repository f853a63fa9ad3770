"""What the socket transport and cancellation need of the SDK and the SDK does not offer in public.

Of mcp 2.3: `MCPServer._lowlevel_server`, since there is no public way to serve streams of one's own, and
`ServerSession._request_outbound`, since there is none to learn that the peer cancelled. pyproject.toml caps the SDK
while one of them is used; `tests/server/test_sdk.py` holds on to each.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.unreadable import refusal

MessageReadStream = MemoryObjectReceiveStream[SessionMessage | Exception]
MessageWriteStream = MemoryObjectSendStream[SessionMessage]


async def serve_lines(
    server: MCPServer[Connection],
    connection: Connection,
    lines: AsyncIterator[bytes],
    write: Callable[[bytes], Awaitable[None]],
) -> None:
    """Serve one connection, a JSON-RPC message a line, in either era, until `lines` end. Calls are cancelled then."""
    async with message_streams(lines, write) as (read_stream, write_stream):
        await serve_dual_era_loop(
            server._lowlevel_server,
            read_stream,
            write_stream,
            lifespan_state=connection,
        )


@asynccontextmanager
async def message_streams(
    lines: AsyncIterator[bytes], write: Callable[[bytes], Awaitable[None]]
) -> AsyncIterator[tuple[MessageReadStream, MessageWriteStream]]:
    """The two streams that the SDK reads and writes, over lines; for a server or a client."""
    writing = anyio.Lock()
    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        async with incoming:
            async for line in lines:
                message = _message(line)
                refused = refusal(line, read=not isinstance(message, Exception))
                try:
                    if refused is not None:
                        async with writing:
                            await write(refused + b"\n")
                    else:
                        await incoming.send(message)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    return

    sent = anyio.Event()

    async def send() -> None:
        try:
            async with outgoing:
                async for message in outgoing:
                    line = message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
                    async with writing:
                        await write(line)
        finally:
            sent.set()

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            tasks.start_soon(send)
            yield read_stream, write_stream
            with anyio.move_on_after(1.0, shield=True):  # the last answers are on their way
                await write_stream.aclose()
                await sent.wait()
            tasks.cancel_scope.cancel()
    finally:
        for stream in (incoming, read_stream, write_stream, outgoing):
            stream.close()


async def serve_standard_streams(server: MCPServer[Connection]) -> None:
    """Serve stdin and stdout until stdin ends, as `MCPServer.run_stdio_async`; what cannot be read is answered too."""
    async with stdio_server() as (incoming, outgoing):
        readable, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)

        async def pass_on() -> None:
            async with readable:
                async for message in incoming:
                    refused = _refusal_of(message) if isinstance(message, Exception) else None
                    if refused is not None:
                        await outgoing.send(SessionMessage(refused))
                    else:
                        await readable.send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pass_on)
            lowlevel = server._lowlevel_server
            await lowlevel.run(read_stream, outgoing, lowlevel.create_initialization_options())
            tasks.cancel_scope.cancel()


def _refusal_of(error: Exception) -> mcp_types.JSONRPCMessage | None:
    """The answer to a line that the SDK could not read; of such errors only those tell the line that hold it whole."""
    lines = [one["input"] for one in error.errors()] if isinstance(error, ValidationError) else []
    line = next((line for line in lines if isinstance(line, str | dict)), "")
    text = line if isinstance(line, str) else json.dumps(line)
    answer = refusal(text.encode("utf-8", "replace"), read=False)
    try:
        return mcp_types.jsonrpc_message_adapter.validate_json(answer, by_name=False) if answer else None
    except ValueError:  # an id that cannot be encoded either
        return None


def _message(line: bytes) -> SessionMessage | Exception:
    """A line as the SDK reads it; one that makes no sense is an exception, which it lets go."""
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


def cancel_event(call: Context[Any, Any]) -> anyio.Event | None:
    """Set when the peer cancels this very request; None where the transport knows no such thing."""
    request = getattr(call.request_context.session, "_request_outbound", None)
    event = getattr(request, "cancel_requested", None)
    return event if isinstance(event, anyio.Event) else None
