"""What was evaluated: as tables on a terminal, on a narrow one a line a figure; as records in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.bench.evaluation.markdown import format_interval
from mcp_mmretrieval.bench.evaluation.measures import MEASURES
from mcp_mmretrieval.bench.evaluation.runs import EvaluationRun
from mcp_mmretrieval.bench.evaluation.summary import (
    ComparedGroup,
    compared_runs,
    lanes_left_out,
    match_shares,
    measured_groups,
    stage_times,
    told_groups,
)

SURE = 0.05
"""A change that chance makes less often than this is marked."""


def run_tables(run: EvaluationRun) -> RenderableType:
    """Measures, what `match` is worth, and how long each stage takes."""
    models = ", ".join(f"{name} {value}" for name, value in run.settings.items() if name == "profile")
    changes = [_compared(one) for one in lanes_left_out(run)]
    left_out = [Text("\nWhat leaving out a lane changes", style="bold"), _changes(changes)] if changes else []
    parts: list[RenderableType] = [
        Text(f"{run.documents:,} documents, {run.segments:,} places; {models}; version {run.version}"),
        Text("Means, and in brackets where they lie with 95 % certainty", style="dim"),
        Text(""),
        _Rows(("set", "group", "asked", "lanes", *MEASURES), list(_measures(run)), names=4),
        *left_out,
        Text("\nHow far to trust the first hit", style="bold"),
        _Rows(("match", "first hits", "right", "where nothing answers"), list(_matches(run)), names=1),
        Text("\nMilliseconds of a search", style="bold"),
        _Rows(("stage", "median", "95 % within"), list(_stages(run)), names=1),
    ]
    return Group(*parts)


def comparison_table(before: EvaluationRun, after: EvaluationRun) -> RenderableType:
    """Each measure of both, the change, and how sure it is."""
    rows = [_compared(one) for one in compared_runs(before, after)]
    if not rows:
        return Text("The two runs have no question in common, so nothing can be compared.")
    return Group(Text("\nBefore and after, question by question", style="bold"), _changes(rows))


def run_records(run: EvaluationRun) -> Iterator[tuple[object, ...]]:
    """A figure a record: what it is of, then its names and numbers."""
    for group in measured_groups(run):
        for measure, value in group.values.items():
            numbers = (f"{each:.4f}" for each in (value.mean, value.low, value.high))
            yield "measure", group.set, group.group, group.way, group.questions, measure, *numbers
    yield from (("left out", *_compared(one)) for one in lanes_left_out(run))
    yield from (("match", *row) for row in _matches(run))
    yield from (("stage", *row) for row in _stages(run))


def comparison_records(before: EvaluationRun, after: EvaluationRun) -> Iterator[tuple[object, ...]]:
    """A measure a record, as a row of the table."""
    yield from (("compared", *_compared(one)) for one in compared_runs(before, after))


def _compared(one: ComparedGroup) -> tuple[str, ...]:
    difference = one.difference
    change = difference.change
    return (
        one.set,
        one.way,
        one.measure,
        str(one.questions),
        f"{difference.before:.3f}",
        f"{difference.after:.3f}",
        f"{change.mean:+.3f} [{change.low:+.2f}, {change.high:+.2f}]{' *' if difference.p < SURE else ''}",
        f"{difference.p:.3f}",
        f"{difference.better}/{difference.worse}",
    )


def _changes(rows: Sequence[Sequence[str]]) -> RenderableType:
    head = ("set", "lanes", "measure", "asked", "before", "after", "change", "p", "better/worse")
    told = f"* chance alone makes such a change in fewer than {SURE:.0%} of all cases"
    return Group(_Rows(head, rows, names=3), Text(told, style="dim"))


def _measures(run: EvaluationRun) -> Iterable[Sequence[str]]:
    for one in told_groups(run):
        values = [format_interval(one.values[measure]) for measure in MEASURES]
        yield (one.set, one.group, str(one.questions), one.way, *values)


def _matches(run: EvaluationRun) -> Iterable[Sequence[str]]:
    for one in match_shares(run):
        yield (
            one.match,
            str(one.hits),
            format_interval(one.right) if one.right else "-",
            "-" if one.absent is None else f"{one.absent:.3f}",
        )


def _stages(run: EvaluationRun) -> Iterable[Sequence[str]]:
    for one in stage_times(run):
        yield one.stage, f"{one.median:.0f}", f"{one.slow:.0f}"


class _Rows:
    """Rows below a head. Where they do not fit, each row's names stand on a line and its figures below, a line each."""

    def __init__(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, names: int) -> None:
        self._head = head
        self._rows = rows
        self._names = names

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [max(len(row[at]) for row in (self._head, *self._rows)) for at in range(len(self._head))]
        if sum(widths) + 2 * len(widths) > options.max_width:
            yield from self._narrow()
            return
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for name in self._head:
            table.add_column(name, no_wrap=True)
        for row in self._rows:
            table.add_row(*map(Text, row))
        yield table

    def _narrow(self) -> Iterable[Text]:
        for row in self._rows:
            yield Text(" · ".join(row[: self._names]), style="bold")
            for name, value in zip(self._head[self._names :], row[self._names :], strict=True):
                yield Text.assemble((f"  {name} ", "dim"), value)
