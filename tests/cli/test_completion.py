import shutil
import subprocess

import pytest

from mcp_mmretrieval import cli
from mcp_mmretrieval.cli import completion
from tests.support.command import run

TRY = """{script}
COMP_WORDS=({words}) COMP_CWORD={last} COMP_LINE="{words}" COMP_POINT=${{#COMP_LINE}}
$(complete -p mcp-mmretrieval | sed 's/.*-F \\([^ ]*\\).*/\\1/') mcp-mmretrieval "{current}" ""
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    """What bash offers after these words, the last of which is half typed."""
    script = run("completion", "bash").stdout
    line = ["mcp-mmretrieval", *words]
    asked = TRY.format(script=script, words=" ".join(f'"{word}"' for word in line), last=len(words), current=words[-1])
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_script_names_every_command_and_its_shell_can_read_it(shell: str) -> None:
    script = run("completion", shell).stdout
    for command in ("add", "search", "list", "open", "remove", "uninstall", "completion"):
        assert command in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, timeout=60, check=True)


def test_bash_completes_commands_and_options() -> None:
    assert completed("se") == ["serve", "search"]
    assert set(completed("search", "--li")) == {"--library", "--like", "--limit"}


def test_a_shell_that_is_not_known_is_misuse() -> None:
    assert run("completion", "tcsh").returncode == 2


def test_paths_are_completed_where_a_path_is_meant() -> None:
    named = {action.metavar for action in completion._actions(cli.command_parser()) if isinstance(action.metavar, str)}
    assert set(completion._PLACES) <= named
