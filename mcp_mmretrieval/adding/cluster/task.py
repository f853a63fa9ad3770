"""What runs on a node: one file is opened, compared with what the engine saw, and read as the engine would read it.

Ray keeps the process from task to task, so parsers and models are started once in each.
"""

from __future__ import annotations

import functools
import json
import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from mcp_mmretrieval import __version__
from mcp_mmretrieval.adding.cluster.messages import (
    NodeUnfit,
    NotReadable,
    ReadOrder,
    SegmentsStaged,
    TaskAnswer,
    TextRead,
)
from mcp_mmretrieval.adding.reading import FileReader, FileToRead
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.config.sources import default_cache_path
from mcp_mmretrieval.errors import NotAllowed, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.readers import ReaderPool
from mcp_mmretrieval.roots import OpenFile, open_exactly
from mcp_mmretrieval.roots.digest import document_digest

logger = logging.getLogger(__name__)

INTERRUPTIBLE_SECONDS = 0.2
"""Seconds between two looks whether Ray has cancelled the task: it interrupts Python, but nothing that waits."""


def read_file(order: ReadOrder) -> Iterator[TaskAnswer]:
    """Read one file. What is wrong with the file or with this node is an answer too."""
    if order.version != __version__:
        yield NodeUnfit(f"has mcp-mmretrieval {__version__}, the engine {order.version}. Install the same there.", True)
        return
    with ExitStack() as opened:
        try:
            file, *sidecars = [opened.enter_context(open_exactly(path)) for path in (order.path, *order.sidecars)]
            document = document_digest(file, sidecars)
        except NotAllowed:
            yield _not_there(order.path)
            return
        except UnreadableMedia as error:
            yield NodeUnfit(f"cannot open it: {error}", False)
            return
        if document != order.document:
            yield NodeUnfit("has another file there. Mount the same storage there, under the same path.", False)
            return
        reader = _node_reader(json.dumps(dict(order.settings), sort_keys=True))
        if unlike := _unlike(reader, order):
            yield unlike
            return
        yield from _answers(reader, order, file, sidecars)


def _not_there(path: str) -> NodeUnfit:
    folder = str(Path(path).parent)
    if Path(folder).is_dir():
        return NodeUnfit("does not see it, though it sees its folder.", False)
    return NodeUnfit(f"does not see {folder}. Mount the storage there, under the same path.", True)


def _unlike(reader: FileReader, order: ReadOrder) -> NodeUnfit | None:
    """What keeps this node from reading as the engine would."""
    here = reader.identity
    unlike = [what for what in order.identity if here.get(what) != order.identity[what]]
    if not unlike:
        return None
    return NodeUnfit(f"has another model or version of {', '.join(unlike)}. Install there what the engine has.", True)


@functools.lru_cache(maxsize=1)
def _node_reader(settings: str) -> FileReader:
    """What reads in this process, by the engine's settings (JSON)."""
    cache = Path(default_cache_path())
    wanted = Settings(**{"library": cache / "ray", "cache": cache, **json.loads(settings)})
    return FileReader(Workers(wanted.limits, 1), ReaderPool(wanted, wanted.cache, InProcessLoader(wanted)))


def _answers(reader: FileReader, order: ReadOrder, file: OpenFile, sidecars: list[OpenFile]) -> Iterator[TaskAnswer]:
    """What comes of reading, in a thread of its own; where the task is cancelled, once that thread has ended."""
    answers: queue.SimpleQueue[TaskAnswer] = queue.SimpleQueue()
    stop = threading.Event()

    def read() -> None:
        try:
            text = reader.read(
                FileToRead(file, order.document, sidecars, order.left_out),
                staged=order.staged,
                stage=lambda ordinal, segments: answers.put(SegmentsStaged(ordinal, tuple(segments))),
                stop=stop,
            )
            answers.put(TextRead(text))
        except UnreadableMedia as error:
            if error.code == "model_missing":
                answers.put(NodeUnfit(str(error), True))
            else:
                answers.put(NotReadable(error.code, str(error)))
        except Exception:  # a bug, or Cancelled, for which nobody waits any more
            if not stop.is_set():
                logger.exception("%s: cannot be read", order.path)
            answers.put(NotReadable("internal", "An internal error; Ray's log of the task has the details."))

    thread = threading.Thread(target=read, name="read")
    thread.start()
    try:
        while True:
            try:
                answer = answers.get(timeout=INTERRUPTIBLE_SECONDS)
            except queue.Empty:
                continue
            yield answer
            if not isinstance(answer, SegmentsStaged):
                return
    finally:
        stop.set()
        thread.join()
