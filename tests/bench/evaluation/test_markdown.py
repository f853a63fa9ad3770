"""Figures as Markdown, between marks."""

from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.markdown import put_between_marks, run_as_markdown
from mcp_mmretrieval.errors import BadArgument
from tests.bench.evaluation.made_runs import BEFORE


def test_a_run_is_three_tables_of_markdown() -> None:
    text = run_as_markdown(BEFORE)
    assert "| made | hard | 2 | all | " in text
    assert "| weak | 1 | 0.000 [0.00, 0.00] | 0.333 |" in text
    assert "| total | 10 | 30 |" in text
    assert text.count("\n|---") == 3


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "quality.md"
    document.write_text("# Before\n<!-- eval -->\nold\n<!-- /eval -->\nafter\n")
    put_between_marks(document, "new")
    put_between_marks(document, "newer")
    assert document.read_text() == "# Before\n<!-- eval -->\nnewer\n<!-- /eval -->\nafter\n"
    document.write_text("no marks")
    with pytest.raises(BadArgument, match="lacks the lines"):
        put_between_marks(document, "new")
    assert document.read_text() == "no marks"
