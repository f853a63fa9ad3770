"""One library, several connections: what each of them sees, and what it can do to what others have."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_mmretrieval.answers import Outcome, Removal
from mcp_mmretrieval.errors import BadArgument, UnreadableMedia
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.store import Scope
from mcp_mmretrieval.types import Content, Vectors
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, GREEN, RED, picture
from tests.support.gate import PATIENCE, Gate, gate
from tests.support.models import ColourEmbedder

__all__ = ["gate"]


@dataclass
class House:
    """An engine's library, which has no roots of its own, and two connections to it."""

    engine: Library
    anna: Library
    bert: Library
    annas: Path
    berts: Path


@pytest.fixture
def house(tmp_path: Path, open_library: OpenLibrary) -> Iterator[House]:
    annas, berts = tmp_path / "anna", tmp_path / "bert"
    annas.mkdir()
    berts.mkdir()
    engine = open_library(roots=())
    yield House(engine, engine.within(Roots([annas])), engine.within(Roots([berts])), annas, berts)


def add(library: Library, **given: object) -> Outcome:
    outcome = library.add(**given).wait(PATIENCE)  # type: ignore[arg-type]
    assert outcome.state == "done", outcome
    assert library.settle(PATIENCE)
    return outcome


def unknown(library: Library, id: str) -> str:
    with pytest.raises(BadArgument) as error:
        library.job(id)
    return str(error.value).replace(id, "ID")


def test_a_job_is_seen_only_by_connections_that_may_read_all_its_roots(house: House, tmp_path: Path) -> None:
    id = add(house.anna).job
    assert house.anna.job(id).job == id
    assert [one.job for one in house.anna.status().jobs] == [id]
    assert house.bert.status().jobs == ()
    assert unknown(house.bert, id) == unknown(house.bert, "00000000")
    above = house.engine.within(Roots([tmp_path]))
    assert above.job(id).job == id
    assert unknown(house.anna, add(above).job)


def test_the_job_of_a_text_belongs_to_the_roots_of_who_gave_it(house: House) -> None:
    id = add(house.anna, text="The green valve is behind the pump.").job
    assert house.anna.job(id).added == 1
    assert unknown(house.bert, id)
    assert len(house.bert.search("valve").hits) == 1


def test_a_job_of_an_earlier_process_is_seen_by_the_same_connections(house: House, open_library: OpenLibrary) -> None:
    id = add(house.anna).job
    house.engine.close()
    engine = open_library(roots=())
    assert engine.within(Roots([house.annas])).job(id).job == id
    assert unknown(engine.within(Roots([house.berts])), id) == unknown(engine, "00000000")


def test_a_status_shows_all_that_run_and_the_last_few_that_ended(house: House, gate: Gate) -> None:
    picture(house.annas / "a.png")
    running = house.anna.add()
    ended = [house.anna.add(text=f"note {number}") for number in range(7)]
    assert gate.reached.wait(PATIENCE)
    gate.opened.set()
    for job in [running, *ended]:
        job.wait(PATIENCE)
    gate.opened.clear()
    picture(house.annas / "b.png", BLUE)
    gate.reached.clear()
    first = house.anna.add()
    assert gate.reached.wait(PATIENCE)
    for number in range(7):
        known = house.anna.add(text=f"note {number}", title="")
        known.wait(PATIENCE)
    states = [one.state for one in house.anna.status().jobs]
    assert states == ["done"] * 5 + ["running"]
    assert house.anna.status().jobs[-1].job == first.id
    gate.opened.set()


def test_the_person_sees_all_jobs_newest_first_and_ends_any_of_them(
    house: House, gate: Gate, open_library: OpenLibrary
) -> None:
    early = add(house.anna).job
    picture(house.berts / "a.png")
    picture(house.berts / "b.png", BLUE)
    job = house.bert.add()
    assert gate.reached.wait(PATIENCE)
    assert [(one.job, one.state) for one in house.engine.jobs()] == [(job.id, "running"), (early, "done")]
    gate.opened.set()
    assert house.engine.cancel(early) == house.anna.job(early)
    ended = house.engine.cancel(job.id)
    assert ended.state in ("cancelled", "done")  # it may have read both before it heard
    assert house.engine.cancel(job.id) == ended
    with pytest.raises(BadArgument, match="no such job"):
        house.engine.cancel("00000000")
    house.engine.close()
    engine = open_library(roots=())
    assert [one.job for one in engine.jobs()] == [job.id, early]
    assert engine.cancel(job.id) == ended


