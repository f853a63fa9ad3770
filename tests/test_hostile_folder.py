"""A folder that somebody else filled with modules: starting the server there runs none of them, in no process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engines import Front, ended_engine, until
from tests.support.files import picture

pytestmark = [pytest.mark.builtin, pytest.mark.timeout(300)]

MODULES = (
    "sqlite3", "numpy", "json", "socket", "logging", "typing", "chromadb", "anyio", "pydantic", "mcp", "PIL", "av",
    "onnxruntime", "ctranslate2", "onnx", "tokenizers", "sitecustomize", "usercustomize", "mcp_mmretrieval",
)  # fmt: skip

USE = """
import sys
from mcp_mmretrieval import Library
from mcp_mmretrieval.store import index

index.MAX_SCANNED_VECTORS = 0  # so that there is an index process
with Library.open(sys.argv[1], roots=[sys.argv[2]]) as library:
    assert library.add().wait().added == 2
    assert library.settle(120) and library._shared.store.index.wait(120)
    assert library.search("lighthouse").hits[0].path.endswith("note.txt")
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """The folder, and what its modules leave behind when they are run."""
    folder = tmp_path / "downloads"
    for name in MODULES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name + ' '!r})\n")
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "note.txt").write_text("The lighthouse at dawn")
    picture(folder / "red.png")
    return folder


def test_a_library_that_is_opened_there_runs_none_of_them(tmp_path: Path, hostile: Path, files: Path) -> None:
    command = [sys.executable, "-P", "-c", USE, str(tmp_path / "library"), str(files)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}  # weights are converted anew, in a child
    done = subprocess.run(command, cwd=hostile, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


@pytest.mark.parametrize("how", [("--solo",), ()])
def test_a_server_that_is_started_there_runs_none_of_them(
    tmp_path: Path, hostile: Path, files: Path, how: tuple[str, ...]
) -> None:
    with (
        ended_engine(tmp_path / "library"),
        Front(tmp_path / "library", files, module="mcp_mmretrieval", arguments=how, cwd=hostile) as front,
    ):
        assert front.call("add_documents")["added"] == 2
        until(lambda: not front.call("status")["pending_vectors"], 120)
        assert front.paths("lighthouse")[0] == "note.txt"
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
