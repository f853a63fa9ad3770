"""The product through its Python API: real files, real SQLite and Chroma, models that one can work out by hand."""

import os
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import TextContent

from mcp_mmretrieval.errors import BadArgument, LibraryUnavailable, NotAllowed, NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.server.create import create_server
from tests.conftest import OpenLibrary
from tests.support.calls import add, cited
from tests.support.files import BLUE, RED, film, picture, recording, scanned_pdf

PATIENCE = 60.0


def write_under_a_latin_name(folder: Path, text: str) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text(text, encoding="utf-8")


def test_all_kinds_of_media_are_found_in_one_list_each_with_its_citation(library: Library, folder: Path) -> None:
    (folder / "notes.md").write_text("# Harbour\n\nThe red boat left.\n", encoding="utf-8")
    picture(folder / "sign.png", RED, (300, 100))
    scanned_pdf(folder / "report.pdf", [BLUE, RED])
    recording(folder / "call.wav", (440, 4))
    film(folder / "clip.mp4", (RED, 3), (BLUE, 3))
    assert add(library).added == 5
    found = cited(library, "red", limit=10)
    assert {"sign.png", "report.pdf#page=2"} <= set(found)
    assert any(citation.startswith("notes.md#char=") for citation in found)
    assert any(citation.startswith("clip.mp4#t=0.0,") for citation in found)
    assert cited(library, "low tone")[0] == "call.wav#t=0.0,4.0"


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
async def test_a_name_that_is_not_utf8_is_added_found_and_opened_through_the_tools(
    library: Library, folder: Path
) -> None:
    write_under_a_latin_name(folder, "the red menu")
    async with Client(create_server(lambda: library, library.settings)) as client:
        added = await client.call_tool("add_documents", {})
        assert (added.structured_content or {})["added"] == 1
        found = await client.call_tool("search_media", {"query": "menu"})
        hit = (found.structured_content or {})["hits"][0]
        assert hit["citation"] == "caf%E9.md#char=0,12"
        opened = await client.call_tool("open_media", {"targets": [hit["citation"]]})
        assert not opened.is_error
        assert isinstance(opened.content[0], TextContent)
        assert "the red menu" in opened.content[0].text


def test_inline_text_is_found_and_opened(library: Library) -> None:
    library.add(text="The green valve is behind the pump.", title="Valve note").wait(PATIENCE)
    library.settle(PATIENCE)
    hit = library.search("valve").hits[0]
    assert (hit.title, hit.path) == ("Valve note", "")
    assert "green valve" in library.look(hit.citation).text


def test_filters_by_modality_date_and_document(library: Library, folder: Path) -> None:
    picture(folder / "old.png", RED)
    os.utime(folder / "old.png", (1_000_000_000, 1_000_000_000))
    (folder / "new.md").write_text("red things", encoding="utf-8")
    add(library)
    assert cited(library, "red", filters=library.filters(modality=["image"])) == ["old.png"]
    assert cited(library, "red", filters=library.filters(before="2002-01-01")) == ["old.png"]
    assert cited(library, "red", filters=library.filters(after="2002-01-01")) == ["new.md#char=0,10"]
    assert cited(library, "red", filters=library.filters(document="new.md")) == ["new.md#char=0,10"]


def test_an_empty_answer_says_how_much_was_searched_and_what_was_left_out(library: Library, folder: Path) -> None:
    (folder / "a.md").write_text("red", encoding="utf-8")
    add(library)
    picture(folder / "later.png")
    answer = library.search("red", filters=library.filters(modality=["audio"]))
    assert answer.hits == ()
    assert (answer.searched.segments, answer.searched.excluded, answer.searched.not_added) == (0, 1, 1)


def test_everything_is_there_after_a_restart(open_library: OpenLibrary, folder: Path) -> None:
    picture(folder / "a.png")
    first = open_library()
    job = first.add()
    job.wait(PATIENCE)
    first.settle(PATIENCE)
    before = first.search("red").hits[0].id
    first.close()
    second = open_library()
    assert second.search("red").hits[0].id == before
    assert second.job(job.id).added == 1


def test_a_second_process_is_told_who_holds_the_library(open_library: OpenLibrary) -> None:
    open_library()
    with pytest.raises(LibraryUnavailable, match=str(os.getpid())):
        open_library()


def test_another_model_fills_a_space_of_its_own_without_reading_again_and_ids_stay(
    open_library: OpenLibrary, folder: Path
) -> None:
    picture(folder / "a.png")
    first = open_library(space="colours")
    add(first)
    id = first.search("red").hits[0].id
    first.close()
    second = open_library(space="longer")
    second.search("red")  # nothing of the old space is compared with the new model's vectors, which would not fit
    assert second.settle(PATIENCE)
    hit = second.search("red").hits[0]
    assert (hit.id, hit.lanes) == (id, ("picture",))
    assert second.add().wait(PATIENCE).unchanged == 1


def test_arguments_that_make_no_sense_are_refused_with_the_next_step(library: Library) -> None:
    with pytest.raises(BadArgument, match="query"):
        library.search("")
    with pytest.raises(BadArgument, match="is no date"):
        library.filters(after="soon")
    with pytest.raises(NotInLibrary, match="add_documents"):
        library.look("missing.png")
    with pytest.raises(BadArgument, match="status"):
        library.job("none")


def test_two_connections_with_other_roots_never_see_each_others_files(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    from mcp_mmretrieval.roots import Roots

    picture(folder / "a.png")
    add(library)
    other = tmp_path / "other"
    other.mkdir()
    stranger = library.within(Roots([other]))
    id = library.search("red").hits[0].id
    assert stranger.search("red").hits == ()
    assert stranger.documents()[1] == 0
    assert stranger.remove([id, str(folder / "a.png")]).files == 0
    for target in (id, "a.png", str(folder / "a.png")):
        with pytest.raises(NotInLibrary):
            stranger.look(target)


def test_an_error_names_the_argument_that_was_wrong(library: Library, folder: Path) -> None:
    with pytest.raises(NotAllowed, match=r"^under: nowhere: not found under"):
        library.filters(under="nowhere")
    with pytest.raises(NotInLibrary, match=r"^document: nowhere: not in the library"):
        library.filters(document="nowhere")
    with pytest.raises(BadArgument, match=r"^after: 'soon' is no date"):
        library.filters(after="soon")


def test_a_hit_whose_file_changed_or_went_since_is_stale(library: Library, folder: Path) -> None:
    for name in ("same", "changed", "gone"):
        (folder / f"{name}.md").write_text("the red kite")
    (folder / "changed.md").write_text("the red kite flies")
    (folder / "gone.md").write_text("the red kite is gone")
    add(library)
    assert not [hit for hit in library.search("kite").hits if hit.stale]
    (folder / "changed.md").write_text("something else")
    (folder / "gone.md").unlink()
    stale = {hit.path.rpartition("/")[2]: hit.stale for hit in library.search("kite").hits}
    assert stale == {"same.md": False, "changed.md": True, "gone.md": True}


def test_files_outside_a_connections_roots_are_counted_and_the_folder_that_holds_them_named(
    library: Library, folder: Path
) -> None:
    for name in ("a/one.md", "b/deep/two.md", "b/deep/er/three.md", "c.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    add(library)
    assert library.outside() == (0, "")
    assert library.within(Roots([folder / "a", folder / "c.md"])).outside() == (2, str(folder / "b" / "deep"))
    assert library.within(Roots([folder / "b"])).outside() == (2, str(folder))
    assert library.within(Roots([])).outside() == (4, str(folder))
    assert library.within(Roots([folder / "a", folder / "b"])).outside() == (1, str(folder))
