import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import COMMAND, environment, run


@pytest.mark.parametrize("arguments", [[], ["serve"], ["serve", "--solo"], ["--read-only"]], ids=" ".join)
def test_without_a_command_it_serves_and_ends_with_its_input(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, "--library", tmp_path / "library", "--root", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_person_at_a_terminal_is_told_what_serve_waits_for(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [*COMMAND, "--library", str(tmp_path / "library")]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert process.stderr is not None
            assert "mcp-mmretrieval demo" in process.stderr.readline()
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)


def test_a_front_is_made_of_the_standard_library_alone() -> None:
    code = "import sys, mcp_mmretrieval.__main__, mcp_mmretrieval.front.relay; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    without = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    by_itself = {name.partition(".")[0] for name in without.stdout.split()}  # what the interpreter's site brings along
    assert imported - by_itself - sys.stdlib_module_names == {"mcp_mmretrieval"}
    assert not {"logging", "asyncio", "subprocess"} & imported
