import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.cluster.messages import (
    ClusterAnswer,
    ClusterNode,
    NodeUnfit,
    NoNode,
    NotReadable,
    ReadOrder,
    SegmentsStaged,
    TaskLost,
    TextRead,
)
from mcp_mmretrieval.adding.cluster.process import ClusterProcess, DriverGone, NodeAnswer
from mcp_mmretrieval.adding.cluster.reader import BytesUnderWay, ClusterFileReader
from mcp_mmretrieval.adding.reading import FileReader, FileText, FileToRead
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Cancelled, ClusterUnavailable, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.roots import OpenFile
from mcp_mmretrieval.types import Place, Segment
from tests.support.models import ModelsByHand

PATIENCE = 60.0
TEXT = TextRead(FileText(title="read"))
GONE = "gone"


class Cluster(ClusterProcess):
    """Nodes by hand: what each says of a file, once and then again, as long as it is not avoided."""

    def __init__(self, *said: tuple[str, ClusterAnswer | str]) -> None:
        """`said`: the node and its answer, one after the other. A node that is to be avoided must not be asked."""
        super().__init__("head:1", Path("token"))
        self._said = list(said)
        self.orders: list[ReadOrder] = []

    def read(
        self, order: ReadOrder, refused: Collection[str], lost: Collection[str], stop: threading.Event
    ) -> Iterator[NodeAnswer]:
        self.orders.append(order)
        while True:
            name, answer = self._said.pop(0)
            if isinstance(answer, str):
                raise DriverGone
            if isinstance(answer, NoNode):
                yield None, answer
                return
            assert name not in refused
            yield ClusterNode(name, f"at {name}"), answer
            if not isinstance(answer, SegmentsStaged):
                return


ReadOn = Callable[..., FileText]


@pytest.fixture
def read(tmp_path: Path) -> Iterator[ReadOn]:
    """Reads a file on a cluster."""
    settings = Settings(library=tmp_path)
    workers = Workers(Limits(), 1)
    source = FileToRead(OpenFile(fd=-1, path="/data/a.pdf", size=10, mtime_ns=0), "d" * 64)

    def on(cluster: Cluster, **more: object) -> FileText:
        reader = ClusterFileReader(cluster, FileReader(workers, ModelsByHand(settings)), settings)
        return reader.read(source, **more)  # type: ignore[arg-type]

    yield on
    workers.close()


def segment(number: int) -> Segment:
    return Segment(document="d" * 64, modality="page", place=Place(page=number))


def test_what_a_node_read_is_what_reading_gives(read: ReadOn) -> None:
    cluster = Cluster(("a", TEXT))
    assert read(cluster).title == "read"
    (order,) = cluster.orders
    assert order.identity["ocr"] == "shapes"
    assert (order.settings["threads"], order.settings["max_pages"]) == (1, 2_000)
    assert not {"roots", "library", "index_token"} & set(order.settings)


def test_a_file_whose_process_or_node_dies_goes_on_behind_what_was_read_of_it(read: ReadOn) -> None:
    one, two = segment(1), segment(2)
    cluster = Cluster(("a", SegmentsStaged(0, (one, two))), ("a", TaskLost("its process ended")), ("b", TEXT))
    kept: list[tuple[int, tuple[Segment, ...]]] = []
    assert read(cluster, stage=lambda ordinal, segments: kept.append((ordinal, tuple(segments)))).title == "read"
    assert kept == [(0, (one, two))]
    assert [order.staged for order in cluster.orders] == [(), (one, two)]


def test_a_file_that_kills_three_tasks_is_one_line(read: ReadOn) -> None:
    lost = TaskLost("its process ended (WorkerCrashedError)")
    with pytest.raises(UnreadableMedia, match=r"3 tries: on at a its process ended .* on at b") as raised:
        read(Cluster(("a", lost), ("b", lost), ("a", lost), ("b", TEXT)))
    assert raised.value.code == "parser_crashed"


def test_a_file_that_waited_for_nodes_which_died_is_not_to_blame(read: ReadOn) -> None:
    waited = TaskLost("its node went away before it began", begun=False)
    assert read(Cluster(*[(name, waited) for name in "abcd"], ("e", TEXT))).title == "read"


def test_a_file_that_one_node_cannot_read_is_read_by_another(read: ReadOn) -> None:
    assert read(Cluster(("a", NodeUnfit("does not see it.", False)), ("b", TEXT))).title == "read"


def test_a_file_that_no_node_can_read_is_one_line_with_what_each_said(read: ReadOn) -> None:
    blind, other = NodeUnfit("does not see it.", False), NodeUnfit("has another file there.", False)
    with pytest.raises(UnreadableMedia, match="node at a does not see it; node at b has another file there") as raised:
        read(Cluster(("a", blind), ("b", other), ("", NoNode())))
    assert raised.value.code == "not_found_or_not_allowed"


def test_nodes_that_can_read_nothing_end_the_job(read: ReadOn) -> None:
    old = NodeUnfit("has mcp-mmretrieval 0.0.1. Install the same there.", True)
    with pytest.raises(ClusterUnavailable, match=r"no node of the Ray cluster can read /data/a\.pdf: node at a"):
        read(Cluster(("a", old), ("", NoNode())))
    with pytest.raises(ClusterUnavailable, match="ray start --address=head:1"):
        read(Cluster(("", NoNode())))


def test_what_is_wrong_with_the_file_is_told_as_here(read: ReadOn) -> None:
    with pytest.raises(UnreadableMedia, match="needs a password") as raised:
        read(Cluster(("a", NotReadable("encrypted", "needs a password"))))
    assert raised.value.code == "encrypted"


def test_a_lost_cluster_is_asked_again_and_ends_the_job_only_if_it_stays_lost(read: ReadOn) -> None:
    assert read(Cluster(("", GONE), ("", GONE), ("a", TEXT))).title == "read"
    with pytest.raises(ClusterUnavailable, match=r"was lost 3 times\. What was added stays"):
        read(Cluster(("", GONE), ("", GONE), ("", GONE)))


def test_files_wait_until_there_is_room_for_their_bytes_and_a_huge_one_goes_alone() -> None:
    room, stop = BytesUnderWay(100), threading.Event()
    entered, leave = threading.Event(), threading.Event()

    def huge() -> None:
        with room.taken(1_000, stop):
            entered.set()
            assert leave.wait(PATIENCE)

    with room.taken(60, stop), room.taken(40, stop):
        thread = threading.Thread(target=huge)
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(PATIENCE)
    given_up = threading.Event()
    given_up.set()
    with pytest.raises(Cancelled), room.taken(1, given_up):
        pass
    leave.set()
    thread.join()
    with room.taken(100, stop):
        pass
