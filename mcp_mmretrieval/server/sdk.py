"""What the socket transport and cancellation need of the SDK and the SDK does not offer in public.

Of mcp 2.3: `MCPServer._lowlevel_server`, since there is no public way to serve streams of one's own, and
`ServerSession._request_outbound`, since there is none to learn that the peer cancelled. pyproject.toml caps the SDK
while one of them is used; `tests/server/test_sdk.py` holds on to each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import SessionMessage

from mcp_mmretrieval.server.connection import Connection

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
    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        async with incoming:
            async for line in lines:
                try:
                    await incoming.send(_message(line))
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    return

    sent = anyio.Event()

    async def send() -> None:
        try:
            async with outgoing:
                async for message in outgoing:
                    await write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
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


def _message(line: bytes) -> SessionMessage | Exception:
    """A line as the SDK reads it; one that makes no sense is an exception, which it answers."""
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


def cancel_event(call: Context[Any, Any]) -> anyio.Event | None:
    """Set when the peer cancels this very request; None where the transport knows no such thing."""
    request = getattr(call.request_context.session, "_request_outbound", None)
    event = getattr(request, "cancel_requested", None)
    return event if isinstance(event, anyio.Event) else None
