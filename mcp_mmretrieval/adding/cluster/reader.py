"""Reads files on the nodes of a Ray cluster; what comes back is what reading them here gives.

Ray tries nothing again: here is counted. A file whose process or node dies goes to another node, three times at most;
one that a node cannot read goes to each other one, once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mcp_mmretrieval import __version__
from mcp_mmretrieval.adding.cluster.messages import (
    ClusterAnswer,
    ClusterNode,
    NodeUnfit,
    NotReadable,
    ReadOrder,
    SegmentsStaged,
    TaskLost,
    TextRead,
)
from mcp_mmretrieval.adding.cluster.process import ClusterProcess, DriverGone
from mcp_mmretrieval.adding.reading import FileReader, FileText, FileToRead, StageSegments
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Cancelled, ClusterUnavailable, UnreadableMedia
from mcp_mmretrieval.types import Segment

logger = logging.getLogger(__name__)

MAX_TASK_DEATHS = 3
"""Tasks that one file may cost."""
MAX_DRIVER_DEATHS = 3
"""Times that the cluster may be lost before a file was read in between."""
MAX_BYTES_UNDER_WAY = 4_000_000_000
"""Bytes of the files that are read at a time, but for one that is larger by itself: their text is held here."""

READING_SETTINGS = (
    "ocr",
    "speech",
    "device",
    "dtype",
    "attention",
    "memory_share",
    "batch_s",
    "model_kwargs",
    "processor_kwargs",
    "trust_remote_code",
    "max_file_mb",
    "max_pixels_mp",
    "max_pages",
    "max_hours",
    "max_frames",
    "worker_memory_mb",
    "part_timeout_s",
    "file_timeout_s",
)
"""What of the engine's settings reading depends on. A task has one thread, as it has one processor."""


class ClusterFileReader:
    """See `adding.reading.ReadsFiles`. Any thread may call."""

    def __init__(self, process: ClusterProcess, home: FileReader, settings: Settings) -> None:
        """`home`: what would read here, by whose identity the nodes read too."""
        self._process = process
        self._home = home
        self._at_once = settings.ray_files
        self._settings = {**settings.model_dump(mode="json", include=set(READING_SETTINGS)), "threads": 1}
        self._room = BytesUnderWay(MAX_BYTES_UNDER_WAY)
        self._driver_deaths = 0

    def at_once(self, *, suspicious: bool) -> int:
        """See `ReadsFiles.at_once`: no file ends the engine from there."""
        return self._at_once

    def read(
        self,
        source: FileToRead,
        *,
        staged: Sequence[Segment] = (),
        stage: StageSegments | None = None,
        stop: threading.Event | None = None,
    ) -> FileText:
        """See `ReadsFiles.read`. Also raises ClusterUnavailable."""
        stop = stop or threading.Event()
        with self._room.taken(source.file.size, stop):
            return self._anywhere(source, list(staged), stage, stop)

    def rest(self) -> None:
        """Let go of the cluster after a while without a file."""
        self._process.rest()

    def close(self) -> None:
        """Let go of the cluster."""
        self._process.close()

    def _anywhere(
        self, source: FileToRead, staged: list[Segment], stage: StageSegments | None, stop: threading.Event
    ) -> FileText:
        """Read on one node after the other, as far as it takes."""
        tries = _FileTries(source.file.path, staged, stage)
        while True:
            order = self._order(source, staged)
            try:
                for node, answer in self._process.read(order, tries.unfit, tries.lost, stop):
                    if node is None:
                        raise self._nowhere(source.file.path, list(tries.unfit.values()))
                    if (text := tries.took(node, answer)) is not None:
                        self._driver_deaths = 0
                        return text
            except DriverGone as error:
                self._driver_deaths += 1
                if self._driver_deaths >= MAX_DRIVER_DEATHS:
                    raise ClusterUnavailable(
                        f"{self._process.address}: the Ray cluster was lost {MAX_DRIVER_DEATHS} times. What was added "
                        "stays. Look how it is (`ray status`), then add again, or leave --ray out."
                    ) from error

    def _order(self, source: FileToRead, staged: Sequence[Segment]) -> ReadOrder:
        return ReadOrder(
            path=source.file.path,
            document=source.document,
            sidecars=tuple(one.path for one in source.sidecars),
            left_out=tuple(source.left_out),
            staged=tuple(staged),
            settings=self._settings,
            identity=dict(self._home.identity),
            version=__version__,
        )

    def _nowhere(self, path: str, unfit: list[tuple[str, NodeUnfit]]) -> Exception:
        """Why no node reads a file: the cluster is to blame where none can read any."""
        address = self._process.address
        if not unfit:
            return ClusterUnavailable(
                f"{address}: no node of the Ray cluster has a processor for us. Start one: ray start "
                f"--address={address}"
            )
        said = "; ".join(f"node {name} {one.reason.rstrip('.')}" for name, one in unfit)
        if all(one.all_files for _, one in unfit):
            return ClusterUnavailable(f"{address}: no node of the Ray cluster can read {path}: {said}.")
        return UnreadableMedia("not_found_or_not_allowed", f"no node of the Ray cluster can read it: {said}.")


class _FileTries:
    """What came of one file on the nodes so far."""

    def __init__(self, path: str, staged: list[Segment], stage: StageSegments | None) -> None:
        """`staged` grows."""
        self._path = path
        self._staged = staged
        self._stage = stage
        self.unfit: dict[str, tuple[str, NodeUnfit]] = {}
        """Nodes that cannot read it, by id: their name and why."""
        self.lost: dict[str, str] = {}
        """Nodes on which a task died, by id: how, for a person."""
        self._deaths = 0

    def took(self, node: ClusterNode, answer: ClusterAnswer) -> FileText | None:
        """What was read, if the answer is that. Raises UnreadableMedia where it is the end."""
        match answer:
            case TextRead(text):
                return text
            case SegmentsStaged(ordinal, segments):
                self._staged[ordinal:] = segments
                if self._stage is not None:
                    self._stage(ordinal, segments)
            case NotReadable(code, reason):
                raise UnreadableMedia(code, reason)
            case NodeUnfit():
                self.unfit[node.id] = (node.name, answer)
            case TaskLost(reason, begun):
                self._deaths += begun
                self.lost[node.id] = f"on {node.name} {reason}"
                logger.info("%s: %s", self._path, self.lost[node.id])
                if self._deaths == MAX_TASK_DEATHS:
                    raise UnreadableMedia("parser_crashed", self._given_up())
        return None

    def _given_up(self) -> str:
        return (
            f"could not be read on the Ray cluster in {self._deaths} tries: {'; '.join(self.lost.values())}. Add it "
            "without --ray to see whether it can be read here, or leave it out (.mmretrievalignore)."
        )


class BytesUnderWay:
    """Room for files of so many bytes together. Who comes first gets in first; the largest file gets in alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._first = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int, stop: threading.Event) -> Iterator[None]:
        """Room for a file. Raises Cancelled."""
        while not self._first.acquire(timeout=0.2):
            _check(stop)
        try:
            with self._changed:
                while self._taken and self._taken + size > self._most:
                    _check(stop)
                    self._changed.wait(0.2)
                self._taken += size
        finally:
            self._first.release()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("Stopped.")
