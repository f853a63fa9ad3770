"""`mcp-mmretrieval eval` over the real command."""

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.runs import load_run, save_run
from mcp_mmretrieval.cli import main
from tests.bench.evaluation.made_runs import AFTER, BEFORE
from tests.support.command import COMMAND, answered, environment, run

QUESTIONS = '{"query": "which vehicles failed", "group": "notes", "relevant": [{"file": "notes.md"}]}\n'


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("library") / "library"
    answered(run("add", folder / "notes.md", "--library", library, "--json"))
    assert run("stop", "--library", library).returncode == 0  # what its engine has under way is written or left
    return library


@pytest.mark.builtin
def test_questions_to_ones_own_library_are_measured_saved_and_compared(
    library: Path, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.jsonl").write_text(QUESTIONS)
    saved = tmp_path / "a.json"
    done = run("eval", tmp_path / "mine.jsonl", "--quick", "--library", library, "--json", saved)
    assert done.returncode == 0, done.stderr
    records = [line.split("\t") for line in done.stdout.splitlines()]
    assert ["measure", "mine", "notes", "all", "1", "nDCG@10", "1.0000", "1.0000", "1.0000"] in records
    assert {record[0] for record in records} == {"measure", "match", "stage"}
    assert load_run(saved).asked[0].found["all"].ranked[0] == "notes.md"
    again = run("eval", "--quick", "--library", library, "--save-questions", tmp_path / "made.jsonl", "--json")
    made = json.loads(again.stdout)
    assert made["asked"] and all(one["relevant"][0]["file"] == str(folder / "notes.md") for one in made["asked"])
    assert (tmp_path / "made.jsonl").read_text().count("\n") == len(made["asked"])


def test_two_saved_runs_are_compared_without_a_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run(BEFORE, tmp_path / "a.json")
    save_run(AFTER, tmp_path / "b.json")
    assert main(["eval", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    assert "compared\tmade\tall\thit@1\t2\t0.500\t1.000\t+0.500 [+0.00, +1.00]" in capsys.readouterr().out


def test_runs_without_a_common_question_are_told_so_in_a_pipe_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_run(BEFORE, tmp_path / "a.json")
    save_run(replace(AFTER, asked=()), tmp_path / "b.json")
    assert main(["eval", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no question in common" in " ".join(shown.err.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("wrong.jsonl",), "wrong.jsonl, line 2: "),
        (("--compare", "none.json", "none.json"), "none.json: cannot be read"),
        (("--plot", "run.gif"), "must end in"),
        (("--questions", "0"), "must be 1 at least"),
        (("wrong.jsonl", "--json", "no/folder.json"), "its folder is not there"),
        (("--versus", "builtin_dtype=int8"), "sets with their own files"),
        (("set", "--work", "library"), "never changes"),
        (("--markdown", "none.md"), "no such file"),
        ((), "holds no library"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_anything_is_measured(
    tmp_path: Path,
    arguments: tuple[str, ...],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "wrong.jsonl").write_text('{"query": "right"}\n{"query": ""}\n')
    (tmp_path / "set" / "files").mkdir(parents=True)
    (tmp_path / "set" / "queries.jsonl").write_text(QUESTIONS)
    assert main(["eval", *arguments, "--library", "library"]) in (1, 2)
    shown = capsys.readouterr()
    assert told in shown.err
    assert (shown.err.count("\n"), shown.out) == (1, "")
    assert not (tmp_path / "library").exists()


@pytest.mark.builtin
def test_an_interruption_ends_it_and_leaves_nothing_behind(library: Path, tmp_path: Path) -> None:
    before = (library / "catalog.db").read_bytes()
    command = [*COMMAND, "eval", "--library", str(library), "--json", str(tmp_path / "run.json")]
    own = environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=own) as process:
        while process.poll() is None and not any(tmp_path.glob("mcp-mmretrieval-*/library/catalog.db")):
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert list(tmp_path.iterdir()) == []
    assert (library / "catalog.db").read_bytes() == before
