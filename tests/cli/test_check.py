"""`check` says what is wrong with a library, with its exit code too, and repairs it under its clients."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.engines import Front, ended_engine

pytestmark = pytest.mark.timeout(120)


def test_a_library_is_checked_beside_its_engine_and_repaired_without(tmp_path: Path) -> None:
    files, library = tmp_path / "files", tmp_path / "library"
    files.mkdir()
    (files / "red.txt").write_text("red lighthouse")
    awkward = files / os.fsdecode(b"fog\xff\x1b[31m\nindex: sound.txt")
    awkward.write_text("blue lighthouse")
    with ended_engine(library), Front(library, files, MMRETRIEVAL_ENGINE_IDLE_S="60") as front:
        assert front.call("add_documents")["added"] == 2
        done = run("check", "--library", library)
        assert (done.returncode, done.stderr) == (0, "")
        assert "• catalog: 2 documents, 2 places: sound" in done.stdout
        assert "• index: not looked at" in done.stdout and "• files: 2 as they were added" in done.stdout

        with closing(sqlite3.connect(library / "catalog.db")) as db:
            db.execute("UPDATE document_totals SET documents = 99")
            db.commit()
        awkward.unlink()
        done = run("check", "--library", library)
        assert done.returncode == 1
        assert "✗ catalog: document_totals: 1 rows differ" in done.stdout and "✗ files: 1 gone" in done.stdout
        assert "\x1b" not in done.stdout and "\nindex: sound.txt" not in done.stdout

        done = run("check", "--repair", "--json", "--library", library)
        answer = json.loads(done.stdout)
        assert (done.returncode, answer["ok"]) == (1, False)
        assert [one["part"] for one in answer["findings"] if one["wrong"]] == ["files"]
        assert any("the totals were counted anew" in one["text"] for one in answer["findings"])
        assert {path for one in answer["findings"] for path in one["paths"]} == {str(awkward)}
        assert front.paths("red lighthouse")[0] == "red.txt"


def test_where_there_is_no_library_it_is_told(tmp_path: Path) -> None:
    done = run("check", "--library", tmp_path / "library")
    assert done.returncode == 1
    assert "holds no library" in done.stderr
