"""Evaluations on terminals of all widths."""

import io

import pytest
from rich.console import Console, RenderableType

from mcp_mmretrieval.cli.eval_table import comparison_table, run_tables
from tests.bench.evaluation.made_runs import AFTER, BEFORE, run


def shown(what: RenderableType, width: int) -> str:
    out = Console(file=io.StringIO(), width=width)
    out.print(what)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 200])
def test_every_figure_is_whole_on_any_width(width: int) -> None:
    text = shown(run_tables(BEFORE), width)
    for told in ("3 documents, 9 places", "0.667 [0.00, 1.00]", "recall@10", "strong", "total", "hard"):
        assert told in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [60, 200])
def test_a_comparison_tells_before_after_and_how_sure(width: int) -> None:
    text = shown(comparison_table(BEFORE, AFTER), width)
    for told in ("hit@1", "0.500", "1.000", "+0.500 [+0.00, +1.00]", "1/0"):
        assert told in text


def test_runs_without_a_question_in_common_are_told() -> None:
    assert "no question in common" in shown(comparison_table(BEFORE, run([])), 80)
