"""Calls that wait for a job or a model and report progress. A cancelled call ends its job; a lost one does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context

from mcp_mmretrieval.server.sdk import cancel_event
from mcp_mmretrieval.server.tools.sanitize import sanitize_name

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Outcome
    from mcp_mmretrieval.jobs import Job

AwaitedT = TypeVar("AwaitedT")

JOB_POLL_S = 0.5
"""Seconds between two looks at a job, and so between two reports of progress."""
_LEAST_PROGRESS = 0.001
"""Progress must grow with each report; while one long file is read it grows by this little."""
_TIMED_OUT = re.compile(r"time[ds]?[ -]?out", re.IGNORECASE)


@dataclass(eq=False, slots=True)
class _Call:
    """One call that waits, or waited, for a job."""

    job: Job
    owner: object
    request: str
    cancelled: anyio.Event | None
    left: anyio.Event = field(default_factory=anyio.Event)


class WaitingCalls:
    """The calls of one server that wait for jobs.

    A protocol cancellation ends the job that its call started, unless another call waits for it. A lost connection, and
    a client that cancels because its own time ran out, only end the waiting.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._threads = anyio.CapacityLimiter(64)

    async def outcome(self, job: Job, owner: object, context: Context[Any, Any], seconds: float) -> Outcome:
        """What the job has come to when it ends, or when the seconds are over. Reports progress meanwhile."""
        call = _Call(job, owner, str(context.request_context.request_id), cancel_event(context))
        self._calls = [*(other for other in self._calls if other.job.outcome.state == "running"), call]
        try:
            with job.attended():
                return await self._watch(job, context, anyio.current_time() + seconds)
        finally:
            call.left.set()

    async def _watch(self, job: Job, context: Context[Any, Any], deadline: float) -> Outcome:
        reported = 0.0
        while True:
            look = max(0.0, min(JOB_POLL_S, deadline - anyio.current_time()))
            outcome = await anyio.to_thread.run_sync(job.wait, look, abandon_on_cancel=True, limiter=self._threads)
            reported = await _report(context, outcome, reported)
            if outcome.state != "running" or anyio.current_time() >= deadline:
                return outcome

    async def observe(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Server middleware: acts on `notifications/cancelled`."""
        if ctx.method == "notifications/cancelled":
            await self._cancelled(ctx.params or {})
        return await call_next(ctx)

    async def _cancelled(self, params: Mapping[str, Any]) -> None:
        if _TIMED_OUT.search(str(params.get("reason") or "")):
            return
        request = str(params.get("requestId"))
        for call in self._calls:
            # Two connections may count their requests alike: only the one that was cancelled has its event set.
            if call.request == request and call.cancelled is not None and call.cancelled.is_set():
                await call.left.wait()
                await anyio.to_thread.run_sync(call.job.leave, call.owner, limiter=self._threads)


async def with_progress(
    context: Context[Any, Any], message_of: Callable[[], str], work: Callable[[], Awaitable[AwaitedT]]
) -> AwaitedT:
    """What `work` answers. Meanwhile the client gets each message of `message_of` that is not empty."""
    answer: AwaitedT | None = None
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        reporting = anyio.Event()

        def report() -> None:
            reporting.set()
            tasks.start_soon(_report_messages, context, message_of)

        # most calls have ended by then: a timer costs them a tenth of a task that is begun and cancelled
        timer = asyncio.get_running_loop().call_later(JOB_POLL_S, report)
        try:
            answer = await work()
        except Exception as error:  # noqa: BLE001  raised below, by itself and not in a group
            failure = error
        finally:
            timer.cancel()
        if reporting.is_set():
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return answer  # type: ignore[return-value]


async def _report_messages(context: Context[Any, Any], message_of: Callable[[], str]) -> None:
    reported = 0.0
    while True:
        if message := message_of():
            reported += 1.0
            await context.report_progress(reported, None, message)
        await anyio.sleep(JOB_POLL_S)


async def _report(context: Context[Any, Any], outcome: Outcome, reported: float) -> float:
    """Report how many files are through. Returns the reported value, which always grows."""
    ended = float(outcome.added + outcome.unchanged + outcome.replaced + outcome.moved + len(outcome.failed))
    progress = max(ended, round(reported + _LEAST_PROGRESS, 3))
    total = float(outcome.found) if outcome.found >= progress else None
    await context.report_progress(progress, total, sanitize_name(outcome.current) or None)
    return progress
