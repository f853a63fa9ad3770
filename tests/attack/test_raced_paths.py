"""A folder is swapped for a link all the time, while it is added, compared with and opened.

Nothing of where the link leads is ever opened, held, found, or given to a model.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.readable import ReadableFiles
from mcp_mmretrieval.types import Content, Vectors
from tests.attack.forms import FULL, rounds
from tests.support.models import ColourEmbedder, LengthReranker, ModelsByHand
from tests.support.threads import tries

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")

OPENS = rounds(4_000, 100_000)
"""For each of the three places that the link leads to."""
ADDS = rounds(7, 200)
NAMES = [f"{number}.md" for number in range(6)]
INSIDE, OUTSIDE = "green insideq", "red outsideq"
EXCHANGE = 2
"""RENAME_EXCHANGE of renameat2(2)."""
SWAP = f"""
import ctypes, sys
libc = ctypes.CDLL(None)
a, b = (path.encode() for path in sys.argv[1:])
print("ready", flush=True)
while True:
    libc.renameat2(-100, a, -100, b, {EXCHANGE})
"""


class Scene:
    """A root with a folder of notes and a link that takes its place; the library; where the link leads."""

    def __init__(self, tmp_path: Path, where: str) -> None:
        self.root = tmp_path / "files"
        self.library = tmp_path / "library" if where != "library" else self.root / "library"
        self.outside = {"outside": tmp_path / "outside", "secrets": self.root / ".ssh", "library": self.library}[where]
        self.notes, self.link = self.root / "notes", self.root / "link"
        self.notes.mkdir(parents=True)
        self.outside.mkdir(parents=True, exist_ok=True)
        self.link.symlink_to(self.outside)
        for name in NAMES:
            (self.outside / name).write_text(f"{OUTSIDE}\n" * 3, encoding="utf-8")
        self._written = [os.open(self.notes / name, os.O_RDWR | os.O_CREAT, 0o600) for name in NAMES]
        """Held open: by its name one would write wherever the link leads."""

    def write(self, number: int) -> None:
        """Other notes than before."""
        for name, file in zip(NAMES, self._written, strict=True):
            os.pwrite(file, f"{INSIDE} {number:06} {name}\n".encode(), 0)

    def close(self) -> None:
        for file in self._written:
            os.close(file)


@pytest.fixture(params=["outside", "secrets", "library"])
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(tmp_path, request.param)
    made.write(0)
    if ctypes.CDLL(None).renameat2(-100, bytes(made.notes), -100, bytes(made.link), EXCHANGE) != 0:
        pytest.skip("this file system cannot exchange names")
    yield made
    made.close()


@contextmanager
def swapping(scene: Scene) -> Iterator[None]:
    command = [sys.executable, "-c", SWAP, str(scene.notes), str(scene.link)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


class Witness(ModelsByHand):
    """Models that keep what they are given."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.given: Counter[str] = Counter()
        self._made = WitnessEmbedder(self.given)

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        return WitnessReranker(self.given)


class WitnessEmbedder(ColourEmbedder):
    def __init__(self, given: Counter[str]) -> None:
        super().__init__()
        self._given = given

    def _vector(self, content: Content) -> Vectors:
        self._given[str(content)] += 1
        return super()._vector(content)


class WitnessReranker(LengthReranker):
    def __init__(self, given: Counter[str]) -> None:
        self._given = given

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        self._given.update(map(str, contents))
        return super().score(query, contents)


@pytest.mark.timeout(3_600 if FULL else 120)
def test_what_opens_is_never_what_the_link_leads_to(scene: Scene) -> None:
    files = ReadableFiles(Roots([scene.root]), scene.library)
    seen: Counter[tuple[str, str]] = Counter()
    with swapping(scene):
        for number in tries(OPENS, lambda: len(seen) >= 4):
            folder = (scene.notes, scene.link)[number % 2]
            try:
                with files.open(folder / NAMES[number % len(NAMES)]) as file:
                    seen[folder.name, os.pread(file.fd, len(INSIDE), 0).decode()] += 1
            except RetrievalError:
                seen[folder.name, "refused"] += 1
    print(dict(seen))
    assert seen.keys() == {(name, what) for name in ("notes", "link") for what in (INSIDE, "refused")}


@pytest.mark.timeout(3_600 if FULL else 120)
def test_what_the_link_leads_to_is_never_held_found_or_given_to_a_model(scene: Scene) -> None:
    settings = Settings(library=scene.library, roots=(scene.root,), workers=1)
    models = Witness(settings)
    done: Counter[str] = Counter()
    with Library.open(settings=settings, models=models) as library, swapping(scene):
        for number in tries(ADDS, lambda: min(done["read"], done["compared"], done["refused"]) > 0):
            scene.write(number)
            outcome = library.add().wait(60)
            assert outcome.state == "done"
            done.update(read=outcome.added + outcome.replaced, failed=len(outcome.failed), moved=outcome.moved)
            for name in NAMES:
                done.update(compared(library, scene, name))
            held = library.documents(limit=200)[0]
            assert {Path(one.path).parent for one in held} <= {scene.notes, scene.link}
            assert not library.search("outsideq", lanes=("words",)).hits
        assert library.settle(60)
        done["held"] = library.documents()[1]
    print(dict(done), f"{len(models.given)} texts were given to models")
    assert any(INSIDE in text for text in models.given)
    assert not [text for text in models.given if OUTSIDE in text]
    assert done["read"] > 0
    assert done["compared"] > 0
    assert done["refused"] > 0
    assert b"outsideq" not in (scene.library / "catalog.db").read_bytes()


def compared(library: Library, scene: Scene, name: str) -> Iterator[str]:
    """Search by example and rank a file that is named by both its paths."""
    for folder in (scene.notes, scene.link):
        for ask in (
            lambda path: library.search(like=path),
            lambda path: library.rerank("which is green", [path]),
            lambda path: library.look(path),
        ):
            try:
                ask(str(folder / name))
                yield "compared"
            except RetrievalError:
                yield "refused"
