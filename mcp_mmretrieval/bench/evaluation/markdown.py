"""Figures as tables of Markdown, and put into a document between two marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mcp_mmretrieval.bench.evaluation.measures import MEASURES, Interval
from mcp_mmretrieval.bench.evaluation.runs import EvaluationRun
from mcp_mmretrieval.bench.evaluation.summary import match_shares, stage_times, told_groups
from mcp_mmretrieval.errors import BadArgument

BEGIN_MARK, END_MARK = "<!-- eval -->", "<!-- /eval -->"


def run_as_markdown(run: EvaluationRun) -> str:
    """All figures of a run: measures, `match`, stages."""
    tables = [
        _table(["set", "group", "questions", "lanes", *MEASURES], _measures(run)),
        _table(["first hit", "hits", "right", "of questions that nothing answers"], _matches(run)),
        _table(["stage", "median ms", "95 % within ms"], _stages(run)),
    ]
    held = f"{run.documents:,} documents, {run.segments:,} places; version {run.version}."
    return "\n\n".join([held, *filter(None, tables)])


def format_interval(interval: Interval) -> str:
    """`0.591 [0.51, 0.68]`."""
    return f"{interval.mean:.3f} [{interval.low:.2f}, {interval.high:.2f}]"


def put_between_marks(document: Path, figures: str) -> None:
    """Replace what stands between the marks of a document. Raises BadArgument where it lacks them."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN_MARK)
    _, end, after = rest.partition(END_MARK)
    if not begin or not end:
        raise BadArgument(
            f"{document}: lacks the lines {BEGIN_MARK} and {END_MARK}. Put them where figures shall stand."
        )
    document.write_text(f"{before}{begin}\n{figures}\n{end}{after}", encoding="utf-8")


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) if lines else ""


def _measures(run: EvaluationRun) -> Iterator[Sequence[str]]:
    for one in told_groups(run):
        values = (format_interval(one.values[measure]) for measure in MEASURES)
        yield [one.set, one.group, str(one.questions), one.way, *values]


def _matches(run: EvaluationRun) -> Iterator[Sequence[str]]:
    for one in match_shares(run):
        right = format_interval(one.right) if one.right else "-"
        yield [one.match, str(one.hits), right, "-" if one.absent is None else f"{one.absent:.3f}"]


def _stages(run: EvaluationRun) -> Iterator[Sequence[str]]:
    yield from ([one.stage, f"{one.median:.0f}", f"{one.slow:.0f}"] for one in stage_times(run))
