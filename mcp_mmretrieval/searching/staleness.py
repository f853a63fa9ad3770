"""Which files of an answer changed since they were read. A drive that hangs keeps no answer waiting."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable

from mcp_mmretrieval.roots import changed_ns
from mcp_mmretrieval.store import File

STALENESS_SECONDS = 0.2
"""Seconds that an answer waits for the disk to say so; what it did not say by then counts as unchanged."""


class StalenessCheck:
    """Asks the disk in a thread of its own, and not again while that hangs. Thread-safe."""

    def __init__(self) -> None:
        self._asking: threading.Thread | None = None

    def stale(self, files: Iterable[File]) -> set[str]:
        """Paths of those that have another size or time now, or lie there no more."""
        if self._asking is not None and self._asking.is_alive():
            return set()
        found: list[str] = []
        asked = {file.path: file for file in files}
        thread = threading.Thread(
            target=lambda: found.extend(path for path, file in asked.items() if _differs(file)),
            name="staleness",
            daemon=True,
        )
        thread.start()
        thread.join(STALENESS_SECONDS)
        if thread.is_alive():
            self._asking = thread
        return {*found}


def _differs(file: File) -> bool:
    try:
        state = os.stat(file.path)  # noqa: PTH116 - every byte of a path counts
    except OSError:
        return True
    return (state.st_size, changed_ns(state)) != (file.size, file.mtime_ns)
