"""A library, jobs and staging of an earlier commit open with this one: nothing is lost, and all is found.

What files say is read in another way since then (`SPLITTER`), so adding them once more reads them once more. If
something here fails, a name or a value was changed that stands on people's disks. See `library_made_before`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval import Library
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import recipe
from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
from mcp_mmretrieval.models.process.remote import RemoteEmbedder, RemoteTextReader, RemoteTranscriber
from mcp_mmretrieval.store import index
from tests import library_made_before as before

PATIENCE = 240.0

pytestmark = pytest.mark.builtin
Open = Callable[[str, str], Library]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of all that was kept, at another path than it was made at."""
    return tmp_path_factory.mktemp("before")


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, Any]:
    """What the earlier commit answered."""
    return before.unpacked(folder)


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something is split, read by OCR, transcribed or embedded as a document."""
    calls: Counter[str] = Counter()

    def counted(owner: type, method: str, what: str) -> None:
        real = getattr(owner, method)

        def call(*given: Any, **named: Any) -> Any:
            calls[what] += 1
            return real(*given, **named)

        monkeypatch.setattr(owner, method, call)

    counted(Workers, "split", "split")
    counted(RemoteTextReader, "recognise", "seen")
    counted(RemoteTranscriber, "transcribe", "heard")
    counted(BuiltinEmbedder, "embed_documents", "embedded")
    counted(RemoteEmbedder, "embed_documents", "embedded")
    return calls


@pytest.fixture
def opened(folder: Path, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens a library by its name over one of the folders, with the models that it keeps to."""
    libraries: list[Library] = []
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)  # it was made when every library had an index
    monkeypatch.setenv("MMRETRIEVAL_DEVICE", "cpu")  # on a GPU a model computes in another precision: another space

    def open_it(name: str, root: str) -> Library:
        libraries.append(Library.open(folder / name, roots=[folder / root]))
        return libraries[-1]

    yield open_it
    for library in libraries:
        library.close()


def best_hits(hits: list[list[Any]]) -> list[list[Any]]:
    """The two best hits of a search, without their scores, their lanes, and which seconds of a film they cite."""
    return [[*(str(value).partition("#t=")[0] for value in hit[:4]), hit[6]] for hit in hits[:2]]


@pytest.mark.parametrize(("name", "root"), [("held", "media"), ("hub", "little")])
def test_what_was_read_and_embedded_is_found_as_it_was(
    name: str, root: str, folder: Path, said: dict[str, Any], opened: Open, made_anew: Counter[str]
) -> None:
    kept = before.kept(folder / name)
    assert {"text", "picture"} == {row[3] for row in kept["vectors"]}
    library = opened(name, root)
    found = before.history(library)
    assert [job["job"] for job in found] == [job["job"] for job in said[name]["jobs"]]
    for one, other in zip(found, said[name]["jobs"], strict=True):
        assert {**one, **other} == one
        assert library.job(other["job"]).state == other["state"]

    before.settle(library)
    if said["chromadb"] == version("chromadb"):  # another one may have another format
        assert library.status().index.endswith(" vectors")  # no note: it was not built anew
    assert library.status().pending_vectors == 0
    now = before.kept(folder / name)
    made_of_texts = {"spaces", "embedded", "vectors", "sqlite_sequence"}
    assert {table: now[table] for table in now.keys() - made_of_texts} == {
        table: kept[table] for table in kept.keys() - made_of_texts
    }
    # since then headings stand before texts, and models of the Hub look at larger pictures: one space in place of the
    # other, with a vector wherever there was one
    assert made_anew.keys() == {"embedded"}
    (before_space,), (space,) = kept["spaces"], now["spaces"]
    identity = json.loads(space[1])
    assert identity.pop("headings")
    if name == "held":
        assert (identity, *space[2:]) == (json.loads(before_space[1]), *before_space[2:])
    assert now["embedded"] == [(document, space[0]) for document, _ in kept["embedded"]]
    places = [
        sorted((document, kind, count, where) for _, document, _, kind, count, where, _ in rows["vectors"])
        for rows in (now, kept)
    ]
    assert places[0] == places[1]
    read = [[row for row in rows["sqlite_sequence"] if row[0] not in made_of_texts] for rows in (now, kept)]
    assert read[0] == read[1]

    told = before.told(library, name, folder / root)
    for what in ("total", "documents", "states", "places"):
        assert told[what] == said[name][what]
    for answer, then in zip(told["searches"], said[name]["searches"], strict=True):
        assert best_hits(then)[0] in best_hits(answer)  # what stood first comes first, or close to it
        found_by_words = {hit[0].partition("#t=")[0] for hit in then if "words" in hit[4]}
        assert {hit[0].partition("#t=")[0] for hit in answer} >= found_by_words


