"""The index process: Chroma, for one engine, over a socket. Run as a program by `index_process`.

It takes one request after the other, each with an `id` that its answer bears. It ends when the engine hangs up, which
it does at the latest when it ends.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.channel import Arrays, Channel, Message
from mcp_mmretrieval.store.chroma import Chroma, ChromaFailed
from mcp_mmretrieval.store.index_soundness import bounded, suspicious, unlike

ORPHAN_SECONDS = 10.0
"""Seconds after the end of the engine in which a running step may end, so that Chroma's files stay whole."""


class IndexWorker:
    """Does what the engine asks for."""

    def __init__(self) -> None:
        self._chroma: Chroma | None = None

    def answer(self, message: Message, arrays: Arrays) -> tuple[Message, Arrays]:
        """Do one request. What went wrong with Chroma is an answer too."""
        try:
            found: tuple[Message, Arrays] | None = getattr(self, f"_{message['do']}")(*message["with"], *arrays)
        except (ChromaFailed, LibraryUnavailable) as error:
            found = {"error": str(error)}, []
        told, given = found or ({}, [])
        return {**told, "id": message["id"]}, given

    def leave(self) -> None:
        """Close Chroma, if it is open still."""
        if self._chroma is not None:
            with contextlib.suppress(ChromaFailed):
                self._chroma.close()

    def _ping(self) -> None:
        """Show that requests are answered."""

    def _begin(self, folder: str, sync_threshold: int) -> None:
        self._chroma = Chroma(Path(folder), fresh=True, sync_threshold=sync_threshold)

    def _open(self, folder: str, catalog: str, sync_threshold: int, sample: bool) -> tuple[Message, Arrays]:
        """Open what is there if it is sound, and read it in; else tell what is wrong with it."""
        place = Path(folder)
        if found := suspicious(place):
            return {"problem": found}, []
        held = Catalog(Path(catalog))
        try:
            with bounded(place):
                self._chroma = Chroma(place, sync_threshold=sync_threshold)
                return {"problem": unlike(self._chroma, held, sample=sample)}, []
        finally:
            held.close()

    def _upsert(self, space: int, kind: str, keys: Any, vectors: Any) -> None:
        self._opened.upsert(space, kind, keys, vectors)

    def _delete(self, space: int, kind: str, keys: Any) -> None:
        self._opened.delete(space, kind, keys)

    def _drop(self, space: int) -> None:
        self._opened.drop(space)

    def _nearest(self, space: int, kind: str, depth: int, vector: Any) -> tuple[Message, Arrays]:
        return {}, list(self._opened.nearest(space, kind, vector, depth))

    def _close(self, folder: str) -> None:
        """Write out and close, so that all of it lies on the disk when this returns."""
        self._opened.close()
        self._chroma = None
        for parent, _, names in os.walk(folder):
            for name in (".", *names):
                file = os.open(os.path.join(parent, name), os.O_RDONLY)  # noqa: PTH118
                try:
                    os.fsync(file)
                finally:
                    os.close(file)

    @property
    def _opened(self) -> Chroma:
        if self._chroma is None:
            raise ChromaFailed("the index is not open")
        return self._chroma


def main() -> None:
    """Serve until the engine hangs up."""
    threading.Thread(target=_end_with_engine, daemon=True).start()
    worker = IndexWorker()
    channel = Channel(socket.socket(fileno=int(sys.argv[1])), tick=None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            answer, arrays = worker.answer(*channel.receive(wait=_never))
            channel.send(answer, *arrays, wait=_never)
    worker.leave()
    os._exit(0)  # without Chroma's threads having a say


def _never() -> None:
    """What a channel without a tick calls."""


def _end_with_engine() -> None:
    """End, even amid a step that hangs. The standard input is a pipe that closes when the engine ends."""
    sys.stdin.buffer.read()
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
