import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import adding, run


@pytest.fixture
def home(tmp_path: Path) -> dict[str, Any]:
    """A person's home with a client that knows us, a model of the Hub, and a cache with something of somebody else."""
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text('{"mcpServers": {"mmretrieval": {"command": "mcp-mmretrieval"}}}')
    blobs = tmp_path / "hub" / "models--sentence-transformers--clip-ViT-B-32" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "weights").write_bytes(b"x" * 5_000_000)
    cache = tmp_path / "cache" / "mcp-mmretrieval"
    (cache / "whisper-base-d01c3014").mkdir(parents=True)
    (cache / "whisper-base-d01c3014" / "model.bin").write_bytes(b"x" * 3_000_000)
    (cache / "mine.txt").touch()
    return {
        "HOME": str(tmp_path),
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MMRETRIEVAL_LIBRARY": str(tmp_path / "library"),
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.builtin
def test_what_lies_where_is_told_and_with_yes_only_what_is_ours_goes(home: dict[str, Any], tmp_path: Path) -> None:
    library, files = tmp_path / "library", tmp_path / "files"
    files.mkdir()
    (files / "a.md").write_text("The violin audition.")
    assert run("add", files, **home).returncode == 0
    made = {path.name for path in library.iterdir()}

    told = {one["what"]: one for one in json.loads(run("uninstall", "--json", **home).stdout)}
    assert told["library"]["bytes"] > 100_000
    assert told["cache"]["bytes"] >= 3_000_000
    assert (told["model"]["bytes"], told["model"]["ours"]) == (5_000_000, False)
    assert told["configuration"]["path"] == str(tmp_path / ".cursor" / "mcp.json")
    assert {path.name for path in library.iterdir()} >= made - {"catalog.db-wal", "catalog.db-shm"}

    (library / "letter.txt").write_text("mine")
    done = run("uninstall", "--yes", **home)
    assert done.returncode == 1
    assert names(library) == ["letter.txt"]
    assert names(tmp_path / "cache" / "mcp-mmretrieval") == ["mine.txt"]
    assert done.stderr.count(": stays") == 2
    assert (files / "a.md").exists()
    assert (tmp_path / "hub" / "models--sentence-transformers--clip-ViT-B-32" / "blobs" / "weights").exists()
    assert (tmp_path / ".cursor" / "mcp.json").exists()


@pytest.mark.builtin
def test_a_job_that_runs_ends_before_its_library_goes(tmp_path: Path, home: dict[str, Any]) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(2_000):
        (files / f"{number}.md").write_text(f"Note {number}.")
    with adding(files, tmp_path / "library") as process:
        done = run("uninstall", "--yes", **{**home, "XDG_CACHE_HOME": str(tmp_path / "none")})
        assert (done.returncode, done.stderr) == (0, "")
        assert not (tmp_path / "library").exists()
        process.kill()


def test_a_folder_that_is_no_library_is_left_alone(tmp_path: Path, home: dict[str, Any]) -> None:
    folder = tmp_path / "Documents"
    folder.mkdir()
    for name in ("index", "lock", "engine.log", "catalog.txt"):
        (folder / name).write_text("mine")
    done = run("uninstall", "--yes", **{**home, "MMRETRIEVAL_LIBRARY": str(folder)})
    assert "Documents" not in done.stdout
    assert names(folder) == ["catalog.txt", "engine.log", "index", "lock"]
