"""Another profile for a library that is in use: the old vectors answer until the new ones can."""

import signal
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.adding import batching
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Embedder, headed_text, recipe
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.store import Scope, Store
from mcp_mmretrieval.types import Content, VectorKind, Vectors
from tests.conftest import OpenLibrary
from tests.support.crash_library import FEW
from tests.support.files import BLUE, RED, picture
from tests.support.models import PATIENCE, ColourEmbedder, Gate, ModelsByHand
from tests.support.rows import document_ids


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        picture(folder / f"{number}.png", RED if number % 2 else BLUE)
        (folder / f"note{number}.md").write_text(f"red note {number}", encoding="utf-8")


def served(library: Library) -> str:
    return library.profile().spaces["serving"].split(":")[0]


def read_at(library: Library) -> list[tuple[str, float]]:
    with sqlite3.connect(library.settings.library / "catalog.db") as db:
        return db.execute("SELECT id, read_at FROM documents ORDER BY id").fetchall()


def ids(library: Library, query: str = "red") -> set[str]:
    return {hit.id for hit in library.search(query, lanes=("text", "picture"), limit=50).hits}


class Gated(ModelsByHand):
    """The embedder of another profile than the first waits at a gate for each call; who was made is remembered."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        super().__init__(settings)
        self._gate = gate

    def want(self, profile: str) -> None:
        super().want(profile)
        self._made = Waiting(profile, self._gate) if profile != "colours" else ColourEmbedder()


class Waiting(ColourEmbedder):
    """Waits at a gate before documents are taken in."""

    def __init__(self, name: str, gate: Gate) -> None:
        super().__init__(name)
        self._gate = gate

    @property
    def calls_at_once(self) -> int:
        return 1  # so that the gate counts documents

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        self._gate.enter()
        return super().embed_documents(contents, titles)

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        return dict.fromkeys(self.dims, super().embed_documents([query]))


class WaitingColours(Waiting):
    """The first profile's embedder, which waits; questions do not."""

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        return ColourEmbedder().embed_query(query)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(tmp_path: Path, folder: Path, gate: Gate) -> Iterator[Library]:
    """A library whose second profile embeds when the gate lets it."""
    settings = Settings(library=tmp_path / "library", roots=(folder,), workers=1)
    with Library.open(settings=settings, models=Gated(settings, gate)) as library:
        yield library
        gate.open()


def test_a_library_in_use_changes_its_profile_without_an_error_a_mixture_or_a_second_reading(
    library: Library, folder: Path
) -> None:
    fill(folder, 12)
    assert library.add().wait(PATIENCE).added == 24
    assert library.settle(PATIENCE)
    before, read = ids(library), read_at(library)
    errors: list[BaseException] = []
    stop = threading.Event()

    def work(what: Callable[[int], object]) -> None:
        number = 0
        while not stop.is_set():
            try:
                what(number)
            except BaseException as error:  # noqa: BLE001 - told below
                errors.append(error)
                return
            number += 1

    def search(number: int) -> None:
        # vectors of the two profiles differ in length: to compare one with the other raises
        hits = library.search("red", lanes=("text", "picture"), limit=50).hits
        assert {hit.id for hit in hits} >= before
        assert library.search(like=str(folder / "1.png")).hits[0].citation == "1.png"

    def add(number: int) -> None:
        if number < 15:
            path = folder / f"later{number}.md"
            path.write_text(f"a red note for later, {number}", encoding="utf-8")
            assert library.add([str(path)]).wait(PATIENCE).added == 1

    threads = [threading.Thread(target=work, args=(what,)) for what in (search, search, add)]
    for thread in threads:
        thread.start()
    for profile in ("longer", "colours", "longer"):
        library.choose(profile)
    assert library.settle(PATIENCE)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []
    assert library.settle(PATIENCE)
    assert served(library) == "longer"
    assert [space.made_by for space in library._catalog.spaces()] == [recipe.recipe_of("longer", None)]
    assert ids(library) >= before
    assert set(read_at(library)) >= set(read)
    assert library.held()[1] == 0


def test_where_headings_stand_otherwise_before_texts_than_they_did_all_is_embedded_anew_and_nothing_read_again(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder, 3)
    settings = Settings(library=tmp_path / "library", roots=(folder,), workers=1)

    def opened() -> tuple[list[tuple[str, float]], list[str], set[str]]:
        with Library.open(settings=settings, models=ModelsByHand(settings)) as library:
            library.add().wait(PATIENCE)
            assert library.settle(PATIENCE)
            return read_at(library), [space.identity for space in library._catalog.spaces()], ids(library)

    read, before, found = opened()
    monkeypatch.setattr(headed_text, "_RULE", {"headings": "as they were once"})
    assert opened()[::2] == (read, found)
    after = opened()[1]
    assert len(after) == 1 and after != before
    assert "as they were once" in after[0]