def test_words_that_were_not_looked_for_find_what_was_read(opened: Open) -> None:
    library = opened("hub", "little")
    before.settle(library)
    assert library.search("red.png", lanes=("words",)).hits[0].path.endswith("/red.png")


@pytest.mark.parametrize(("name", "root", "files"), [("held", "media", 8), ("hub", "little", 4)])
def test_adding_again_reads_each_file_once_more_and_loses_none(
    name: str, root: str, files: int, opened: Open, made_anew: Counter[str]
) -> None:
    library = opened(name, root)
    before.settle(library)
    held = {one.citation for one in library.documents(limit=200)[0]}
    outcome = library.add().wait(PATIENCE)
    assert (outcome.state, outcome.added) == ("done", 0)
    assert made_anew["split"] == files + len(outcome.failed)
    before.settle(library)
    assert library.status().pending_vectors == 0
    assert {one.citation for one in library.documents(limit=200)[0]} == held

    made_anew.clear()
    outcome = library.add().wait(PATIENCE)
    assert (outcome.state, outcome.unchanged, outcome.added, outcome.replaced) == ("done", files, 0, 0)
    assert made_anew == Counter(split=len(outcome.failed))  # what could not be read is tried again


def test_jobs_that_were_killed_read_their_files_from_the_beginning(
    folder: Path, said: dict[str, Any], opened: Open, made_anew: Counter[str]
) -> None:
    kept = before.staged(folder / "halved")
    assert {json.loads(payloads[0])[0] for payloads in kept.values()} == {"page", "audio"}
    library = opened("halved", "long")
    ids, segments = said["halved"]["jobs"], said["halved"]["segments"]
    jobs = [library.add([str(folder / "long" / name)]) for name in ids]
    assert [job.id for job in jobs] == list(ids.values())  # they are known to be asked for already
    for job in jobs:
        outcome = job.wait(PATIENCE)
        assert (outcome.state, outcome.added) == ("done", 1)
    assert (made_anew["seen"], made_anew["heard"]) == (segments["scan.pdf"], segments["log.ogg"])
    assert {one.citation: one.segments for one in library.documents()[0]} == segments
    with before.catalog(folder / "halved") as db:
        texts = "SELECT text FROM texts t JOIN segments s ON s.key = t.segment ORDER BY s.key"
        assert all(text for (text,) in db.execute(texts))
    assert before.staged(folder / "halved") == {}  # what an earlier way to read had staged is never gone on from
    before.settle(library)
    assert library.status().pending_vectors == 0


@pytest.mark.parametrize("name", ["held", "hub"])
def test_what_makes_a_spaces_vectors_is_said_in_the_same_words(name: str, said: dict[str, Any]) -> None:
    (made_by,) = said["made_by"][name]
    assert recipe.recipe_of(recipe.profile_in_recipe(made_by), recipe.embedder_in_recipe(made_by)) == made_by


@pytest.mark.usefixtures("said")
def test_a_new_catalog_has_the_tables_columns_and_indexes_of_before(folder: Path, tmp_path: Path) -> None:
    Library.open(tmp_path / "new").close()
    made, new = (before.schema(path) for path in (folder / "held", tmp_path / "new"))
    assert made == new
