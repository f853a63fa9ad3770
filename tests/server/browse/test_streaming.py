"""Recordings over a real loopback port, of which not all arrives."""

import os
from pathlib import Path

import anyio
import pytest

from mcp_mmretrieval.server.browse.streaming import CHUNK_BYTES
from tests.server.browse.serving import browsing

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("broken", ["cut off", "unreadable"])
async def test_a_recording_that_ends_while_it_is_sent_ends_the_connection_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    path = tmp_path / "large.wav"
    path.touch()
    os.truncate(path, 1 << 30)
    read = os.pread

    def unreadable(fd: int, count: int, at: int) -> bytes:
        if at:
            raise OSError(5, "Input/output error")
        return read(fd, count, at)

    async with browsing(recordings={"large.wav": (path, "audio/wav")}) as page:
        address = await page.ticket(await page.key(), "large.wav")
        async with await anyio.connect_tcp("127.0.0.1", page.port) as stream:
            if broken == "unreadable":
                monkeypatch.setattr(os, "pread", unreadable)
            await stream.send(f"GET {address} HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode())
            got = await stream.receive()
            if broken == "cut off":
                os.truncate(path, CHUNK_BYTES)
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                while True:
                    got += await stream.receive()
        assert got.startswith(b"HTTP/1.1 200") and got.count(b"HTTP/1.1") == 1
        assert len(got) < 1 << 30
        told = [record.getMessage() for record in caplog.records if record.name.startswith("mcp_mmretrieval")]
        assert told == (["a recording cannot be read on: Input/output error"] if broken == "unreadable" else [])
        assert (await page.request("GET", "/")).status == 200


async def test_who_leaves_in_the_middle_of_a_recording_is_not_read_for_any_further(tmp_path: Path) -> None:
    endless = tmp_path / "endless.wav"
    endless.touch()
    os.truncate(endless, 1 << 40)  # a terabyte of nothing: reading on would take longer than any test
    async with browsing(recordings={"endless.wav": (endless, "audio/wav")}) as page:
        address = await page.ticket(await page.key(), "endless.wav")
        async with await anyio.connect_tcp("127.0.0.1", page.port) as stream:
            await stream.send(f"GET {address} HTTP/1.1\r\nHost: {page.host}\r\nRange: bytes=0-\r\n\r\n".encode())
            assert (await stream.receive()).startswith(b"HTTP/1.1 206")
            assert page.answering == 1
        while page.answering:  # noqa: ASYNC110  the end of the connection brings it about
            await anyio.sleep(0.01)
