"""Messages between the engine and its index process: a header in JSON, then arrays as their raw bytes.

Both sides are ours, so nothing is checked here. A message is `<IQ` (bytes of the header, bytes of all arrays), the
header, the arrays; the header names their types and shapes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIZES = struct.Struct("<IQ")
_READ_BYTES = 1 << 18

Message = dict[str, Any]
Arrays = list[NDArray[Any]]


class Channel:
    """One end of a socket pair. Used by one thread at a time.

    `wait` is called after each `tick` seconds in which nothing came or went (None: never), and may raise. After that
    `receive` may be called again and goes on where it was; after a `send` that was broken off the channel is of no use.
    """

    def __init__(self, link: socket.socket, *, tick: float | None) -> None:
        link.settimeout(tick)
        self._link = link
        self._got = bytearray()
        """What has come of the next message."""

    def send(self, message: Message, *arrays: NDArray[Any], wait: Callable[[], None]) -> None:
        """Send a message. Raises OSError where the other side is gone, and what `wait` raises."""
        kept = [np.ascontiguousarray(each) for each in arrays]
        text = json.dumps({**message, "arrays": [(each.dtype.str, each.shape) for each in kept]}).encode()
        sizes = _SIZES.pack(len(text), sum(each.nbytes for each in kept))
        for piece in (sizes + text, *(each.tobytes() for each in kept)):
            view = memoryview(piece)
            while view:
                try:
                    view = view[self._link.send(view) :]
                except TimeoutError:
                    wait()

    def receive(self, *, wait: Callable[[], None]) -> tuple[Message, Arrays]:
        """The next message. Raises EOFError or OSError where the other side is gone, and what `wait` raises."""
        while (message := self._taken()) is None:
            try:
                data = self._link.recv(_READ_BYTES)
            except TimeoutError:
                wait()
                continue
            if not data:
                raise EOFError("the other side is gone")
            self._got += data
        return message

    def hang_up(self) -> None:
        """End the talk for both sides: who waits for a message gets EOFError. Any thread may."""
        with contextlib.suppress(OSError):  # the other side was faster
            self._link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up, and close the socket."""
        self._link.close()

    def _taken(self) -> tuple[Message, Arrays] | None:
        """The first message of what has come; None while it is not whole."""
        if len(self._got) < _SIZES.size:
            return None
        text, lump = _SIZES.unpack_from(self._got)
        at = _SIZES.size + text
        if len(self._got) < at + lump:
            return None
        message = json.loads(self._got[_SIZES.size : at])
        arrays = []
        for kind, shape in message.pop("arrays"):
            array = np.frombuffer(self._got, dtype=kind, count=int(np.prod(shape)), offset=at).reshape(shape).copy()
            arrays.append(array)
            at += array.nbytes
        self._got = self._got[at:]
        return message, arrays
