"""What lives as long as a library is open: its store, models, workers and threads."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from mcp_mmretrieval.adding.embedding import EmbeddingThread
from mcp_mmretrieval.adding.figures import FigureThread
from mcp_mmretrieval.adding.files import DocumentAdder
from mcp_mmretrieval.adding.reading import FileReader
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.adding.walk import walked_folders
from mcp_mmretrieval.adding.watching import FolderWatcher
from mcp_mmretrieval.concurrency.fair_share import FairSemaphore
from mcp_mmretrieval.concurrency.foreground import foreground_is_busy
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, UnreadableMedia
from mcp_mmretrieval.jobs import AddRequest, Job
from mcp_mmretrieval.jobs.history import JobHistory
from mcp_mmretrieval.media.office.slides.drawn import DrawnSlides
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import LibraryModels, weights
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.process.remote import process_pool
from mcp_mmretrieval.rollout import Rollout
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.readable import ReadableFiles
from mcp_mmretrieval.searching.scoring import ScoringCosts
from mcp_mmretrieval.store import Store
from mcp_mmretrieval.targets import ConnectionView

if TYPE_CHECKING:
    from mcp_mmretrieval.adding.cluster.reader import ClusterFileReader

logger = logging.getLogger(__name__)

REST_EVERY_SECONDS = 10.0
"""Seconds between two looks whether models, and what was freed, can leave the memory."""

WORKER_IDLE_SECONDS = 60.0
"""Seconds after which a parser without work ends: a new one is there in less than one."""


class OpenedLibrary:
    """What lives as long as a library is open, wired together: who is told of what stands here and nowhere else."""

    def __init__(self, settings: Settings, models: LibraryModels | None) -> None:
        with ExitStack() as failing:  # a library that is not opened is not kept locked
            store = failing.enter_context(Store.open(settings.library, settings.index_server))
            weights.remove_copies(settings.library, settings.cache)
            models = models or process_pool(settings)
            failing.callback(models.close)
            workers = Workers(settings.limits, settings.workers)
            reader = FileReader(workers, models)
            self._cluster = _cluster_of(settings, reader)
            rollout = Rollout(store.catalog, models, settings, on_change=lambda: self.embedding.wake())
            self.shared = SharedResources(
                settings=settings,
                store=store,
                models=models,
                workers=workers,
                slides=DrawnSlides(wanted=settings.slide_pictures),
                reader=reader,
                bulk_reader=self._cluster or reader,
                rollout=rollout,
                fair_share=FairSemaphore(settings.ray_files if self._cluster else settings.workers),
            )
            self.costs = ScoringCosts()
            self.embedding = EmbeddingThread(store.catalog, rollout, workers, settings.sound_s)
            self.jobs = JobHistory(store.catalog, self._add)
            self.figures = FigureThread(
                store.catalog, models, workers, lambda: self.jobs.working or self.embedding.working
            )
            try:
                store.catalog.purge_vanished()
            except LibraryUnavailable as error:  # a full disk: the next start does it
                logger.warning("what vanished long ago is not forgotten yet: %s", error)
            self.watcher = FolderWatcher(
                self.jobs.start,
                self.jobs.forget,
                lambda roots: ReadableFiles(roots, settings.library),
                lambda roots, folder: walked_folders(roots, folder, library=settings.library),
                expect=self._expect_files,
            )
            self._closed = threading.Event()
            self.embedding.start()
            self.figures.start()
            threading.Thread(target=self._rest, name="rest", daemon=True).start()
            rollout.start()
            failing.pop_all()

    def view(self, roots: Roots) -> ConnectionView:
        """What a connection with these roots sees."""
        settings = self.shared.settings
        files = ReadableFiles(roots, settings.library, settings.limits.file_bytes)
        return ConnectionView(self.shared.catalog, files)

    def adder(self, view: ConnectionView) -> DocumentAdder:
        """What adds for one connection."""
        return DocumentAdder(self.shared, view, on_commit=self.embedding.wake)

    def close(self) -> None:
        """In the order of the data's way in, so that nothing is handed to what is closed already."""
        self._closed.set()
        self.watcher.close()
        self.jobs.close()
        if self._cluster is not None:
            self._cluster.close()
        self.shared.models.close()
        self.figures.close()
        self.embedding.close()
        self.shared.slides.close()
        self.shared.workers.close()
        self.shared.store.close()

    def _add(self, job: Job, asked: AddRequest, roots: Roots) -> None:
        """One job's work."""
        adder = self.adder(self.view(roots))
        if asked.watched:
            adder.changed(job, asked.paths, self.watcher.waits)
        elif asked.text is not None:
            adder.text(job, asked.text, asked.title or "", dry_run=asked.dry_run)
        else:
            adder.files(job, asked.paths, dry_run=asked.dry_run)
        self.embedding.wake(again=True)
        self.figures.wake()

    def _expect_files(self) -> None:
        """Have a parser ready by the time that what changes is at rest."""
        with suppress(Cancelled, UnreadableMedia):  # who reads is told
            self.shared.workers.warm()

    def _rest(self) -> None:
        """Let models that nobody uses leave the memory, and what was removed the file, until the library is closed."""
        heap = memory.GrownHeap()
        while not self._closed.wait(REST_EVERY_SECONDS):
            self.shared.models.rest()
            self.shared.workers.rest(WORKER_IDLE_SECONDS)
            if self._cluster is not None:
                self._cluster.rest()
            heap.trim()
            with suppress(LibraryUnavailable):  # a full disk, which who wants to write is told
                if self._at_rest():
                    self.shared.catalog.tidy(self._at_rest)

    def _at_rest(self) -> bool:
        """Whether nobody waits and nothing is being added."""
        busy = self._closed.is_set() or self.jobs.working or self.embedding.working or foreground_is_busy()
        return not busy


def _cluster_of(settings: Settings, home: FileReader) -> ClusterFileReader | None:
    """What reads on the Ray cluster that the settings name; connected by the first file."""
    if not settings.ray:
        return None
    from mcp_mmretrieval.adding.cluster.process import ClusterProcess  # few need it
    from mcp_mmretrieval.adding.cluster.reader import ClusterFileReader

    return ClusterFileReader(ClusterProcess(settings.ray, settings.ray_token_file), home, settings)
