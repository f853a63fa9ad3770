"""Frames between the engine and a model process: a header in JSON, and bytes in shared memory.

A frame is `<IQ` (sizes of header and inline bytes), the header, the bytes. Many bytes (pictures, sound, vectors) do not
go through the socket: they lie in an anonymous file that the sender has written and the receiver maps, and its
descriptor travels with the frame. So a picture is copied once on its way and never pickled.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

FrameHeader = dict[str, Any]

MAX_INLINE_BYTES = 32_768
"""Bytes that go through the socket: making and mapping a file costs more than copying them."""
_PREFIX = struct.Struct("<IQ")
_SHARED = "shared"


class FrameSocket:
    """One end of the socket between the two processes. Any thread may send; one receives."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._sending = threading.Lock()

    def send(self, header: FrameHeader, buffers: Sequence[memoryview] = ()) -> None:
        """Send a header with bytes, one buffer after the other. Raises OSError when the other side is gone."""
        size = sum(buffer.nbytes for buffer in buffers)
        if size <= MAX_INLINE_BYTES:
            self._send(header, b"".join(buffers), ())
            return
        shared = _anonymous_file()
        try:
            for buffer in buffers:
                _write(shared, buffer)
            self._send(header | {_SHARED: size}, b"", (shared,))
        finally:
            os.close(shared)

    def receive(self) -> tuple[FrameHeader, memoryview]:
        """The next header and its bytes, which the receiver may write to. Raises EOFError, and OSError."""
        head, descriptors = self._receive_prefix()
        try:
            header_size, inline_size = _PREFIX.unpack(head)
            header: FrameHeader = json.loads(self._receive_exactly(header_size))
            inline = self._receive_exactly(inline_size)
            size = header.pop(_SHARED, 0)
            if not size:
                return header, memoryview(inline)
            return header, memoryview(mmap.mmap(descriptors[0], size))  # lives as long as somebody looks at it
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def close(self) -> None:
        """Hang up: the other side, and a thread that receives here, learn of it at once."""
        with suppress(OSError):  # the other side has hung up before
            self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()

    def _send(self, header: FrameHeader, inline: bytes, descriptors: Sequence[int]) -> None:
        # half characters (lone surrogates), which UTF-8 has not, become question marks
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        head = _PREFIX.pack(len(text), len(inline))
        with self._sending:
            sent = socket.send_fds(self._link, [head], descriptors)  # descriptors travel with the first byte
            self._link.sendall(head[sent:] + text + inline)

    def _receive_prefix(self) -> tuple[bytes, list[int]]:
        head, descriptors = b"", list[int]()
        while len(head) < _PREFIX.size:
            some, more, _, _ = socket.recv_fds(self._link, _PREFIX.size - len(head), 1)
            if not some:
                raise EOFError
            head += some
            descriptors += more
        return head, descriptors

    def _receive_exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            count = self._link.recv_into(view)
            if not count:
                raise EOFError
            view = view[count:]
        return data


def _anonymous_file() -> int:
    """A descriptor of a new file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("mmretrieval", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(descriptor: int, buffer: memoryview) -> None:
    left = buffer.cast("B") if buffer.nbytes else buffer
    while left.nbytes:
        left = left[os.write(descriptor, left) :]
