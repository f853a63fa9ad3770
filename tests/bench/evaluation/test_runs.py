"""Runs as JSON."""

from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.runs import load_run, same_questions, save_run
from mcp_mmretrieval.errors import BadArgument
from tests.bench.evaluation.made_runs import AFTER, BEFORE


def test_a_saved_run_is_loaded_as_it_was(tmp_path: Path) -> None:
    save_run(BEFORE, tmp_path / "run.json")
    assert load_run(tmp_path / "run.json") == BEFORE
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(BadArgument, match="cannot be read"):
        load_run(path)
    for text in ("{", "[]", '{"format": 1}', '{"format": 1, "version": "1", "asked": 3}'):
        path.write_text(text)
        with pytest.raises(BadArgument, match=r"run\.json: is no run"):
            load_run(path)
    path.write_text('{"format": 0}')
    with pytest.raises(BadArgument, match="Measure again"):
        load_run(path)


def test_only_questions_that_both_asked_are_compared() -> None:
    assert [question.id for _, _, question in same_questions(BEFORE, AFTER, "made", "all")] == ["one", "two"]
    assert same_questions(BEFORE, AFTER, "made", "sound") == []
