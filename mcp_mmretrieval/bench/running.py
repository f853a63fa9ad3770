"""One measurement from beginning to end: load the models as the library does, measure row by row, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mcp_mmretrieval.bench import plan
from mcp_mmretrieval.bench.plan import BenchTask, InputCaps, MeasuredModels
from mcp_mmretrieval.bench.report import BenchReport, BenchRow, MachineInfo, measured_machine, measured_rows
from mcp_mmretrieval.config.profiles import AUTO_PROFILE, EmbedderSpec, Profile, RerankerSpec, profile_of, reranker_of
from mcp_mmretrieval.config.resolve import tuned_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import recipe
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.hub_packages import require_hub_packages
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.models.pool import ModelPool

if TYPE_CHECKING:
    from mcp_mmretrieval.models.hub.cross_encoder import CrossEncoderReranker
    from mcp_mmretrieval.models.hub.embedder import HubEmbedder
    from mcp_mmretrieval.models.hub.late_interaction import LateInteractionReranker

SECONDS_BY_EFFORT = {"quick": 0.3, "usual": 1.2, "full": 5.0}
"""Seconds that each row is measured for, by how thorough the measurement is to be."""
_PIXELS, _FRAME_PIXELS = 1_000_000, 300_000
"""Of a picture and a frame where no record says: what the library's own pictures of pages have, about."""


class BenchRun:
    """The models of a profile, loaded and ready to be measured."""

    def __init__(
        self, settings: Settings, profile: Profile, models: ModelPool, *, random_weights: bool = False
    ) -> None:
        """Loads them, under the limits that the settings put on their records. Raises ModelUnavailable, BadArgument.

        `models`: the built-in ones, for what the profile has no record of. `random_weights`: the profile's are
        untrained ones; the report says so, and nothing built-in judges beside them.
        """
        self._profile = profile
        self._settings = settings
        self._untrained = random_weights
        self._tuned = tuned_profile(settings, profile)
        threads.set_thread_environment()
        began = time.perf_counter()
        self._hub = _loaded(self._tuned, settings)
        embedder = self._hub.embedder or models.embedders.made(recipe.BUILTIN_RECIPE)
        if self._hub.embedder is None and "picture" in embedder.dims:
            models.builtin.classifier.get()  # which the embedder would load for the first picture
        reranker = self._hub.reranker or (None if random_weights else models.reranker())
        self.subjects = MeasuredModels(embedder, reranker, self._seeing)
        self.loading_s = time.perf_counter() - began
        """Seconds that loading took."""
        self._caps = input_caps(settings, self._tuned)

    def machine(self) -> MachineInfo:
        """What it runs on, its own speed measured."""
        device = hub_device_name(self._settings) if self._profile.models else "cpu"
        dtype = str(self.subjects.embedder.identity["dtype"])
        return measured_machine(device, dtype, threads.thread_budget(self._settings.threads))

    def rows(
        self, on: MachineInfo, effort: str, seconds: float, on_task: Callable[[BenchTask], object] = id
    ) -> Iterator[BenchRow]:
        """Measure, a row after the other. `on_task` is called before each."""
        return measured_rows(
            plan.bench_tasks(self.subjects, self._caps, plan.SHARES_BY_EFFORT[effort]), on, seconds, on_task=on_task
        )

    def report(self, on: MachineInfo, found: Iterable[BenchRow], seconds: float) -> BenchReport:
        """All that was found."""
        measured = tuple(found)
        reranker = self.subjects.reranker
        return BenchReport(
            profile=self._profile.name,
            embedder=self.subjects.embedder.identity,
            reranker=reranker.name if reranker is not None else "",
            random_weights=self._untrained,
            loading_s=self.loading_s,
            seconds=seconds,
            caps=asdict(self._caps),
            machine=on,
            rows=measured,
            notes=tuple(_notes(measured, self._settings)),
        )

    def _seeing(self, pixels: int, frames: int) -> MeasuredModels:
        """The built-in models know no such caps, and are the same under all."""
        asked = {"model_pixels": pixels, "model_frames": frames}
        given = {name: value for name, value in asked.items() if value}
        there = tuned_profile(self._settings.model_copy(update=given), self._profile)
        embedder, reranker = self._hub.embedder, self._hub.reranker
        return MeasuredModels(
            embedder.under(there.embedder) if embedder and there.embedder else self.subjects.embedder,
            reranker.under(there.reranker) if reranker and there.reranker else self.subjects.reranker,
            self._seeing,
        )


