"""What one connection points at within its roots, and the file of it, opened again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.readable import ReadableFiles
from mcp_mmretrieval.store import Catalog, Document, File, Scope
from mcp_mmretrieval.targets import ConnectionView, reopen
from mcp_mmretrieval.types import Place, Segment
from tests.support.rows import READING, held, pages, put, sha


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    yield catalog
    catalog.close()


@pytest.fixture
def view(catalog: Catalog, folder: Path) -> ConnectionView:
    return ConnectionView(catalog, ReadableFiles(Roots([folder])))


def test_an_id_a_citation_and_a_path_name_the_same_page(catalog: Catalog, view: ConnectionView, folder: Path) -> None:
    path = str(folder / "annual report.pdf")
    put(catalog, path, ["one", "two", "three"])
    short = Segment(document=held(catalog, path), modality="page", place=Place()).id
    for name in (f"{short}#page=2", "annual%20report.pdf#page=2", f"{path}#page=2"):
        found = view.targets.find(name)
        assert (found.document.title, found.place) == (path, Place(page=2))
        assert [stored.segment.text for stored in found.segments] == ["two"]
    assert [stored.ordinal for stored in view.targets.find(short).segments] == [0, 1, 2]
    assert view.targets.find(f"{short}#page=9").segments == ()


@pytest.mark.parametrize(
    "name",
    [
        "file://{folder}/notes/annual%20report.pdf",
        "file://{folder}/notes/annual report.pdf",
        "annual report.pdf",
        "annual%20report.pdf",
        "Annual Report.PDF",
        "notes/annual report.pdf",
        "Annual figures",
    ],
)
def test_a_document_goes_by_its_uri_the_end_of_its_path_or_its_title(
    catalog: Catalog, view: ConnectionView, folder: Path, name: str
) -> None:
    path = str(folder / "notes" / "annual report.pdf")
    id = sha("report")
    document = Document(id=id, modality="page", reading=catalog.reading(READING), title="Annual figures", pages=3)
    file = File(path=path, document=id, size=1, mtime_ns=0)
    catalog.commit_read(document, pages(id, ["one", "two", "three"]), file=file)
    found = view.targets.find(f"{name}#page=2".format(folder=folder))
    assert (found.document.id, found.place) == (id, Place(page=2))


def test_of_several_called_alike_none_is_taken_and_all_are_named(
    catalog: Catalog, view: ConnectionView, folder: Path
) -> None:
    for name in ("a/plan.md", "b/plan.md", "notes/boiler.md"):
        put(catalog, str(folder / name))
    with pytest.raises(NotInLibrary, match=r"Did you mean a/plan.md or b/plan.md\?"):
        view.targets.find("plan.md")
    with pytest.raises(NotInLibrary, match=r"Did you mean notes/boiler.md\?"):
        view.targets.find("boilr.md")
    with pytest.raises(NotAllowed, match=r"Did you mean notes/boiler.md\?"):
        view.targets.path("boiler")
    assert view.targets.path("boiler.md") == str(folder / "notes" / "boiler.md")


def test_a_name_under_other_roots_is_neither_taken_nor_suggested(
    catalog: Catalog, view: ConnectionView, tmp_path: Path
) -> None:
    put(catalog, str(tmp_path / "other" / "plan.md"))
    for name in ("plan.md", "plan", str(tmp_path / "other" / "plan.md")):
        with pytest.raises(NotInLibrary) as refused:
            view.targets.find(name)
        assert "Did you mean" not in str(refused.value)


def test_a_folder_goes_by_the_end_of_its_path_only_where_folders_are_meant(
    catalog: Catalog, view: ConnectionView, folder: Path
) -> None:
    put(catalog, str(folder / "home" / "notes" / "a.md"))
    assert view.targets.path("notes", folders=True) == str(folder / "home" / "notes")
    with pytest.raises(NotAllowed):
        view.targets.path("notes")


def test_a_place_that_cannot_be_read_is_told_from_a_document_that_is_not_held(
    catalog: Catalog, view: ConnectionView, folder: Path
) -> None:
    put(catalog, str(folder / "a.pdf"))
    with pytest.raises(BadArgument, match=r"a\.pdf is in the library, but #section-2 is no place in it"):
        view.targets.find("a.pdf#section-2")


def test_a_file_that_lies_there_and_is_not_held_is_told_so(view: ConnectionView, folder: Path) -> None:
    (folder / "new.md").write_text("new", encoding="utf-8")
    with pytest.raises(NotInLibrary, match="The file is there: add it with add_documents"):
        view.targets.find("new.md")
    (folder / "papers").mkdir()
    with pytest.raises(NotInLibrary, match="It is a folder: list_documents"):
        view.targets.find("papers")


def test_a_hash_may_belong_to_the_name_of_a_file(catalog: Catalog, view: ConnectionView, folder: Path) -> None:
    path = str(folder / "draft#page=1")
    put(catalog, path, ["a draft"])
    found = view.targets.find(path)
    assert (found.document.title, found.place) == (path, Place())


def test_a_document_under_other_roots_reads_like_one_that_is_not_held(
    catalog: Catalog, view: ConnectionView, tmp_path: Path
) -> None:
    put(catalog, str(tmp_path / "other" / "a.pdf"))
    hidden = held(catalog, str(tmp_path / "other" / "a.pdf"))
    told = []
    for name in (hidden, sha("unknown")):
        with pytest.raises(NotInLibrary) as refused:
            view.targets.find(name)
        told.append(str(refused.value).replace(name, ""))
    assert told[0] == told[1]
    with pytest.raises(NotAllowed):
        view.targets.path(str(tmp_path / "other" / "a.pdf"))


def test_what_has_no_file_under_the_roots_is_cited_by_its_id(catalog: Catalog, view: ConnectionView) -> None:
    note = Document(id=sha("note"), modality="text", reading=catalog.reading(READING), title="Note", inline=True)
    catalog.commit_read(note, pages(note.id, ["a note"], modality="text"), text="a note")
    segment = view.targets.find(note.id).segments[0].segment
    assert view.targets.visible_file(catalog.files_of_one(note.id)) is None
    assert view.targets.citation(None, segment) == segment.id


def test_a_path_is_known_by_what_is_held_there_after_the_file_has_gone(
    catalog: Catalog, view: ConnectionView, folder: Path
) -> None:
    put(catalog, str(folder / "gone.pdf"))
    assert view.targets.path("gone.pdf") == str(folder / "gone.pdf")
    with pytest.raises(NotAllowed):
        view.targets.path("never.pdf")


def test_the_scope_of_a_connection_is_its_roots_within_the_filters(view: ConnectionView, folder: Path) -> None:
    only = Filters(modality=("page",))
    assert view.scope(only) == Scope((str(folder),), only)


def test_a_file_is_opened_again_where_one_of_its_paths_lies_unchanged(folder: Path, tmp_path: Path) -> None:
    rows = []
    for path in (folder / "a.txt", tmp_path / "b.txt"):
        path.write_text("the same", encoding="utf-8")
        state = path.stat()
        rows.append(File(path=str(path), document=sha("same"), size=state.st_size, mtime_ns=state.st_mtime_ns))
    with reopen(rows, ReadableFiles(Roots([folder]))) as opened:
        assert opened.path == str(folder / "a.txt")
    os.utime(folder / "a.txt", ns=(0, 0))
    with reopen(rows) as opened:  # for the library's own work any path will do
        assert opened.path == str(tmp_path / "b.txt")
    with pytest.raises(UnreadableMedia, match="changed since it was read") as refused:
        reopen(rows, ReadableFiles(Roots([folder])))
    assert str(tmp_path / "b.txt") not in str(refused.value)
    (folder / "a.txt").unlink()
    with pytest.raises(UnreadableMedia, match="no longer there"):
        reopen(rows, ReadableFiles(Roots([folder])))


@pytest.mark.parametrize("name", ["caf\udce9", "x" * 10_000, "a.pdf#page=" + "9" * 30, "nul\0"])
def test_a_name_that_nothing_can_have_is_not_held_and_not_allowed(
    catalog: Catalog, view: ConnectionView, name: str
) -> None:
    put(catalog, "/elsewhere/a.pdf", ["one"])
    with pytest.raises(NotInLibrary):
        view.targets.find(name)
    with pytest.raises(NotAllowed):
        view.targets.path(name)


def test_links_that_lead_in_a_circle_name_nothing(view: ConnectionView, folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    with pytest.raises(NotInLibrary, match="a: not in the library"):
        view.targets.find("a")
