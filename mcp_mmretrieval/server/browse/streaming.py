"""A recording's bytes over HTTP: those that are asked for, as fast as they are taken, while somebody is there."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from starlette.types import Receive, Scope, Send

from mcp_mmretrieval.server.browse.byte_range import NotSatisfiable, asked_bytes
from mcp_mmretrieval.server.browse.recordings import Playing
from mcp_mmretrieval.server.http.access import RequestRefused, header_values

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
"""Bytes of a recording that are read at once."""


async def send_recording(playing: Playing, scope: Scope, receive: Receive, send: Send) -> None:
    """The bytes of a recording that are asked for, or all. Raises RequestRefused.

    Where the file ends before them or cannot be read on, the connection ends without the rest: the length was told.
    """
    size, tag = playing.state[0], f'"{playing.state[1]:x}-{playing.state[0]:x}"'.encode()
    asked = header_values(scope["headers"], b"range")
    if header_values(scope["headers"], b"if-range") not in ([], [tag]):
        asked = []  # of another state of the file
    try:
        part = asked_bytes(asked[0].decode("latin-1") if len(asked) == 1 else None, size)
    except NotSatisfiable:
        span = (b"content-range", f"bytes */{size}".encode())
        raise RequestRefused(416, f"The recording has {size} bytes.", span) from None
    sent = range(size) if part is None else part
    headers = [
        (b"content-type", playing.media_type.encode()),
        (b"accept-ranges", b"bytes"),
        (b"etag", tag),
        (b"content-length", str(len(sent)).encode()),
    ]
    if part is not None:
        headers.append((b"content-range", f"bytes {part.start}-{part.stop - 1}/{size}".encode()))
    await send({"type": "http.response.start", "status": 200 if part is None else 206, "headers": headers})
    complete = scope["method"] == "HEAD"
    if not complete:
        async with while_there(receive):
            complete = await _send_bytes(playing.fd, sent, send)
    if complete:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def while_there(receive: Receive) -> AsyncIterator[None]:
    """Cancels its body once the client has left: nobody waits for the rest, and uvicorn would take all of it."""
    try:
        async with anyio.create_task_group() as tasks:

            async def cancel_when_left() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(cancel_when_left)
            yield
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:  # around what the body raised
        raise group.exceptions[0] from None


async def _send_bytes(fd: int, sent: range, send: Send) -> bool:
    """Whether all of them were there."""
    at = sent.start
    while at < sent.stop:
        try:
            chunk = await anyio.to_thread.run_sync(os.pread, fd, min(CHUNK_BYTES, sent.stop - at), at)
        except OSError as error:
            logger.error("a recording cannot be read on: %s", error.strerror or error)
            return False
        if not chunk:
            return False
        at += len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    return True
