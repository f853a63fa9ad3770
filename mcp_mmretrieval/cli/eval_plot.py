"""What was evaluated, as a picture: nDCG@10 of each set by way of asking, and how often each `match` is right.

matplotlib draws it (the extra `plot`), on a bare Figure, which needs no display.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.bench.evaluation.measures import Interval
from mcp_mmretrieval.bench.evaluation.questions import ALL_QUESTIONS
from mcp_mmretrieval.bench.evaluation.runs import EvaluationRun
from mcp_mmretrieval.bench.evaluation.summary import MeasuredGroup, match_shares, measured_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _TEAL, _CORAL = "#1f2933", "#1c998c", "#e4572e"
_WIDTH_IN, _LINE_IN, _HEAD_IN = 9.6, 0.26, 2.2


def write_eval_plot(run: EvaluationRun, path: Path) -> None:
    """Draw the run into a file of a kind that `bench_plot.check_plot_file` lets pass."""
    import matplotlib
    from matplotlib.figure import Figure

    rows = [one for one in measured_groups(run) if one.group == ALL_QUESTIONS]
    style = matplotlib.rc_context({"svg.fonttype": "none", "text.parse_math": False, "text.color": _INK})
    with style, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in a script that the font lacks is drawn as boxes
        figure = Figure(figsize=(_WIDTH_IN, max(4.0, _HEAD_IN + _LINE_IN * len(rows))), layout="constrained")
        measures, matches = figure.subplots(1, 2, width_ratios=(3, 1))
        _draw_measures(measures, rows)
        _draw_matches(matches, run)
        figure.savefig(path)


def _draw_measures(axes: Axes, rows: list[MeasuredGroup]) -> None:
    names = [f"{one.set}: {one.way}" for one in rows]
    intervals = [one.values["nDCG@10"] for one in rows]
    places = range(len(rows), 0, -1)
    axes.errorbar([one.mean for one in intervals], places, xerr=_arms(intervals), fmt="o", color=_TEAL, capsize=3)
    axes.set_yticks(list(places), names)
    axes.set_xlim(0, 1.02)
    axes.set_title("nDCG@10, with 95 % intervals")
    axes.grid(axis="x", alpha=0.3)


def _draw_matches(axes: Axes, run: EvaluationRun) -> None:
    told = [(one.match, one.right) for one in match_shares(run) if one.right is not None]
    intervals = [right for _, right in told if right is not None]
    axes.bar([match for match, _ in told], [one.mean for one in intervals], yerr=_arms(intervals), color=_CORAL)
    axes.set_ylim(0, 1.02)
    axes.set_title("first hits right")


def _arms(intervals: list[Interval]) -> tuple[list[float], list[float]]:
    """Lengths of the intervals below and above their means."""
    return [max(0.0, one.mean - one.low) for one in intervals], [max(0.0, one.high - one.mean) for one in intervals]
