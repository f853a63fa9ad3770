import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.adding.cluster import process as module
from mcp_mmretrieval.adding.cluster.messages import ReadOrder, SegmentsStaged, TextRead
from mcp_mmretrieval.adding.cluster.process import ClusterProcess, DriverGone, NodeAnswer
from mcp_mmretrieval.errors import Cancelled, ClusterUnavailable
from mcp_mmretrieval.front import child

STAND_IN = "tests.support.cluster_driver"


def order(path: str) -> ReadOrder:
    return ReadOrder(path=path, document="d" * 64, settings={}, identity={}, version="")


@pytest.fixture
def process() -> Iterator[ClusterProcess]:
    made = ClusterProcess("head:1", Path("token"), entry=STAND_IN)
    yield made
    made.close()


def read(process: ClusterProcess, path: str, stop: threading.Event | None = None) -> list[NodeAnswer]:
    return list(process.read(order(path), (), (), stop or threading.Event()))


def title(said: NodeAnswer) -> str:
    assert isinstance(said[1], TextRead)
    return said[1].text.title


def test_answers_come_to_the_last_word(process: ClusterProcess) -> None:
    (_, staged), (node, last) = read(process, "/a")
    assert isinstance(staged, SegmentsStaged)
    assert isinstance(last, TextRead)
    assert staged.segments == tuple(last.text.segments)
    assert node is not None and node.name == "10.0.0.1"


def test_several_files_are_under_way_in_one_process(process: ClusterProcess) -> None:
    paths = [f"/{number}" for number in range(20)]
    found: dict[str, NodeAnswer] = {}

    def note(path: str) -> None:
        found[path] = read(process, path)[-1]

    threads = [threading.Thread(target=note, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = {path: answer.text for path, (_, answer) in found.items() if isinstance(answer, TextRead)}
    assert {path: text.segments[0].text for path, text in texts.items()} == {path: path for path in paths}
    assert {text.title for text in texts.values()} == {f"by {process.pid}"}


def test_who_stops_waits_no_longer_and_nothing_more_is_passed_on(process: ClusterProcess) -> None:
    stop = threading.Event()
    answers = process.read(order("/wait"), (), (), stop)
    next(answers)
    stop.set()
    with pytest.raises(Cancelled):
        next(answers)
    assert isinstance(read(process, "/b")[-1][1], TextRead)


def test_a_process_that_dies_is_told_and_the_next_file_has_a_new_one(process: ClusterProcess) -> None:
    read(process, "/a")
    first = process.pid
    with pytest.raises(DriverGone):
        read(process, "/die")
    read(process, "/b")
    assert process.pid not in (None, first)


@pytest.mark.parametrize(("address", "told"), [("refuses:1", "refuses:1: refused."), ("dies:1", "exit code 0")])
def test_why_it_does_not_connect_is_told_to_all_that_are_under_way_without_asking_again(
    address: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Mock(wraps=child.start_child)
    monkeypatch.setattr(module, "start_child", start)
    process = ClusterProcess(address, Path("token"), entry=STAND_IN)
    for _ in range(3):
        with pytest.raises(ClusterUnavailable, match=told):
            read(process, "/a")
    assert start.call_count == 1
    process.close()


def test_it_ends_after_a_while_without_a_file_and_comes_back(
    process: ClusterProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = title(read(process, "/a")[-1])
    process.rest()
    assert title(read(process, "/b")[-1]) == first  # the process that read it is named there
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    process.rest()
    assert title(read(process, "/c")[-1]) != first


def test_no_file_is_read_once_it_is_closed(process: ClusterProcess) -> None:
    process.close()
    with pytest.raises(Cancelled):
        read(process, "/a")
