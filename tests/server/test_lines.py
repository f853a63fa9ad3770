import socket

import anyio
import pytest

from mcp_mmretrieval.server import lines
from mcp_mmretrieval.server.lines import read_lines, write_line

pytestmark = pytest.mark.anyio


def ends() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection; the first does not block."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


async def test_lines_come_whole_however_they_were_sent() -> None:
    ours, theirs = ends()
    with ours, theirs:
        theirs.sendall(b"one\ntw")
        found = []
        async for line in read_lines(ours):
            found.append(line)
            if line == b"one":
                theirs.sendall(b"o\n\nthree, without an end")
                theirs.shutdown(socket.SHUT_WR)
        assert found == [b"one", b"two", b""]


async def test_a_line_without_an_end_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1_000)
    ours, theirs = ends()
    with ours, theirs:
        theirs.sendall(b"short\n" + b"x" * 1_001)
        with anyio.fail_after(60):
            assert [line async for line in read_lines(ours)] == [b"short"]


async def test_a_long_line_is_written_as_fast_as_the_other_side_reads() -> None:
    ours, theirs = ends()
    sent = b"x" * 3_000_000 + b"\n"
    with ours, theirs:
        received = bytearray()

        def read_all() -> None:
            while not received.endswith(b"\n"):
                received.extend(theirs.recv(10_000))

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write_line, ours, sent)
                tasks.start_soon(anyio.to_thread.run_sync, read_all)
        assert received == sent


async def test_a_client_that_went_is_no_error() -> None:
    ours, theirs = ends()
    with ours:
        theirs.close()
        await write_line(ours, b"nobody hears\n")
        assert [line async for line in read_lines(ours)] == []
