"""Clients that do not send, and clients that do not read, on a real loopback port."""

from __future__ import annotations

import select
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

import anyio
import pytest
from anyio.abc import SocketStream

from mcp_mmretrieval.answers import Answer
from mcp_mmretrieval.server.http.slow_clients import PacedProtocol
from tests.server.conftest import until
from tests.support.http import (
    Address,
    answered,
    both_eras,
    call,
    request,
    serving,
    trickle,
)
from tests.support.library import FULL, HITS, FakeLibrary

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("start", [b"", b"POST /mcp HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_head_that_does_not_come_or_trickles_in_for_ever_is_cut(
    address: Address, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacedProtocol, "head_seconds", 0.3)
    async with await anyio.connect_tcp("127.0.0.1", address.port) as stream, anyio.create_task_group() as tasks:
        if start:
            await stream.send(start)
            tasks.start_soon(trickle, stream, b"x")
        with anyio.fail_after(60), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
        tasks.cancel_scope.cancel()


async def test_a_second_head_that_trickles_in_is_cut_like_the_first(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await anyio.connect_tcp("127.0.0.1", address.port) as stream, anyio.create_task_group() as tasks:
        monkeypatch.setattr(PacedProtocol, "head_seconds", 0.3)
        await stream.send(request(address))
        assert (await answered(stream)).status == 200
        await stream.send(b"POST /mcp HTTP/1.1\r\nX-A: ")
        tasks.start_soon(trickle, stream, b"x")
        with anyio.fail_after(60), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
        tasks.cancel_scope.cancel()


async def test_connections_that_ask_for_nothing_make_room_for_those_that_do(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacedProtocol, "most", lambda self: 3)
    async with AsyncExitStack() as stack:
        for _ in range(20):
            await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", address.port))
        assert (await address.ask(request(address))).status == 200


def hits(count: int) -> Answer:
    """About 330 bytes each on the wire."""
    return Answer(hits=(replace(HITS[0], snippet="x" * 400),) * count, searched=FULL)


@asynccontextmanager
async def not_reading(address: Address, era: str) -> AsyncIterator[socket.socket]:
    """A client that asks, and does not read the answer; its kernel buffers little."""
    headers, body = call(era, "search_media", query="a")
    with narrow(address) as sock:
        sock.sendall(request(address, body=body, headers=tuple(headers.items())))
        await until(lambda: address.counted("search_media", "ok") == 1)
        yield sock


@both_eras
@pytest.mark.parametrize("count", [4_000, 180])
async def test_a_client_that_stops_reading_is_given_up(
    library: FakeLibrary, era: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacedProtocol, "stall_seconds", 0.3)
    library.answer = hits(count)
    async with serving(library, send_buffer=16_384) as address:
        async with not_reading(address, era) as sock:
            await until(lambda: reset(sock))
            part = drained(sock)
        async with address.http() as client:
            headers, body = call(era, "search_media", query="a")
            whole = (await client.post("/mcp", headers=headers, content=body)).content
    assert len(whole) > 300 * count
    assert len(part) < len(whole)


async def test_a_client_that_reads_slowly_but_steadily_gets_everything(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacedProtocol, "stall_seconds", 1.0)
    library.answer = hits(4_000)
    async with (
        serving(library, send_buffer=16_384) as address,
        not_reading(address, "legacy") as sock,
        await SocketStream.from_socket(sock) as stream,
    ):
        result = await answered(Slowly(stream))  # type: ignore[arg-type]
    assert result.status == 200
    assert len(result.body) > 1_200_000


@both_eras
async def test_a_client_that_does_not_read_does_not_hold_up_the_end(
    library: FakeLibrary, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.server.http.app.GRACE_SECONDS", 0.1)
    library.answer = hits(4_000)
    async with serving(library, send_buffer=16_384) as address, not_reading(address, era) as sock:
        address.stop.set()
        await address.stopped.wait()
        await until(lambda: reset(sock))


class Slowly:
    """A stream that takes its time: about three seconds for all."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._stream:
            yield data
            await anyio.sleep(len(data) / 400_000)


def narrow(address: Address) -> socket.socket:
    """A connection of which the kernel buffers little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.connect(("127.0.0.1", address.port))
    return sock


def reset(sock: socket.socket) -> bool:
    """Whether the server has cut it, which is seen without reading."""
    poll = select.poll()
    poll.register(sock, 0)
    return bool(poll.poll(0))


def drained(sock: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while data := sock.recv(65_536):
            received += data
    return received
