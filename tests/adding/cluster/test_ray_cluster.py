"""Real files on a real Ray: what nodes read is what is read here, and nothing is lost or twice when they die."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mcp_mmretrieval import Library
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import TextReader, Transcriber
from mcp_mmretrieval.types import Identity
from tests.support.models import ModelsByHand
from tests.support.ray_cluster import RayCluster

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


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
    """Each document by its path, with all that was read."""
    catalog = library._opened.shared.catalog
    documents, total = library.documents(limit=10_000)
    assert total == len(documents)
    found = {}
    for one in documents:
        segments = [segment for _, segment in catalog.segments(one.id)] if hasattr(catalog, "segments") else one.segments
        found[one.path] = (one.id, one.modality, one.title, one.pages, one.seconds, one.notes, segments)
    return found


def test_files_of_every_kind_are_read_as_here(
    cluster: RayCluster, demo_files: Path, open_on: OpenOn, folder: Path
) -> None:
    cluster.start()
    for path in demo_files.rglob("*"):
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    there = open_on(cluster).add().wait()
    assert (there.state, there.error, there.failed) == ("done", "", ())
    here = open_on(None, "here").add().wait()
    assert there.added == here.added == len(list(folder.iterdir()))
