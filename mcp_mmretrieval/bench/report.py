"""A measurement of a library's models: what was run on what, and a row for each thing that they do."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval import __version__
from mcp_mmretrieval.bench import footprint
from mcp_mmretrieval.bench.plan import BenchSection, BenchTask
from mcp_mmretrieval.bench.timing import time_calls
from mcp_mmretrieval.concurrency.abandonable import AbandonableCall
from mcp_mmretrieval.errors import RetrievalError

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Content, Identity

ROW_THREAD = "bench row"
"""Name of the threads that measure."""
_ITEM_S = 40.0
"""Seconds that an item may take. A row whose items would take longer is left out and says so."""
_ROW_S = 120.0
"""Seconds after which a row that has not ended is left behind."""
_MATMUL_S = 0.3
"""Seconds in which the device's own speed is measured beside a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One thing that the models do, measured."""

    part: BenchSection
    what: str
    amount: float
    unit: str
    cap: str
    share: float
    batch: int = 0
    """Items of a call."""
    items: int = 0
    """That were timed. 0: it was not measured, `left_out` says why."""
    warm: bool = True
    per_second: float = 0.0
    ms: float = 0.0
    """Of one item: the median."""
    p95_ms: float = 0.0
    gflop: float = 0.0
    """Billions of floating-point operations that one item takes; 0 where torch does not know."""
    matmul_tflops: float = 0.0
    """Of the device, measured right after the row: what else runs on a machine changes from row to row."""
    of_matmul: float = 0.0
    """Share of that which was reached, 1 at most; 0 where the operations are not known."""
    memory_mb: float = 0.0
    """That the process held at the worst."""
    gpu_mb: float = 0.0
    """That torch held on the card at the worst, weights included."""
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineInfo:
    """What it was measured on."""

    device: str
    """As torch names it."""
    name: str
    """The card or the processor."""
    memory_mb: float
    cores: int
    threads: int
    dtype: str
    matmul_tflops: float
    """Of the device in that precision, measured in the same run."""
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """All of it."""

    profile: str
    embedder: Identity
    reranker: str
    random_weights: bool
    """Speed and memory are true, quality there is none."""
    loading_s: float
    seconds: float
    """That each row was measured for, about."""
    caps: Mapping[str, float]
    machine: MachineInfo
    rows: tuple[BenchRow, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values. The names are part of the product: they change with a major version."""
        made = asdict(self)
        return {"version": __version__, "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **made}


def measured_machine(device: str, dtype: str, threads: int) -> MachineInfo:
    """This machine, its product of matrices measured."""
    from mcp_mmretrieval.bench import flops

    return MachineInfo(
        device=device,
        name=flops.device_name(device),
        memory_mb=flops.device_memory_bytes(device) / 1e6,
        cores=os.cpu_count() or 1,
        threads=threads,
        dtype=dtype,
        matmul_tflops=flops.matmul_flops_per_second(device, dtype) / 1e12,
        versions={"python": platform.python_version(), **flops.torch_versions()},
    )


def measured_rows(
    tasks: Iterator[BenchTask],
    on: MachineInfo,
    seconds: float,
    patience: float = _ITEM_S,
    bound: float = _ROW_S,
    on_task: Callable[[BenchTask], object] = id,
) -> Iterator[BenchRow]:
    """Measure one task after the other. `on_task` is called before each.

    A larger size of a thing is left out where the smaller one says that it would take longer than `patience` seconds.
    A row that has not ended after `bound` seconds is left behind; where the model is still at it after as many more,
    nothing else can be measured.
    """
    before: BenchRow | None = None
    stuck = False
    for task in tasks:
        on_task(task)
        if stuck:
            yield BenchRow(**_named(task), left_out="the model is still at an earlier row")
            continue
        if before is not None and _follows(task, before):
            expected = before.ms / 1_000 * task.amount / before.amount * (2 if before.warm else 1)
            if before.left_out or expected > patience:
                yield BenchRow(**_named(task), left_out=before.left_out or f"would take about {expected:.0f} s an item")
                continue
        before, stuck = _row_within(bound, task, on, seconds)
        yield before


def _follows(task: BenchTask, before: BenchRow) -> bool:
    """Whether it is a larger size of the same."""
    return (task.part, task.what) == (before.part, before.what) and task.amount > before.amount


def _row_within(bound: float, task: BenchTask, on: MachineInfo, seconds: float) -> tuple[BenchRow, bool]:
    """A row, and whether the model is still at it."""
    found: list[BenchRow] = []
    with AbandonableCall(lambda stop: found.append(_row(task, on, seconds)), ROW_THREAD) as call:
        if call.ended(bound):
            return found[0], False
    late = BenchRow(**_named(task), left_out=f"did not end within {bound:g} s")
    with suppress(Exception):  # it was told to stop, and may say so
        return late, not call.ended(bound)
    return late, False


def _row(task: BenchTask, on: MachineInfo, seconds: float) -> BenchRow:
    from mcp_mmretrieval.bench import flops

    footprint.reset_peak_memory()
    flops.reset_peak_gpu_memory(on.device)
    flop: int | None = None

    def run(contents: Sequence[Content]) -> None:
        """The first call, of one item, is counted, the others are timed."""
        nonlocal flop
        if flop is None:
            flop = flops.count_flops(lambda: task.run(contents))
        else:
            task.run(contents)

    try:
        timing = time_calls(task.make, run, seconds=seconds, most=task.most)
    except RetrievalError as error:
        return BenchRow(**_named(task), left_out=str(error))
    gflop = (flop or 0) / 1e9
    reached = gflop / 1e3 * timing.per_second
    best = flops.matmul_flops_per_second(on.device, on.dtype, _MATMUL_S) / 1e12 if gflop else 0.0
    return BenchRow(
        **_named(task),
        batch=timing.batch,
        items=timing.items,
        warm=timing.warm,
        per_second=timing.per_second,
        ms=timing.median_ms,
        p95_ms=timing.p95_ms,
        gflop=gflop,
        matmul_tflops=best,
        of_matmul=min(1.0, reached / best) if best else 0.0,
        memory_mb=footprint.peak_memory_bytes() / 1e6,
        gpu_mb=flops.peak_gpu_bytes(on.device) / 1e6,
    )


def _named(task: BenchTask) -> dict[str, Any]:
    return {name: getattr(task, name) for name in ("part", "what", "amount", "unit", "cap", "share")}
