"""What all connections to one library share, and both lines of work need."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_mmretrieval.adding.reading import FileReader, ReadsFiles
from mcp_mmretrieval.concurrency.fair_share import FairSemaphore
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.media.office.slides.drawn import DrawnSlides
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import LibraryModels
from mcp_mmretrieval.rollout import Rollout
from mcp_mmretrieval.store import Catalog, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedResources:
    """Made once when a library is opened. What one connection sees stands beside it: `targets.ConnectionView`."""

    settings: Settings
    store: Store
    models: LibraryModels
    workers: Workers
    """The processes that decode files."""
    slides: DrawnSlides
    """Slides as pictures, where they can be drawn."""
    reader: FileReader
    """Reads here: texts that are given as such, and files by way of trial."""
    bulk_reader: ReadsFiles
    """Reads the files that are added: the same one, or a Ray cluster."""
    rollout: Rollout
    """Which embedder answers, and which is wanted."""
    fair_share: FairSemaphore
    """Turns to read, for the jobs that run side by side."""

    @property
    def catalog(self) -> Catalog:
        """What the library holds."""
        return self.store.catalog