@dataclass(frozen=True, slots=True)
class _Hub:
    """Those models that have a record."""

    embedder: HubEmbedder | None
    reranker: CrossEncoderReranker | LateInteractionReranker | None


def _loaded(profile: Profile, settings: Settings) -> _Hub:
    """In threads of their own, as the library does it. Raises ModelUnavailable."""
    embedder, reranker = profile.embedder, profile.reranker
    return _Hub(
        LazyModel("embedder", partial(_embedder, embedder, settings)).get() if embedder is not None else None,
        LazyModel("reranker", partial(_reranker, reranker, settings)).get() if reranker is not None else None,
    )


def _embedder(spec: EmbedderSpec, settings: Settings) -> HubEmbedder:
    require_hub_packages(spec.model)
    from mcp_mmretrieval.models.hub import load

    return load.load_embedder(spec, settings)


def _reranker(spec: RerankerSpec, settings: Settings) -> CrossEncoderReranker | LateInteractionReranker:
    require_hub_packages(spec.model)
    from mcp_mmretrieval.models.hub import load

    return load.load_reranker(spec, settings)


def with_auto_resolved(settings: Settings) -> Settings:
    """With the profile that `auto` stands for on this machine. Looks at no library: what one keeps to is not asked."""
    if settings.profile != AUTO_PROFILE:
        return settings
    return settings.model_copy(update={"profile": ModelPool(settings).auto()[0]})


def selected_profile(settings: Settings) -> Profile:
    """The profile that the settings name, with the reranker that they name. Raises BadArgument."""
    profile = profile_of(settings.profile)
    return replace(profile, reranker=reranker_of(settings.reranker, profile))


def tuned_profile(settings: Settings, profile: Profile) -> Profile:
    """The profile with its records under the limits of the settings. Raises BadArgument."""
    embedder, reranker = profile.embedder, profile.reranker
    return replace(
        profile,
        embedder=tuned_spec(embedder, settings) if embedder is not None else None,
        reranker=tuned_spec(reranker, settings) if reranker is not None else None,
    )


def input_caps(settings: Settings, profile: Profile) -> InputCaps:
    """How much the models get to see of a thing. `profile`: with its records tuned."""
    embedder, reranker = profile.embedder, profile.reranker
    return InputCaps(
        pixels=embedder.pixels if embedder else _PIXELS,
        frame_pixels=embedder.frame_pixels if embedder else _FRAME_PIXELS,
        rerank_pixels=reranker.pixels if reranker else _PIXELS,
        sound_s=settings.sound_s,
        depth=settings.rerank_depth,
    )


def hub_device_name(settings: Settings) -> str:
    """Where models from the Hub run, as torch names it."""
    from mcp_mmretrieval.bench import flops

    return flops.torch_device_names()[0] if settings.device == "auto" else settings.device


def _notes(found: Iterable[BenchRow], settings: Settings) -> Iterator[str]:
    """What follows for a search."""
    for row in found:
        if row.part != "reranking" or not row.items or row.share != 1:
            continue
        fits = int(settings.rerank_s * row.per_second)
        reached = f"{min(fits, settings.rerank_depth)} of the {settings.rerank_depth}"
        yield (
            f"Reranking by {row.what}: {settings.rerank_depth / row.per_second:,.1f} s for {settings.rerank_depth} "
            f"candidates; the {settings.rerank_s:g} s that a search may spend on it are enough for {reached}."
        )
