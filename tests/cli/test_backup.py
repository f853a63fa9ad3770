"""`backup` copies a library that is in use, and puts a copy back."""

from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.engines import Front, alive, ended_engine

pytestmark = pytest.mark.timeout(120)


def test_a_library_in_use_is_backed_up_and_a_backup_put_back_under_its_clients(tmp_path: Path) -> None:
    files, library, backup = tmp_path / "files", tmp_path / "library", tmp_path / "one.db"
    files.mkdir()
    (files / "red.txt").write_text("red lighthouse")
    with ended_engine(library), Front(library, files, MMRETRIEVAL_ENGINE_IDLE_S="60") as front:
        assert front.call("add_documents")["added"] == 1
        done = run("backup", backup, "--library", library)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Backed up 1 documents (1 places, ") and str(backup) in done.stdout
        (files / "blue.txt").write_text("blue lighthouse")
        assert front.call("add_documents")["added"] == 1
        before = front.engine()

        done = run("backup", "--restore", backup, "--library", library)
        assert done.returncode == 0, done.stderr
        assert f"{library / 'catalog.db'} holds 1 documents" in done.stdout
        assert f"kept as {library / 'catalog.db.before-restore-1'}" in done.stdout
        assert not alive(before)
        assert front.paths("lighthouse") == ["red.txt"]
        assert not front.call("status").get("problems")


def test_what_is_to_be_done_is_said_once(tmp_path: Path) -> None:
    for arguments in ((), ("one.db", "--restore", "two.db")):
        done = run("backup", *arguments, "--library", tmp_path / "library")
        assert done.returncode == 2
        assert "backup FILE" in done.stderr and "--restore FILE" in done.stderr
    done = run("backup", tmp_path / "one.db", "--library", tmp_path / "library")
    assert done.returncode == 1
    assert "holds no library" in done.stderr
