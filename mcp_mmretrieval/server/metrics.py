"""Counts of calls: every server counts them, and writes them out for Prometheus on request.

prometheus_client is imported with the first `render`: a server that nobody asks for numbers pays nothing for it.
"""

from __future__ import annotations

import bisect
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anyio

from mcp_mmretrieval.server.tools.strict_tool import RETRY_AFTER_KEY

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from prometheus_client import CollectorRegistry, Metric

    from mcp_mmretrieval.server.admission import Admission

logger = logging.getLogger(__name__)

METRIC_PREFIX = "mmretrieval_"
TOOL_LABELS = frozenset(
    {"search_media", "open_media", "rerank", "list_documents", "add_documents", "remove_documents", "status"}
)
"""Names that may be labels. A label is kept for ever, so that no client may make one up."""
UNKNOWN_TOOL = "unknown"
CallOutcome = Literal["ok", "error", "busy", "cancelled"]
DURATION_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from a search by words to a call that waits out its budget."""


@dataclass(slots=True)
class _Durations:
    """Of the calls of one tool."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BUCKETS_S) + 1))
    """By the bucket that each fell into; the last is for longer ones."""
    total: float = 0.0


class Metrics:
    """The numbers of one process. Counted in the event loop; `render` may be called in any thread."""

    def __init__(self, *admissions: Admission) -> None:
        self.admissions = [*admissions]
        """Their calls are summed; an admission that is made later may be added."""
        self.connections = 0
        """Clients that are connected now; whoever accepts them sets it."""
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, _Durations] = {}
        self._watched: dict[str, tuple[str, Callable[[], float]]] = {}
        self._registry: CollectorRegistry | None = None
        self.watch("running", "Calls that have a turn.", lambda: sum(each.running for each in self.admissions))
        self.watch("waiting", "Calls that wait for a turn.", lambda: sum(each.waiting for each in self.admissions))
        self.watch(
            "clients_waiting", "Clients whose calls wait.", lambda: sum(each.clients for each in self.admissions)
        )
        self.watch("connections", "Clients that are connected.", lambda: self.connections)

    def watch(self, name: str, help: str, function: Callable[[], float]) -> None:
        """A gauge whose value is asked when the numbers are read. One that raises is left out of that reading."""
        with self._lock:
            self._watched[name] = (help, function)

    async def observe(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Server middleware: counts each tool call and the seconds until it was answered, with those it waited."""
        if ctx.method != "tools/call" or ctx.request_id is None:
            return await call_next(ctx)
        name = (ctx.params or {}).get("name")
        tool = name if isinstance(name, str) and name in TOOL_LABELS else UNKNOWN_TOOL
        outcome: CallOutcome = "error"
        began = anyio.current_time()
        try:
            result = await call_next(ctx)
            outcome = _outcome(result)
        except anyio.get_cancelled_exc_class():
            outcome = "cancelled"
            raise
        finally:
            self.count(tool, outcome, anyio.current_time() - began)
        return result

    def count(self, tool: str, outcome: CallOutcome, seconds: float) -> None:
        """One call that has ended."""
        with self._lock:
            self._calls[tool, outcome] += 1
            durations = self._seconds.setdefault(tool, _Durations())
            durations.counts[bisect.bisect_left(DURATION_BUCKETS_S, seconds)] += 1
            durations.total += seconds

    def render(self) -> tuple[bytes, str]:
        """All numbers as Prometheus reads them, and their content type. Asks what is watched, so it may wait for it."""
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_LATEST

        if self._registry is None:
            registry = CollectorRegistry(auto_describe=False)
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            registry.register(self)
            self._registry = registry
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks of a collector."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        with self._lock:
            calls = dict(self._calls)
            seconds = {tool: (list(each.counts), each.total) for tool, each in self._seconds.items()}
            watched = dict(self._watched)
        counted = CounterMetricFamily(
            f"{METRIC_PREFIX}calls", "Tool calls that have ended.", labels=("tool", "outcome")
        )
        for (tool, outcome), count in sorted(calls.items()):
            counted.add_metric((tool, outcome), count)
        yield counted
        lasted = HistogramMetricFamily(
            f"{METRIC_PREFIX}call_seconds", "Seconds until a tool call was answered.", labels=("tool",)
        )
        for tool, (counts, total) in sorted(seconds.items()):
            lasted.add_metric((tool,), list(_buckets(counts)), total)
        yield lasted
        for name, (help, function) in watched.items():
            try:
                value = float(function())
            except Exception:  # the other numbers are worth having
                logger.exception("%s was not measured", name)
                continue
            yield GaugeMetricFamily(f"{METRIC_PREFIX}{name}", help, value)


def _outcome(result: HandlerResult) -> CallOutcome:
    """What a tool call came to, from its result as it goes over the wire."""
    if not isinstance(result, Mapping) or not result.get("isError"):
        return "ok"
    return "busy" if RETRY_AFTER_KEY in (result.get("_meta") or {}) else "error"


def _buckets(counts: list[int]) -> Iterator[tuple[str, float]]:
    """As Prometheus counts them: each with all that were shorter."""
    held = 0
    for limit, count in zip((*map(str, DURATION_BUCKETS_S), "+Inf"), counts, strict=True):
        held += count
        yield limit, held
