"""What commands and the page ask the engine beside MCP, answered of a real library."""

import os
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.questions import EngineQuestion, answer_of
from tests.conftest import OpenLibrary
from tests.support import recordings


@pytest.fixture
def held(open_library: OpenLibrary, folder: Path) -> Library:
    (folder / "red.txt").write_text("a red boat\n", encoding="utf-8")
    (folder / "call.wav").write_bytes(recordings.sound("wav", 1.0))
    library = open_library()
    assert library.add().wait(60).added == 2
    return library


def answered(library: Library, root: Path, question: str, **fields: object) -> tuple[dict[str, Any], list[int]]:
    handed: list[int] = []
    return answer_of(question)(EngineQuestion(library, (root,), fields, handed)), handed


def test_jobs_are_told_newest_first_and_one_that_ended_stays_as_it_is(held: Library, folder: Path) -> None:
    told, _ = answered(held, folder, "jobs")
    (job,) = told["jobs"]
    assert (job["state"], job["added"]) == ("done", 2)
    assert answered(held, folder, "cancel", job=job["job"])[0]["jobs"] == [job]


def test_a_look_and_a_quote_keep_to_the_roots_of_who_asks(held: Library, folder: Path, tmp_path: Path) -> None:
    looked, _ = answered(held, folder, "look", target="red.txt")
    assert "a red boat" in str(looked["look"])
    quoted, _ = answered(held, folder, "quote", target="red.txt", quote="a red boat")
    assert str(quoted["told"]).startswith("Exact: ")
    for name in ("look", "quote", "recording"):
        with pytest.raises(RetrievalError):
            answered(held, tmp_path / "elsewhere", name, target=str(folder / "red.txt"), quote="a red boat")


def test_a_recording_is_handed_over_open(held: Library, folder: Path) -> None:
    told, (fd,) = answered(held, folder, "recording", target="call.wav")
    with os.fdopen(fd, "rb") as file:
        size = len(file.read())
    assert told == {"recording": {"media_type": "audio/wav", "bytes": size}}


def test_what_lies_outside_the_roots_is_counted(held: Library, folder: Path, tmp_path: Path) -> None:
    assert answered(held, folder, "outside")[0]["outside"]["files"] == 0
    told, _ = answered(held, tmp_path / "elsewhere", "outside")
    assert told["outside"] == {"files": 2, "under": str(folder)}


def test_what_vanished_is_told_and_brought_back_by_name_alone(held: Library, folder: Path) -> None:
    data = (folder / "red.txt").read_bytes()
    (folder / "red.txt").unlink()
    assert held.add().wait(60).removed == 1
    told, _ = answered(held, folder, "restore")
    assert told["restored"] == []
    assert [Path(one["path"]).name for one in told["vanished"]] == ["red.txt"]
    (folder / "red.txt").write_bytes(data)
    told, _ = answered(held, folder, "restore", paths=[str(folder / "red.txt")])
    assert len(told["restored"]) == 1 and told["vanished"] == []


def test_an_unknown_question_is_refused() -> None:
    with pytest.raises(RetrievalError, match=r"weather: the engine .* does not know this question"):
        answer_of("weather")
