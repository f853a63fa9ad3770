"""Lines over a local socket that does not block: the one form in which engine and clients speak."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator

import anyio

from mcp_mmretrieval.front.relay import MAX_LINE_BYTES

__all__ = ["MAX_LINE_BYTES", "read_lines", "write_line"]

logger = logging.getLogger(__name__)


async def read_lines(client: socket.socket) -> AsyncIterator[bytes]:
    """Whole lines until the client ends, goes, or sends one that is too long."""
    parts: list[bytes] = []
    length = 0
    while True:
        try:
            await anyio.wait_readable(client)
            block = client.recv(65536)
        except (BlockingIOError, InterruptedError):
            continue
        except OSError:
            return
        if not block:
            return
        *ended, rest = block.split(b"\n")
        for line in ended:
            yield b"".join((*parts, line))
            parts, length = [], 0
        if rest:
            parts.append(rest)
            length += len(rest)
        if length > MAX_LINE_BYTES:
            logger.warning("a client sent a line of more than %d bytes", MAX_LINE_BYTES)
            return


async def write_line(client: socket.socket, line: bytes) -> None:
    """Write a whole line, as fast as the client takes it. The reader of its lines notices a client that has gone."""
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[client.send(rest) :]
        except (BlockingIOError, InterruptedError):
            await anyio.wait_writable(client)
        except OSError:
            return
