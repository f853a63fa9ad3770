"""`add` over the real command and its engine."""

import json
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest

from mcp_mmretrieval import cli
from mcp_mmretrieval.cli import add
from mcp_mmretrieval.cli.added_folders import added_folders
from mcp_mmretrieval.errors import BadArgument
from tests.support.command import adding, answered, run


def test_adding_nothing_without_roots_and_adding_read_only_are_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadArgument, match="Nothing to add"):
        add.add_command(cli.command_parser().parse_args(["add"]))
    monkeypatch.setenv("MMRETRIEVAL_READ_ONLY", "1")
    with pytest.raises(BadArgument, match="read-only"):
        add.add_command(cli.command_parser().parse_args(["add", "/"]))


def test_what_is_not_there_is_told_and_not_seen_from_then_on(tmp_path: Path) -> None:
    library = tmp_path / "library"
    done = run("add", tmp_path / "nowhere" / "x.pdf", "--library", library)
    assert done.returncode == 1
    assert "x.pdf: not found in the folders that are seen here" in done.stdout
    assert added_folders({"library": str(library)}) == []


@pytest.mark.builtin
def test_adding_is_told_in_lines_with_a_true_total_and_again_changes_nothing(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    first = run("add", folder, "--library", library)
    assert first.returncode == 0
    assert first.stderr.splitlines()[0].endswith("of 4 files")
    assert "Reading: 4 of 4 files" in first.stderr.splitlines()
    assert "\x1b" not in first.stdout + first.stderr
    assert "\r" not in first.stdout + first.stderr
    assert "Done: 3 added, 1 failed" in first.stdout
    again = run("add", folder, "--library", library)
    assert again.returncode == 0
    assert "3 unchanged" in again.stdout
    assert "broken.pdf" in again.stdout


@pytest.mark.builtin
def test_ctrl_c_leaves_the_job_to_the_engine_and_says_how_to_see_and_end_it(tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "files"
    folder.mkdir()
    for number in range(3_000):
        (folder / f"{number}.md").write_text(f"Note {number}.")
    with adding(folder, library) as process:
        assert process.stderr is not None
        assert "of 3,000 files" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "What was added stays" in told
    listed = json.loads(run("jobs", "--library", library, "--json").stdout)
    assert f"mcp-mmretrieval jobs cancel {listed[0]['job']}" in told
    assert listed[0]["state"] == "running"
    ended = run("jobs", "cancel", listed[0]["job"], "--library", library)
    assert "cancelled" in ended.stdout
    left = answered(run("status", "--library", library, "--json"))
    assert 0 < left["documents"]["text"] < 3_000


def test_a_ray_cluster_that_is_not_there_ends_the_job_with_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    file, token = tmp_path / "files" / "a.md", tmp_path / "token"
    file.parent.mkdir()
    file.write_text("a word")
    token.write_text("0" * 64)
    token.chmod(0o600)
    given = ("--library", tmp_path / "library", "--ray", "127.0.0.1:1")
    done = run("add", file, *given, MMRETRIEVAL_RAY_TOKEN_FILE=str(token))
    missing = find_spec("ray") is None
    told = "pip install 'mcp-mmretrieval[ray]'" if missing else "127.0.0.1:1: no Ray cluster is reached there"
    assert done.returncode == 1
    assert told in " ".join((done.stdout + done.stderr).split())
    assert run("add", file, "--ray", "http://head").returncode == 2


def test_an_engine_that_others_use_does_not_read_elsewhere_without_a_word(tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "files"
    folder.mkdir()
    for number in range(2_000):
        (folder / f"{number}.md").write_text(f"Note {number}.")
    with adding(folder, library):
        done = run("add", folder, "--library", library, "--ray", "127.0.0.1:1")
    assert done.returncode == 2
    assert "runs without this Ray cluster, and others use it. Run `mcp-mmretrieval stop`" in done.stderr
