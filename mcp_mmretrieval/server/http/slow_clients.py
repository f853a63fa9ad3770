"""HTTP connections that neither a slow sender nor a reader who stopped reading can hold for ever.

uvicorn bounds neither the time until a request's head has arrived, nor the time that written bytes wait to be taken,
nor the number of connections. An ASGI app can do nothing about them: it runs after the head, and closing a connection
still waits for its written bytes. The protocol knows, so it is the protocol that cuts the line. The app then hears
http.disconnect, as when the client leaves.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import struct

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
"""Seconds from the first byte of a request, or from the connection, until the request's head is complete."""
STALL_SECONDS = 60.0
"""Seconds that written bytes may wait until the client takes more."""
PACE_BYTES = 64 * 1024
"""Bytes that the client must take in that time: one byte a minute is not reading."""


def max_connections() -> int:
    """Half of the files that this process may have open: nobody outside takes those that the library needs."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4_096 if limit == resource.RLIM_INFINITY else max(16, min(4_096, limit // 2))


class PacedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a clock on both directions, and with errors in JSON like all others here."""

    head_seconds = HEAD_SECONDS
    stall_seconds = STALL_SECONDS
    most = staticmethod(max_connections)

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that writing is paused while a single byte waits
        self._expect_head(True)
        if len(self.connections) > self.most():
            others = (
                each for each in self.connections if isinstance(each, PacedProtocol) and each is not self and each.idle
            )
            next(others, self).cut()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered: connections that ask for nothing make room for others."""
        return self.cycle is None or self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_head(False)
        self._expect_reading(False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_head(self.conn.their_state is h11.IDLE and not self.transport.is_closing())

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:  # also a request that was sent ahead, while another was answered
            self._expect_head(False)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading(True)

    def resume_writing(self) -> None:
        self._expect_reading(False)
        super().resume_writing()

    def _expect_head(self, expected: bool) -> None:
        """Start the clock, unless it runs already; or stop it."""
        if expected and self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self.cut)
        elif not expected and self._head is not None:
            self._head.cancel()
            self._head = None

    def _expect_reading(self, expected: bool) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if expected:
            waits = self.transport.get_write_buffer_size()
            self._stall = self.loop.call_later(self.stall_seconds, self._look, waits)

    def _look(self, waited: int) -> None:
        """Whether the client took enough of what waited at the last look."""
        if waited - self.transport.get_write_buffer_size() < PACE_BYTES:
            self.cut()
        else:
            self._expect_reading(True)

    def cut(self) -> None:
        """End the connection, whatever still waits to be written: here, and in the kernel, which would keep it."""
        if (sock := self.transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # in the middle of an answer
            self.cut()
            return
        body = json.dumps({"error": "This cannot be read as an HTTP/1.1 request; check how the client sends it."})
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        events: tuple[h11.Event, ...] = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body.encode()),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
