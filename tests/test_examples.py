"""The scripts in `examples/` do what their first line says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.files import BLUE, RED, picture

EXAMPLES = Path(__file__).parent.parent / "examples"

pytestmark = [pytest.mark.builtin, pytest.mark.timeout(600)]


def printed(script: str, *arguments: str | Path) -> str:
    """What a script says, run as its first line tells, with our command on the path as in an activated environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ended = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        env={**os.environ, "PATH": path, "MMRETRIEVAL_WORKERS": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def notes(folder: Path) -> Path:
    """Two notes, of which one tells of a pump."""
    (folder / "pump.md").write_text("The third pump failed in August.", encoding="utf-8")
    (folder / "menu.md").write_text("Waffles are free for children.", encoding="utf-8")
    return folder


def test_a_folder_is_searched_from_python(notes: Path, tmp_path: Path) -> None:
    first, best, *_ = printed("search_a_folder.py", tmp_path / "library", notes, "which pump failed?").splitlines()
    assert first == "2 files added, 0 failed"
    assert "pump.md#char=0,32" in best


def test_a_picture_finds_those_that_look_like_it_and_no_note(notes: Path, tmp_path: Path) -> None:
    for name, colour in {"red": RED, "blue": BLUE}.items():
        picture(notes / f"{name}.png", colour)
    found = printed("find_similar_pictures.py", tmp_path / "library", notes, notes / "blue.png").splitlines()
    assert found[0].endswith("  blue.png")
    assert not [line for line in found if ".md" in line]


def test_a_client_of_the_sdk_adds_and_asks(notes: Path, tmp_path: Path) -> None:
    options = ("--root", notes, "--library", tmp_path / "library", "--solo")
    assert "pump.md#char=0,32" in printed("ask_over_mcp.py", "which pump failed?", *options)