def test_vectors_are_made_for_each_connection_though_the_library_has_no_roots(house: House) -> None:
    picture(house.annas / "hers.png", RED)
    picture(house.berts / "his.png", BLUE)
    add(house.anna)
    add(house.bert)
    for one, name, colour in ((house.anna, "hers.png", "red"), (house.bert, "his.png", "blue")):
        assert [listed.embedded for listed in one.documents()[0]] == [True]
        assert [(hit.citation, hit.lanes) for hit in one.search(colour).hits] == [(name, ("picture",))]


def test_the_library_is_working_while_a_job_runs_and_while_vectors_are_made(
    house: House, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    embed = ColourEmbedder.embed_documents

    def told(embedder: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        seen.append(house.engine.working)
        return embed(embedder, contents, titles)

    monkeypatch.setattr(ColourEmbedder, "embed_documents", told)
    assert house.engine.settle(PATIENCE)
    assert not house.engine.working
    picture(house.annas / "a.png")
    job = house.anna.add()
    assert gate.reached.wait(PATIENCE)
    assert (house.engine.working, house.anna.working, house.bert.working) == (True, True, True)
    gate.opened.set()
    job.wait(PATIENCE)
    assert house.engine.settle(PATIENCE)
    assert seen == [True]
    assert not house.engine.working


def test_the_library_is_not_working_for_vectors_that_cannot_be_made_now(
    open_library: OpenLibrary, folder: Path
) -> None:
    picture(folder / "a.png")
    without = open_library(state="missing", slow=True)
    assert without.add().wait(PATIENCE).added == 1
    assert without.settle(PATIENCE)
    assert (without.working, without.documents()[0][0].embedded) == (False, False)
    without.close()
    (folder / "a.png").unlink()
    gone = open_library()
    assert gone.settle(PATIENCE)
    assert (gone.working, gone.documents()[0][0].embedded) == (False, False)


def test_a_document_that_a_model_trips_over_keeps_no_other_from_its_vectors(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    embed = ColourEmbedder.embed_documents

    def trip(embedder: ColourEmbedder, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        vectors = embed(embedder, contents, titles)
        if vectors[:, 1].max() > 0.9:
            raise RuntimeError("green")
        return vectors

    for name, colour in (("a.png", RED), ("b.png", GREEN), ("c.png", BLUE)):
        picture(house.annas / name, colour)
    with monkeypatch.context() as tripping:
        tripping.setattr(ColourEmbedder, "embed_documents", trip)
        add(house.anna)
        assert [one.embedded for one in house.anna.documents()[0]] == [True, False, True]
    assert "green" in caplog.text
    assert not house.engine.working
    add(house.anna)
    assert [one.embedded for one in house.anna.documents()[0]] == [True, True, True]


# -- the same content under the roots of both --------------------------------------------------------------------------


@pytest.fixture
def shared(house: House) -> House:
    """The same picture in both folders, under other names."""
    picture(house.annas / "anna.png")
    shutil.copyfile(house.annas / "anna.png", house.berts / "bert.png")
    add(house.anna)
    add(house.bert)
    return house


def test_removing_takes_out_only_what_is_seen_and_tells_nothing_of_the_rest(shared: House) -> None:
    id = shared.anna.search("red").hits[0].id
    foreseen = shared.anna.remove([id], dry_run=True)
    removal = shared.anna.remove([id])
    assert foreseen == removal == Removal(files=1, documents=1, segments=1)
    assert shared.anna.documents()[1] == 0
    assert [one.path for one in shared.bert.documents()[0]] == [str(shared.berts / "bert.png")]
    never = shared.anna.remove(["0" * 12])
    again = shared.anna.remove([id])
    assert (again.files, again.documents, again.segments, again.unknown) == (0, 0, 0, (id,))
    assert again.notes == (never.notes[0].replace("0" * 12, id),)
    assert shared.bert.remove(["bert.png"]) == Removal(files=1, documents=1, segments=1)
    assert shared.engine._catalog.counts(Scope()).documents == 0


def test_a_text_that_is_removed_leaves_the_file_of_another_connection(house: House) -> None:
    text = "The green valve is behind the pump."
    (house.berts / "valve.md").write_text(text, encoding="utf-8")
    add(house.bert)
    assert add(house.anna, text=text).added == 1  # kept as hers, although the same words stand in his file
    hit = house.anna.search("valve").hits[0]
    assert hit.path == ""
    assert house.anna.remove([hit.id], dry_run=True).documents == 1
    assert house.anna.remove([hit.id]) == Removal(files=0, documents=1, segments=1)
    assert house.anna.search("valve").hits == ()
    assert [one.citation for one in house.bert.search("valve").hits] == ["valve.md#char=0,35"]


def test_removing_one_of_two_files_takes_out_no_document(house: House) -> None:
    picture(house.annas / "a.png")
    shutil.copyfile(house.annas / "a.png", house.annas / "b.png")
    add(house.anna)
    for dry_run in (True, False):
        assert house.anna.remove(["a.png"], dry_run=dry_run) == Removal(files=1, documents=0, segments=0)
    assert house.anna.remove(["b.png"]) == Removal(files=1, documents=1, segments=1)


def test_a_file_that_vanished_under_other_roots_did_not_move_here(house: House) -> None:
    picture(house.annas / "anna.png")
    picture(house.annas / "stays.png", BLUE)
    add(house.anna)
    (house.annas / "anna.png").rename(house.berts / "bert.png")
    assert add(house.bert).added == 1
    hers = [str(house.annas / name) for name in ("anna.png", "stays.png")]
    assert [one.path for one in house.anna.documents()[0]] == hers
    assert add(house.anna).removed == 1


def test_an_error_names_only_files_under_the_roots_of_who_asked(shared: House) -> None:
    id = shared.bert.search("red").hits[0].id
    (shared.berts / "bert.png").unlink()
    with pytest.raises(UnreadableMedia) as error:
        shared.bert.search(like=id)
    assert "bert.png" in str(error.value)
    assert "anna" not in str(error.value)
    look = shared.bert.look(id)
    assert (look.stale, look.content, "anna" in look.note) == (True, None, False)
    assert shared.anna.look(id).content is not None


# -- a folder that is replaced by a link -------------------------------------------------------------------------------


def alike(folder: Path) -> None:
    """A red `sub/a.bmp` and a blue `other/a.bmp` of the same size and time."""
    for name, colour in (("sub", RED), ("other", BLUE)):
        (folder / name).mkdir()
        picture(folder / name / "a.bmp", colour)
        os.utime(folder / name / "a.bmp", ns=(10**18, 10**18))
    assert (folder / "sub" / "a.bmp").stat().st_size == (folder / "other" / "a.bmp").stat().st_size


def swap(folder: Path) -> None:
    """Over a link `sub/a.bmp` now leads to the blue one."""
    (folder / "sub").rename(folder / "before")
    (folder / "sub").symlink_to(folder / "other")


def test_a_parent_that_became_a_link_shows_no_other_content(library: Library, folder: Path) -> None:
    alike(folder)
    add(library, paths=["sub"])
    id = library.search("red").hits[0].id
    swap(folder)
    look = library.look(id)
    assert (look.path, look.stale, look.content) == (str(folder / "sub" / "a.bmp"), True, None)
    with pytest.raises(UnreadableMedia, match="no longer there"):
        library.search(like=id)


def test_a_parent_that_became_a_link_gives_no_vectors_of_other_content(open_library: OpenLibrary, folder: Path) -> None:
    alike(folder)
    first = open_library(state="missing", slow=True)
    assert first.add(["sub"]).wait(PATIENCE).added == 1
    first.close()
    swap(folder)
    second = open_library()
    assert second.settle(PATIENCE)
    assert [one.embedded for one in second.documents()[0]] == [False]
    (folder / "sub").unlink()
    (folder / "before").rename(folder / "sub")
    assert second.add(["sub"]).wait(PATIENCE).unchanged == 1
    assert second.settle(PATIENCE)
    assert [one.embedded for one in second.documents()[0]] == [True]
