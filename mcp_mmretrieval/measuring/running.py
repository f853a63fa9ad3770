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
from mcp_mmretrieval.profiles import Profile, profile_of, reranker_of
from mcp_mmretrieval.settings import Settings

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder, Reranker

SECONDS = {"quick": 0.3, "usual": 1.2, "full": 5.0}
"""That each row is measured for, by how thorough it is to be."""
_PIXELS, _FRAME_PIXELS = 1_000_000, 300_000
"""Of a picture and a frame where no record says: what the library's own pictures of pages have, about."""


class Run:
    """The models of some settings, loaded and ready to be measured."""

    def __init__(self, settings: Settings, models: Models, *, stands_for: str = "") -> None:
        """Loads them. Raises ModelUnavailable.

        `stands_for`: in the place of which profile or model these serve, if they are untrained; the report says so.
        """
        self._profile = profile_of(settings.profile)
        began = time.perf_counter()
        self.embedder: Embedder = models.embedder()
        self.reranker: Reranker | None = models.reranker()
        self.loading_s = time.perf_counter() - began
        """Seconds that took."""
        self._settings = settings
        self._stands_for = stands_for
        self._caps = caps(settings, self._profile)

    def machine(self) -> Machine:
        """What it runs on, its own speed measured."""
        device = "cpu" if self._profile.embedder is None else device_of(self._settings)
        return machine(device, str(self.embedder.identity["dtype"]), threads.budget(self._settings.threads))

    def rows(self, on: Machine, thorough: str, seconds: float, told: Callable[[Task], object]) -> Iterator[Row]:
        """Measure, a row after the other. `told` hears of each before it begins."""
        tasks = plan.tasks(self.embedder, self.reranker, self._caps, plan.SHARES[thorough])
        return rows(tasks, on, seconds, told=told)

    def report(self, on: Machine, found: Iterable[Row], seconds: float) -> Report:
        """All that was found."""
        measured = tuple(found)
        return Report(
            profile=self._stands_for or self._profile.name,
            embedder=self.embedder.identity,
            reranker=self.reranker.name if self.reranker is not None else "",
            random_weights=bool(self._stands_for),
            loading_s=self.loading_s,
            seconds=seconds,
            caps=asdict(self._caps),
            machine=on,
            rows=measured,
            notes=tuple(_notes(measured, self._settings)),
        )


def caps(settings: Settings, profile: Profile) -> Caps:
    """How much the models get to see of a thing."""
    embedder, reranker = profile.embedder, reranker_of(settings.reranker, profile)
    return Caps(
        pixels=settings.model_pixels or (embedder.pixels if embedder else _PIXELS),
        frame_pixels=embedder.frame_pixels if embedder else _FRAME_PIXELS,
        rerank_pixels=settings.model_pixels or (reranker.pixels if reranker else _PIXELS),
        sound_s=settings.sound_s,
        depth=settings.rerank_depth,
    )


def device_of(settings: Settings) -> str:
    """Where models from the Hub run, as torch names it."""
    from mcp_mmretrieval.models import effort

    return effort.devices()[0] if settings.device == "auto" else settings.device


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
