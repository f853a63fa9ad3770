"""Real files on a real Ray: what nodes read is what is read here, and nothing is lost or twice when they die."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from mcp_mmretrieval import Library
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.jobs import Job
from mcp_mmretrieval.models import TextReader, Transcriber
from mcp_mmretrieval.types import Identity
from tests.support import files
from tests.support.models import ModelsByHand
from tests.support.ray_cluster import PATIENCE, RayCluster, RayNode

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("TEST_RAY_KILLS", "5"))
FILES = 12
"""Recordings, and as many texts, that are added while one node dies."""


class NoReaders(ModelsByHand):
    """Neither OCR nor speech, as the nodes of these tests."""

    @property
    def reading(self) -> Identity:
        return {"ocr": "off", "speech": "off"}

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        return None

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return None


OpenOn = Callable[..., Library]


@pytest.fixture
def open_on(tmp_path: Path, folder: Path) -> Iterator[OpenOn]:
    """Opens a library whose files a cluster reads; without one it reads them itself."""
    opened: list[Library] = []

    def open_it(cluster: RayCluster | None, name: str = "library", **given: object) -> Library:
        if cluster is not None:
            given = {"ray": cluster.address, "ray_token_file": cluster.token, "ray_files": 4, **given}
        told = {"library": tmp_path / name, "roots": (folder,), "ocr": "off", "speech": "off", **given}
        settings = Settings.read(**told)
        opened.append(Library.open(settings=settings, models=NoReaders(settings)))
        return opened[-1]

    yield open_it
    for library in opened:
        library.close()


def held(library: Library) -> Mapping[str, tuple[object, ...]]:
    """Each document by its path, with all that was read of it. Fails where one is held twice."""
    catalog = library._opened.shared.catalog
    documents, total = library.documents(limit=10_000)
    assert total == len(documents) == len({one.path for one in documents})
    found = {}
    for one in documents:
        file = catalog.file(one.path)
        assert file is not None
        segments = [each.segment for each in catalog.segments_of(file.document)]
        found[one.path] = (one.modality, one.title, one.pages, one.seconds, one.notes, segments)
    return found


def wait_for(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def under_way(job: Job, node: RayNode) -> bool:
    """Whether some files are added and the node reads one."""
    return job.outcome.added > FILES / 4 and bool(node.processes("ray::read_file"))


def test_files_of_every_kind_are_read_as_here(
    cluster: RayCluster, demo_files: Path, open_on: OpenOn, folder: Path
) -> None:
    cluster.start()
    for path in demo_files.rglob("*"):
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    there, here = open_on(cluster), open_on(None, "here")
    outcome = there.add().wait()
    assert (outcome.state, outcome.error, outcome.failed) == ("done", "", ())
    assert here.add().wait().added == outcome.added
    assert held(there) == held(here)


def test_nodes_that_die_while_they_read_cost_no_file_and_make_none_twice(
    cluster: RayCluster, open_on: OpenOn, folder: Path
) -> None:
    there, here = open_on(cluster), open_on(None, "here")
    cluster.start()
    for kill in range(KILLS):
        dying = cluster.start()
        for number in range(FILES):
            files.recording(folder / f"{kill}-{number}.wav", (300.0 + FILES * kill + number, 40.0))
            folder.joinpath(f"{kill}-{number}.md").write_text(f"# {kill}\n\nnumber {number}\n")
        job = there.add()
        wait_for(partial(under_way, job, dying))
        dying.kill()
        outcome = job.wait()
        assert (outcome.state, outcome.error, outcome.failed) == ("done", "", ())
        assert outcome.added == 2 * FILES
    here.add().wait()
    assert len(held(there)) == 2 * FILES * KILLS
    assert held(there) == held(here)


def test_a_file_that_kills_its_process_three_times_is_one_line_and_the_others_are_read(
    cluster: RayCluster, open_on: OpenOn, folder: Path
) -> None:
    node = cluster.start()
    library = open_on(cluster, ray_files=1)
    files.recording(folder / "a.wav", (440.0, 3_000.0))
    (folder / "b.md").write_text("a word\n")
    job = library.add()
    killed: set[int] = set()
    for _ in range(3):
        wait_for(lambda: set(node.processes("ray::read_file")) - killed)
        (pid,) = set(node.processes("ray::read_file")) - killed
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
    outcome = job.wait()
    assert (outcome.state, outcome.added, [one.code for one in outcome.failed]) == ("done", 1, ["parser_crashed"])
    assert "could not be read on the Ray cluster in 3 tries: on 127.0.0.1 its process ended" in outcome.failed[0].reason


def test_what_a_node_does_not_see_is_read_by_another_and_said_once_where_none_does(
    cluster: RayCluster, open_on: OpenOn, folder: Path
) -> None:
    for number in range(6):
        (folder / f"{number}.md").write_text(f"number {number}\n")
    cluster.start(hidden=folder.parent)
    outcome = open_on(cluster).add().wait()
    assert (outcome.state, outcome.added, outcome.failed) == ("failed", 0, ())
    assert "no node of the Ray cluster can read" in outcome.error
    assert f"does not see {folder}. Mount the storage there, under the same path" in outcome.error
    cluster.start()
    outcome = open_on(cluster, "other").add().wait()
    assert (outcome.state, outcome.added, outcome.failed) == ("done", 6, ())


def test_cancelling_ends_the_task_and_a_driver_that_dies_costs_nothing(
    cluster: RayCluster, open_on: OpenOn, folder: Path
) -> None:
    node = cluster.start()
    library = open_on(cluster)
    files.recording(folder / "long.wav", (440.0, 3_000.0))
    job = library.add()
    wait_for(lambda: node.processes("ray::read_file"))
    job.cancel()
    assert job.wait().state == "cancelled"
    wait_for(lambda: not node.processes("ray::read_file"))
    again = library.add()
    wait_for(lambda: node.processes("ray::read_file"))
    assert library._opened._cluster is not None
    pid = library._opened._cluster._process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    outcome = again.wait()
    assert (outcome.state, outcome.added, outcome.failed) == ("done", 1, ())


def test_a_wrong_token_and_a_cluster_without_nodes_end_the_job_with_one_line(
    cluster: RayCluster, open_on: OpenOn, folder: Path, tmp_path: Path
) -> None:
    (folder / "a.md").write_text("a word\n")
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    wrong.chmod(0o600)
    outcome = open_on(cluster, ray_token_file=wrong).add().wait()
    assert outcome.state == "failed"
    assert f"{wrong} must hold the cluster's token" in outcome.error
    outcome = open_on(cluster, "other").add().wait()
    assert (outcome.state, outcome.failed) == ("failed", ())
    assert "no node of the Ray cluster has a processor for us" in outcome.error
