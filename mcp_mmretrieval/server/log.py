"""The engine's log: a file that does not grow for ever, and that also takes what libraries print."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler

from mcp_mmretrieval.front.reaching import open_own_log
from mcp_mmretrieval.server.tools.sanitize import sanitize_text

_LOG_BYTES, _LOG_FILES = 1_000_000, 3


class EntryFormatter(logging.Formatter):
    """An entry as text without hidden characters. What follows its first line is indented, so that a file's name or a
    parser's last words cannot look like an entry.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return sanitize_text(super().format(record)).replace("\n", "\n  ")


class _File(RotatingFileHandler):
    """A rotating log that also takes what libraries print."""

    def __init__(self, path: str) -> None:
        super().__init__(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8")
        self._take_over()

    def _open(self) -> TextIOWrapper:
        return os.fdopen(open_own_log(self.baseFilename), "a", encoding=self.encoding)

    def doRollover(self) -> None:
        super().doRollover()
        self._take_over()

    def _take_over(self) -> None:
        for number in (1, 2):
            if self.stream is not None:
                os.dup2(self.stream.fileno(), number)


def log_to_file(path: str) -> None:
    """Log to the file, or to stderr where it cannot be written. Before a server is made: the SDK would add its own."""
    try:
        handler: logging.Handler = _File(path)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(EntryFormatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    for chatty in ("mcp", "httpx2"):  # an entry for each request
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a full disk must not stop the engine
