"""Frames between the engine and a model process: headers, bytes in the socket, bytes in shared memory."""

import errno
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from mcp_mmretrieval.models.process.frames import MAX_INLINE_BYTES, FrameHeader, FrameSocket


@pytest.fixture
def ends() -> Iterator[tuple[FrameSocket, FrameSocket]]:
    one, other = (FrameSocket(link) for link in socket.socketpair())
    yield one, other
    one.close()
    other.close()


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("size", [0, 1, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1, 3_000_000])
def test_what_is_sent_arrives_whole_whether_few_bytes_or_many(ends: tuple[FrameSocket, FrameSocket], size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    before = open_descriptors()
    ends[0].send({"id": 7, "text": "größer \ud800"}, [data[: size // 3].data, data[size // 3 :].data])
    header, received = ends[1].receive()
    assert header == {"id": 7, "text": "größer ?"}
    assert bytes(received) == data.tobytes()
    del received
    assert open_descriptors() == before


def test_many_threads_may_send_at_once(ends: tuple[FrameSocket, FrameSocket]) -> None:
    def send(number: int) -> None:
        for length in (10, MAX_INLINE_BYTES + number):
            ends[0].send({"number": number, "length": length}, [memoryview(bytes([number]) * length)])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    found: list[FrameHeader] = []
    for _ in range(16):
        header, data = ends[1].receive()
        assert bytes(data) == bytes([header["number"]]) * header["length"]
        found.append(header)
    for thread in threads:
        thread.join(60)
    assert len({(header["number"], header["length"]) for header in found}) == 16


def test_the_receiver_may_write_to_what_arrived(ends: tuple[FrameSocket, FrameSocket]) -> None:
    for size in (10, MAX_INLINE_BYTES + 1):
        ends[0].send({}, [memoryview(bytes(size))])
        _, data = ends[1].receive()
        np.frombuffer(data, np.uint8)[0] = 9
        assert data[0] == 9


def test_the_end_of_one_side_is_told_to_the_other(ends: tuple[FrameSocket, FrameSocket]) -> None:
    ends[0].close()
    with pytest.raises(EOFError):
        ends[1].receive()
    with pytest.raises(OSError, match=r"."):
        ends[1].send({})


def test_want_of_memory_to_share_is_not_taken_for_the_end_of_the_other_side(
    ends: tuple[FrameSocket, FrameSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_descriptors()
    many = memoryview(bytes(MAX_INLINE_BYTES + 1))
    with monkeypatch.context() as short:
        short.setattr(os, "write", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(MemoryError, match="No space left"):
            ends[0].send({"id": 1}, [many])
    assert open_descriptors() == before
    ends[0].send({"id": 2}, [many])
    assert ends[1].receive()[0] == {"id": 2}


def test_a_file_for_which_the_receiver_has_no_descriptor_left_is_told(ends: tuple[FrameSocket, FrameSocket]) -> None:
    text = b'{"shared":40000}'
    ends[0]._link.sendall(struct.pack("<IQ", len(text), 0) + text)
    with pytest.raises(MemoryError, match="too many open files"):
        ends[1].receive()
