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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

FrameHeader = dict[str, Any]

MAX_INLINE_BYTES = 32_768
"""Bytes that go through the socket: making and mapping a file costs more than copying them."""
_PREFIX = struct.Struct("<IQ")
_TIME = struct.Struct("@ll")
"""Seconds and microseconds, as the system takes them."""
_SHARED = "shared"


class NotReceived(MemoryError):
    """The bytes of a frame could not be taken, for want of memory or descriptors. The next frame can be."""

    def __init__(self, reason: object, header: FrameHeader) -> None:
        super().__init__(str(reason))
        self.header = header
        """What the frame said."""


class FrameSocket:
    """One end of the socket between the two processes. Any thread may send; one receives."""

    def __init__(self, link: socket.socket, *, patience: float = 0.0) -> None:
        """`patience`: seconds after which it hangs up on another side that takes nothing any more; 0: never."""
        if patience:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIME.pack(*divmod(int(patience * 1e6), 10**6)))
        self._link = link
        self._sending = threading.Lock()

    def send(self, header: FrameHeader, buffers: Sequence[memoryview] = ()) -> None:
        """Send a header with bytes, one buffer after the other.

        Raises OSError when the other side is gone; MemoryError, with nothing sent, where no memory can be shared.
        """
        size = sum(buffer.nbytes for buffer in buffers)
        if size <= MAX_INLINE_BYTES:
            self._send(header, b"".join(buffers), ())
            return
        with _shared_file(buffers) as shared:
            self._send(header | {_SHARED: size}, b"", (shared,))

    def receive(self) -> tuple[FrameHeader, memoryview]:
        """The next header and its bytes, which the receiver may write to.

        Raises EOFError and OSError when the other side is gone; NotReceived where what it shares cannot be mapped.
        """
        head, descriptors = self._receive_prefix()
        try:
            header_size, inline_size = _PREFIX.unpack(head)
            header: FrameHeader = json.loads(self._receive_exactly(header_size))
            inline = self._receive_exactly(inline_size)
            size = header.pop(_SHARED, 0)
            if not size:
                return header, memoryview(inline)
            if not descriptors:
                raise NotReceived("too many open files", header)
            try:
                return header, memoryview(mmap.mmap(descriptors[0], size))
            except OSError as error:
                raise NotReceived(f"no memory to share: {error}", header) from error
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
            try:
                sent = socket.send_fds(self._link, [head], descriptors)  # descriptors travel with the first byte
                self._link.sendall(head[sent:] + text + inline)
            except BlockingIOError:  # half a frame may have gone
                self.close()
                raise

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


@contextmanager
def _shared_file(buffers: Sequence[memoryview]) -> Iterator[int]:
    """A descriptor of a new file that holds the buffers. Raises MemoryError."""
    with ExitStack() as made:
        try:
            shared = _anonymous_file()
            made.callback(os.close, shared)
            for buffer in buffers:
                _write(shared, buffer)
        except OSError as error:  # which would say that the other side is gone
            raise MemoryError(f"no memory to share: {error}") from error
        yield shared


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
