import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval import __version__
from mcp_mmretrieval.adding.cluster import task
from mcp_mmretrieval.adding.cluster.messages import NodeUnfit, NotReadable, ReadOrder, SegmentsStaged, TextRead
from mcp_mmretrieval.adding.reading import SPLITTER, FileReader, FileText, FileToRead
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.roots import open_exactly
from mcp_mmretrieval.roots.digest import document_digest
from mcp_mmretrieval.types import Identity
from tests.support import files

OFF = {"ocr": "off", "speech": "off"}


@pytest.fixture(autouse=True)
def own_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A node's parsers end with its process; these end with the test."""
    made: list[Workers] = []

    def workers(limits: Limits, count: int) -> Workers:
        made.append(Workers(limits, count))
        return made[-1]

    monkeypatch.setattr(task, "Workers", workers)
    monkeypatch.setattr(task, "_node_reader", task._node_reader.__wrapped__)  # each test with one of its own
    yield
    for each in made:
        each.close()


def order(path: Path, **more: object) -> ReadOrder:
    with open_exactly(str(path)) as file:
        digest = document_digest(file)
    told = {"settings": OFF, "identity": {"splitter": SPLITTER, **OFF}, "version": __version__}
    return ReadOrder(path=str(path), document=digest, **{**told, **more})  # type: ignore[arg-type]


def test_a_file_is_read_as_the_engine_would(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# Pumps\n\nThe third pump failed.\n")
    (last,) = task.read_file(order(path))
    assert isinstance(last, TextRead)
    assert [segment.text for segment in last.text.segments] == ["# Pumps\n\nThe third pump failed."]


def test_what_was_costly_comes_as_soon_as_it_is_read_and_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    files.recording(path, (440.0, 70.0))
    *staged, last = task.read_file(order(path))
    assert isinstance(last, TextRead)
    assert [one.ordinal for one in staged if isinstance(one, SegmentsStaged)] == list(range(len(last.text.segments)))
    *more, again = task.read_file(order(path, staged=tuple(last.text.segments[:2])))
    assert isinstance(again, TextRead)
    assert again.text.segments == last.text.segments
    assert len(more) == len(staged) - 2


def test_a_file_that_cannot_be_read_is_so_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 and no more")
    (last,) = task.read_file(order(path))
    assert last == NotReadable("corrupt", last.reason if isinstance(last, NotReadable) else "")


def test_a_node_that_sees_another_file_or_none_is_to_blame(tmp_path: Path) -> None:
    path = tmp_path / "data" / "a.txt"
    path.parent.mkdir()
    path.write_text("one")
    wanted = order(path)
    path.write_text("two")
    assert [*task.read_file(wanted)] == [
        NodeUnfit("has another file there. Mount the same storage there, under the same path.", False)
    ]
    path.unlink()
    assert [*task.read_file(wanted)] == [NodeUnfit("does not see it, though it sees its folder.", False)]
    shutil.rmtree(path.parent)
    (last,) = task.read_file(wanted)
    assert last == NodeUnfit(f"does not see {path.parent}. Mount the storage there, under the same path.", True)


def test_a_node_with_another_version_or_another_model_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    (last,) = task.read_file(order(path, version="0.0.1"))
    assert last == NodeUnfit(f"has mcp-mmretrieval {__version__}, the engine 0.0.1. Install the same there.", True)
    (last,) = task.read_file(order(path, identity={"splitter": SPLITTER, "ocr": "other", "speech": "off"}))
    assert last == NodeUnfit("has another model or version of ocr. Install there what the engine has.", True)


def test_a_task_that_is_cancelled_ends_once_its_reading_has(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    files.recording(path, (440.0, 300.0))
    answers = task.read_file(order(path))
    assert isinstance(next(answers), SegmentsStaged)
    answers.close()  # type: ignore[attr-defined]
    assert "read" not in {thread.name for thread in threading.enumerate()}


class WithoutModel(FileReader):
    """What reads where a model's files are gone."""

    def __init__(self) -> None:
        pass

    @property
    def identity(self) -> Identity:
        return {}

    def read(self, source: FileToRead, **more: object) -> FileText:
        raise UnreadableMedia("model_missing", "The model is missing. Run: mcp-mmretrieval doctor.")


def test_a_model_that_is_missing_is_the_fault_of_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sign.png"
    files.picture(path)
    monkeypatch.setattr(task, "_node_reader", lambda settings: WithoutModel())
    assert [*task.read_file(order(path, identity={}))] == [
        NodeUnfit("The model is missing. Run: mcp-mmretrieval doctor.", True)
    ]