def test_vectors_without_todays_headings_answer_until_those_with_them_are_made(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    fill(folder, 3)
    settings = Settings(library=tmp_path / "library", roots=(folder,), workers=1)
    with Library.open(settings=settings, models=ModelsByHand(settings)) as library:
        library.add().wait(PATIENCE)
        assert library.settle(PATIENCE)
        before = ids(library)
    monkeypatch.setattr(headed_text, "_RULE", {"headings": "as they were once"})
    models = Gated(settings, gate)
    models._made = WaitingColours("colours", gate)
    with Library.open(settings=settings, models=models) as library:
        assert gate.reached(1)
        assert list(library.profile().spaces) == ["serving", "building"]
        assert ids(library) == before
        gate.open()
        assert library.settle(PATIENCE)
        assert list(library.profile().spaces) == ["serving"]
        assert ids(library) == before


def test_the_old_vectors_answer_for_new_documents_too_until_the_new_ones_are_complete(
    gated: Library, gate: Gate, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH_WINDOWS", 1)
    monkeypatch.setattr(batching, "BATCH_DECODED_BYTES", 1)
    fill(folder, 2)
    gated.add().wait(PATIENCE)
    assert gated.settle(PATIENCE)
    gated.choose("longer")
    assert gate.reached(1)
    (folder / "new.md").write_text("green is new", encoding="utf-8")
    assert gated.add([str(folder / "new.md")]).wait(PATIENCE).added == 1
    gate.admit(1)
    assert gate.reached(2)
    lines = gated.profile().spaces
    assert lines["serving"].startswith("colours: 5 of 5 documents")
    assert lines["building"].startswith("longer: ")
    assert "per 1,000 text vectors" in lines["serving"]
    assert ids(gated)
    gate.open()
    assert gated.settle(PATIENCE)
    assert list(gated.profile().spaces) == ["serving"]
    assert gated.search("green", lanes=("text",)).hits[0].citation.startswith("new.md")


def test_switching_back_half_way_keeps_what_was_made_and_goes_on_from_there(
    gated: Library, gate: Gate, folder: Path
) -> None:
    fill(folder, 3)
    gated.add().wait(PATIENCE)
    assert gated.settle(PATIENCE)
    gated.choose("longer")
    gate.admit(1)
    assert gate.reached(2)
    gated.choose("colours")
    gate.open()
    assert gated.settle(PATIENCE)
    lines = gated.profile().spaces
    assert (served(gated), "kept" in lines) == ("colours", True)
    gated.choose("longer")
    assert gated.settle(PATIENCE)
    assert list(gated.profile().spaces) == ["serving"]
    assert served(gated) == "longer"


def killed(*arguments: object, halted: bool) -> None:
    """Run `tests/support/crash_library.py`, which kills itself, or is killed where it halts."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.crash_library", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert child.stdout is not None
    told = iter(child.stdout)
    if halted:
        assert "HALT\n" in told
        child.send_signal(signal.SIGKILL)
    assert child.wait(PATIENCE) == -signal.SIGKILL
    child.stdout.close()


def test_after_a_kill_half_way_only_the_rest_is_made(
    tmp_path: Path, folder: Path, open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        Image.new("RGB", (32, 32), (255, number, 0)).save(folder / f"{number}.png")
    killed(tmp_path / "library", folder, "another", halted=True)
    store = Store.open(tmp_path / "library")
    old, new = store.catalog.spaces()
    assert (old.active, store.catalog.embedded(old.id)) == (True, 12)
    done = store.catalog.embedded(new.id)
    assert done < FEW
    read = store.catalog.documents(document_ids(store.catalog, Scope()))
    store.close()
    made, embed_documents = list[int](), ColourEmbedder.embed_documents

    def counting(embedder: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        made.extend(1 for content in contents if not isinstance(content, str))
        return embed_documents(embedder, contents, titles)

    monkeypatch.setattr(ColourEmbedder, "embed_documents", counting)
    library = open_library(space="longer")
    assert ids(library)
    assert library.settle(PATIENCE)
    assert len(made) == 12 - done
    assert served(library) == "longer"
    assert [time for _, time in read_at(library)] == [read[id].read_at for id, _ in read_at(library)]
    assert len(library._catalog.spaces()) == 1


def test_a_document_that_ends_the_process_each_time_is_given_up_and_the_others_are_not(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    (folder / "bad.md").write_text("deadly red", encoding="utf-8")
    (folder / "good.md").write_text("red as a rose", encoding="utf-8")
    for _ in range(3):
        killed(tmp_path / "library", folder, "deadly", halted=False)
    library = open_library()
    library.add().wait(PATIENCE)
    assert library.settle(PATIENCE)
    notes = {info.citation: info.notes for info in library.documents()[0]}
    assert "the server ended each time" in notes["bad.md"][0]
    assert notes["good.md"] == ()
    assert library.held() == (2, 0)
    assert [hit.citation for hit in library.search("red", lanes=("text",)).hits] == ["good.md#char=0,13"]
    assert library.search("deadly").hits[0].citation == "bad.md#char=0,10"


class Missing(ModelsByHand):
    """Every profile but `colours` is missing; that is the spare one."""

    @property
    def spare(self) -> str:
        return recipe.recipe_of("colours", None)

    def embedder(self, timeout: float | None = None) -> Embedder:
        if self._made.name != "colours":
            raise ModelUnavailable(f"{self._made.name} is not on this machine.")
        return super().embedder(timeout)

    def loaded(self, maker: str) -> bool:
        return recipe.profile_in_recipe(maker) == "colours"

    def failure(self, maker: str) -> BaseException | None:
        return (
            None
            if self.loaded(maker)
            else ModelUnavailable(f"{recipe.profile_in_recipe(maker)} is not on this machine.")
        )


def test_where_the_wanted_model_is_missing_the_one_that_serves_goes_on_and_the_problem_says_so(
    tmp_path: Path, folder: Path
) -> None:
    fill(folder, 2)
    settings = Settings(library=tmp_path / "library", roots=(folder,), workers=1)
    with Library.open(settings=settings, models=Missing(settings)) as library:
        library.add().wait(PATIENCE)
        assert library.settle(PATIENCE)
        before = ids(library)
        told = library.choose("omni")
        assert (told.kept, told.wanted) == ("omni", "omni")
        assert library.settle(PATIENCE)
        assert served(library) == "colours"
        assert ids(library) >= before
        (problem,) = library.status().problems
        assert "omni is not on this machine" in problem
        assert "mcp-mmretrieval download omni" in problem


def test_a_library_without_any_vectors_begins_with_the_spare_model_where_its_own_is_missing(
    tmp_path: Path, folder: Path
) -> None:
    fill(folder, 2)
    settings = Settings(library=tmp_path / "library", roots=(folder,), workers=1, profile="omni")
    models = Missing(settings, space="omni")
    with Library.open(settings=settings, models=models) as library:
        library.add().wait(PATIENCE)
        assert library.settle(PATIENCE)
        assert served(library) == "colours"
        assert "omni" in library.status().problems[0]
        models._made = ColourEmbedder("colours")  # as if it had been fetched


def test_what_is_asked_for_outright_goes_before_what_the_library_keeps_to(tmp_path: Path, folder: Path) -> None:
    def told(**given: object) -> tuple[str, str]:
        settings = Settings(library=tmp_path / "library", roots=(folder,), **given)  # type: ignore[arg-type]
        with Library.open(settings=settings, models=ModelsByHand(settings)) as library:
            found = library.profile()
            return found.kept, found.wanted

    assert told(profile="colours") == ("colours", "colours")
    assert told() == ("colours", "colours")
    assert told(profile="longer") == ("colours", "longer")
    assert told() == ("colours", "colours")


def test_auto_is_decided_once_when_the_library_is_made_and_says_why(tmp_path: Path, folder: Path) -> None:
    class Deciding(ModelsByHand):
        machine = "colours"

        def auto(self) -> tuple[str, str]:
            return self.machine, "by its memory"

    settings = Settings(library=tmp_path / "library", roots=(folder,), profile="auto")
    for machine in ("colours", "longer"):
        Deciding.machine = machine
        with Library.open(settings=settings, models=Deciding(settings)) as library:
            told = library.profile()
            assert (told.kept, told.kept_because, told.wanted) == ("colours", "by its memory", "colours")
    with Library.open(settings=settings, models=Deciding(settings)) as library:
        assert library.choose("auto").kept == "longer"


@pytest.mark.timeout(280)
def test_real_models_change_places_and_the_old_one_leaves_memory(tmp_path: Path, folder: Path) -> None:
    from tests.support import tiny

    one, other = tiny.clip(tmp_path / "one"), tiny.clip(tmp_path / "other", seed=1)
    for seed in range(4):
        noise = np.random.default_rng(seed).integers(0, 255, (48, 48, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{seed}.png")
    (folder / "notes.md").write_text("The red boat left the harbour.", encoding="utf-8")
    store = Store.open(tmp_path / "library")
    store.catalog.choose(str(one), "chosen by command")
    store.close()
    settings = Settings(library=tmp_path / "library", roots=(folder,), ocr="off", speech="off")
    models = ModelPool(settings)
    with Library.open(settings=settings, models=models) as library:
        library.add().wait(PATIENCE)
        assert library.settle(PATIENCE)
        assert models.profile == str(one)
        old = weakref.ref(models.embedders.made(models.maker))
        found = library.search("red boat").hits[0].id
        read = read_at(library)
        library.choose(str(other))
        while library.profile().spaces["serving"].split(":")[0] != str(other):
            assert library.search(like=str(folder / "1.png")).hits[0].citation == "1.png"
        assert library.settle(PATIENCE)
        assert library.search(like=str(folder / "1.png")).hits[0].citation == "1.png"
        assert library.search("red boat").hits[0].id == found
        assert read_at(library) == read
        assert len(library._catalog.spaces()) == 1
        assert old() is None
