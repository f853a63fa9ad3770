import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval import __version__, cli
from mcp_mmretrieval.errors import RetrievalError
from tests.support.command import COMMAND, environment, run


def test_the_version_is_told() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"mcp-mmretrieval {__version__}\n")


def test_the_help_names_every_command_and_the_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("serve", "add", "search", "list", "open", "remove", "uninstall", "doctor", "130 interrupted"):
        assert name in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["serch", "fog"], ["search"], ["add", "--limit", "3"], ["search", "fog", "--modality", "smell"], ["--nope"]],
    ids=" ".join,
)
def test_misuse_is_told_in_a_line_and_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("mcp-mmretrieval")
    assert "Traceback" not in done.stderr


def test_an_error_that_names_a_file_has_no_hidden_letters(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise RetrievalError("a\u202e\u200b\x1b[31m\ufe0f.pdf: not there.")

    assert cli.exit_code_of(fails) == 1
    assert capsys.readouterr().err == "mcp-mmretrieval: a.pdf: not there.\n"


def test_a_terminal_gets_an_error_in_whole_words() -> None:
    ours, theirs = os.openpty()
    command, narrow = [*COMMAND, "status", "--config", "/nowhere.toml"], environment(COLUMNS="40")
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL, env=narrow) as process:
        process.wait(timeout=60)
    os.close(theirs)
    told = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert len(told) > 1
    assert max(map(len, told)) <= 40
    assert " ".join(told).startswith("mcp-mmretrieval: /nowhere.toml: cannot be read as TOML:")


def test_an_unknown_setting_and_a_missing_file_of_settings_are_misuse(tmp_path: Path) -> None:
    wrong = run("status", MMRETRIEVAL_LIBRARI=str(tmp_path))
    assert wrong.returncode == 2
    assert "MMRETRIEVAL_LIBRARI: no such setting" in wrong.stderr
    missing = run("status", "--config", tmp_path / "nope.toml")
    assert missing.returncode == 2
    assert "nope.toml" in missing.stderr
    assert "Traceback" not in wrong.stderr + missing.stderr


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'library = "{tmp_path}/file"\nworkers = 3\nprofile = "file"\n')
    monkeypatch.setenv("MMRETRIEVAL_CONFIG", str(file))
    monkeypatch.setenv("MMRETRIEVAL_PROFILE", "environment")
    given = cli.read_settings(
        cli.command_parser().parse_args(["serve", "--library", str(tmp_path / "option"), "--root", "/a/b"])
    )
    assert (given.library.name, given.profile, given.workers) == ("option", "environment", 3)
    assert given.roots == (Path("/a/b"),)


SAY = "import sys; from mcp_mmretrieval import cli; from mcp_mmretrieval.__main__ import main; {}; main()"
"""A process whose command does something else."""


def command_that(does: str, sink: int) -> subprocess.CompletedProcess[str]:
    """The command `stop`, doing this instead, with its stdout there."""
    replaced = f"cli.run_command = lambda _: cli.exit_code_of(lambda: {does})"
    command = [sys.executable, "-c", SAY.format(replaced), "stop"]
    return subprocess.run(command, stdout=sink, stderr=subprocess.PIPE, text=True, timeout=60)


def test_a_reader_that_has_seen_enough_ends_the_command_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = command_that("sys.stdout.write('x' * 9) * 0", writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_is_told_in_a_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = command_that("sys.stdout.write('x' * 9) * 0", full.fileno())
    assert (done.returncode, done.stderr) == (1, "mcp-mmretrieval: No space left on device\n")


def test_a_file_that_cannot_be_written_is_told_in_a_line_and_the_answer_stands() -> None:
    reader, writer = os.pipe()
    done = command_that("sys.stdout.write('answer') and open('/nowhere/a.jpg', 'wb')", writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "mcp-mmretrieval: /nowhere/a.jpg: No such file or directory\n")
    with os.fdopen(reader) as written:
        assert written.read() == "answer"
