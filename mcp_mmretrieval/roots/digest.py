"""What names a document: the SHA-256 of its bytes. Ends early for who does not wait, and for a file that grows."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence

from mcp_mmretrieval.errors import Cancelled, UnreadableMedia
from mcp_mmretrieval.roots import OpenFile

_BLOCK = 1 << 20


def document_digest(file: OpenFile, sidecars: Sequence[OpenFile] = (), *, stop: threading.Event | None = None) -> str:
    """SHA-256 in hex of a file's bytes; each sidecar follows with its length (8 bytes, big-endian) in front.

    Raises UnreadableMedia where a file changed since it was opened, as soon as more was read than it held then;
    Cancelled within a mebibyte after `stop` is set.
    """
    total = hashlib.sha256()
    _feed(total, file, stop)
    for sidecar in sidecars:
        total.update(sidecar.size.to_bytes(8, "big"))
        _feed(total, sidecar, stop)
    return total.hexdigest()


def _feed(total: hashlib._Hash, file: OpenFile, stop: threading.Event | None) -> None:
    """Add the file's bytes to a digest. Reads by offset: all copies of the descriptor share one position."""
    read = 0
    while read <= file.size and (block := os.pread(file.fd, _BLOCK, read)):
        if stop is not None and stop.is_set():
            raise Cancelled("Stopped while a file was hashed.")
        total.update(block)
        read += len(block)
    if read != file.size or not file.unchanged:
        raise UnreadableMedia("changed_while_read", f"{file.path}: changed while it was read. Add it again.")
