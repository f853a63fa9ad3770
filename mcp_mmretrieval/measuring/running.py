"""One measurement from beginning to end: load the models as the library does, measure row by row, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from mcp_mmretrieval.measuring import plan
from mcp_mmretrieval.measuring.plan import Caps, Task
from mcp_mmretrieval.measuring.report import Machine, Report, Row, machine, rows
from mcp_mmretrieval.models import threads
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.profiles import Profile, RerankerSpec
from mcp_mmretrieval.settings import Settings

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder, Reranker

SECONDS = {"quick": 0.3, "usual": 1.2, "full": 5.0}
"""That each row is measured for, by how thorough it is to be."""
_PIXELS, _FRAME_PIXELS = 1_000_000, 300_000
"""Of a picture and a frame where no record says: what the library's own pictures of pages have, about."""


class Run:
    """The models of some settings, loaded and ready to be measured."""

    def __init__(self, settings: Settings, profile: Profile, models: Models, *, random_weights: bool = False) -> None:
        """Loads them. Raises ModelUnavailable. `random_weights`: whether they are untrained, which the report says."""
        began = time.perf_counter()
        self.embedder: Embedder = models.embedder()
        self.reranker: Reranker | None = models.reranker()
        self.loading_s = time.perf_counter() - began
        """Seconds that took."""
        self._settings = settings
        self._profile = profile
        self._random = random_weights
        self._caps = caps(settings, profile)

    def machine(self) -> Machine:
        """What it runs on, its own speed measured."""
        device = "cpu" if self._profile.embedder is None else _device(self._settings.device)
        return machine(device, str(self.embedder.identity["dtype"]), threads.budget(self._settings.threads))

    def rows(self, on: Machine, thorough: str, seconds: float, told: Callable[[Task], object]) -> Iterator[Row]:
        """Measure, a row after the other. `told` hears of each before it begins."""
        tasks = plan.tasks(self.embedder, self.reranker, self._caps, plan.SHARES[thorough])
        return rows(tasks, on, seconds, told=told)

    def report(self, on: Machine, found: Iterable[Row], seconds: float) -> Report:
        """All that was found."""
        measured = tuple(found)
        return Report(
            profile=self._profile.name,
            embedder=self.embedder.identity,
            reranker=self.reranker.name if self.reranker is not None else "",
            random_weights=self._random,
            loading_s=self.loading_s,
            seconds=seconds,
            caps=asdict(self._caps),
            machine=on,
            rows=measured,
            notes=tuple(_notes(measured, self._settings)),
        )


def caps(settings: Settings, profile: Profile) -> Caps:
    """How much the models get to see of a thing."""
    embedder, reranker = profile.embedder, _reranker(settings, profile)
    return Caps(
        pixels=settings.model_pixels or (embedder.pixels if embedder else _PIXELS),
        frame_pixels=embedder.frame_pixels if embedder else _FRAME_PIXELS,
        rerank_pixels=settings.model_pixels or (reranker.pixels if reranker else _PIXELS),
        sound_s=settings.sound_s,
        depth=settings.rerank_depth,
    )


def _reranker(settings: Settings, profile: Profile) -> RerankerSpec | None:
    return profile.reranker if settings.reranker == "profile" else None


def _device(asked: str) -> str:
    """As torch names it."""
    from mcp_mmretrieval.models import effort

    return effort.devices()[0] if asked == "auto" else asked


def _notes(found: Iterable[Row], settings: Settings) -> Iterator[str]:
    """What follows for a search."""
    for row in found:
        if row.part != "reranking" or not row.items or row.share != 1:
            continue
        fits = int(settings.rerank_s * row.per_second)
        told = f"{min(fits, settings.rerank_depth)} of the {settings.rerank_depth}"
        yield (
            f"Reranking by {row.what}: {settings.rerank_depth / row.per_second:,.1f} s for {settings.rerank_depth} "
            f"candidates; the {settings.rerank_s:g} s that a search may spend on it are enough for {told}."
        )
