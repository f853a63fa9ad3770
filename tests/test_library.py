"""The product through its Python API: real files, real SQLite and Chroma, models that one can work out by hand."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import TextContent

from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.errors import BadArgument, LibraryUnavailable, NotAllowed, NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.types import Film, Picture, Sound
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, GREEN, PURPLE, RED, film, picture, recording, scanned_pdf
from tests.support.models import ShapeReader

PATIENCE = 60.0


def add(library: Library, *paths: str | Path, **options: object) -> Outcome:
    outcome = library.add([str(path) for path in paths], **options).wait(PATIENCE)  # type: ignore[arg-type]
    assert outcome.state == "done", outcome
    assert library.settle(PATIENCE)
    return outcome


def write_under_a_latin_name(folder: Path, text: str) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text(text, encoding="utf-8")


def cited(library: Library, query: str = "", **options: object) -> list[str]:
    return [hit.citation for hit in library.search(query, **options).hits]  # type: ignore[arg-type]


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


def test_a_picture_is_found_by_another_picture_that_was_never_added(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", BLUE)
    add(library, folder / "red.png", folder / "blue.png")
    picture(folder / "example.png", (10, 10, 200))
    assert cited(library, like=str(folder / "example.png"))[0] == "blue.png"
    assert library.documents()[1] == 2


def test_like_takes_a_path_a_citation_and_an_id(library: Library, folder: Path) -> None:
    picture(folder / "red one.png", RED)
    picture(folder / "blue.png", BLUE)
    add(library)
    id = library.search("red").hits[0].id
    for like in ("red%20one.png", "red one.png", str(folder / "red one.png"), id):
        assert cited(library, like=like)[0] == "red%20one.png"


def test_adding_again_is_no_work(library: Library, folder: Path) -> None:
    picture(folder / "a.png")
    add(library)
    again = add(library)
    assert (again.added, again.unchanged) == (0, 1)


def test_the_same_bytes_at_two_paths_are_one_document(library: Library, folder: Path) -> None:
    picture(folder / "a.png")
    shutil.copyfile(folder / "a.png", folder / "b.png")
    assert add(library).added == 2
    documents, total = library.documents()
    assert (total, documents[0].files) == (1, 2)


def test_a_renamed_file_moves(library: Library, folder: Path) -> None:
    picture(folder / "old.png")
    add(library)
    (folder / "old.png").rename(folder / "new.png")
    outcome = add(library)
    assert (outcome.moved, outcome.added, outcome.removed) == (1, 0, 0)
    assert cited(library, "red") == ["new.png"]


def test_a_changed_file_replaces(library: Library, folder: Path) -> None:
    picture(folder / "a.png", RED)
    add(library)
    picture(folder / "a.png", BLUE, (65, 65))
    assert add(library).replaced == 1
    assert library.documents()[1] == 1
    assert cited(library, "blue") == ["a.png"]
    assert cited(library, "red") == []


def test_what_vanished_from_an_added_folder_is_taken_out(library: Library, folder: Path) -> None:
    picture(folder / "stays.png", PURPLE)
    picture(folder / "goes.png", BLUE)
    add(library)
    (folder / "goes.png").unlink()
    assert add(library).removed == 1
    assert cited(library, "blue") == ["stays.png"]


def test_a_root_that_is_missing_as_a_whole_takes_nothing_out(library: Library, folder: Path, tmp_path: Path) -> None:
    picture(folder / "a.png")
    add(library)
    folder.rename(tmp_path / "unmounted")
    outcome = library.add().wait(PATIENCE)
    assert outcome.removed == 0
    (tmp_path / "unmounted").rename(folder)
    assert library.documents()[1] == 1


def test_a_bad_file_is_one_clear_line_and_the_others_go_on(library: Library, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (folder / "empty.pdf").touch()
    picture(folder / "good.png")
    outcome = add(library)
    assert outcome.added == 1
    assert {(Path(failure.path).name, failure.code) for failure in outcome.failed} == {
        ("broken.png", "corrupt"),
        ("empty.pdf", "empty"),
    }


def test_a_file_that_changes_while_it_is_read_is_refused_and_read_the_next_time(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(folder / "a.png")

    def meddle(reader: ShapeReader, seen: Picture) -> str:
        path.write_bytes(path.read_bytes() + b"more")
        return ""

    with monkeypatch.context() as meddled:
        meddled.setattr(ShapeReader, "read", meddle)
        outcome = add(library)
    assert [(failure.code, failure.path) for failure in outcome.failed] == [("changed_while_read", str(path))]
    assert library.documents()[1] == 0
    assert add(library).added == 1


def test_a_file_that_vanished_before_it_is_opened_again_shows_its_text(library: Library, folder: Path) -> None:
    picture(folder / "sign.png", RED, (300, 100))
    add(library)
    (folder / "sign.png").unlink()
    look = library.look("sign.png")
    assert (look.stale, look.text) == (True, "wide sign")


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


def test_a_path_outside_the_roots_reads_like_one_that_is_missing(library: Library, tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.png")
    outcome = library.add([str(outside), str(tmp_path / "missing.png")]).wait(PATIENCE)
    first, second = (failure.reason.replace(failure.path, "PATH") for failure in outcome.failed)
    assert first == second
    with pytest.raises((NotAllowed, NotInLibrary)):
        library.search(like=str(outside))


def test_a_link_out_of_the_roots_is_not_followed(library: Library, folder: Path, tmp_path: Path) -> None:
    (folder / "link.png").symlink_to(picture(tmp_path / "outside.png"))
    outcome = library.add([str(folder / "link.png")]).wait(PATIENCE)
    assert [failure.code for failure in outcome.failed] == ["not_found_or_not_allowed"]


def test_without_roots_nothing_can_be_read_and_the_error_says_so(open_library: OpenLibrary, folder: Path) -> None:
    library = open_library(roots=())
    outcome = library.add([str(picture(folder / "a.png"))]).wait(PATIENCE)
    assert outcome.state == "failed"
    assert "--root" in outcome.error


def test_inline_text_is_found_and_opened(library: Library) -> None:
    library.add(text="The green valve is behind the pump.", title="Valve note").wait(PATIENCE)
    library.settle(PATIENCE)
    hit = library.search("valve").hits[0]
    assert (hit.title, hit.path) == ("Valve note", "")
    assert "green valve" in library.look(hit.citation).text


def test_filters_hold_before_the_nearest_are_taken(library: Library, folder: Path) -> None:
    (folder / "far").mkdir()
    for number in range(30):
        picture(folder / f"{number}.png", (255, number, 0))
    picture(folder / "far" / "purple.png", PURPLE)
    add(library)
    filters = library.filters(under="far")
    assert cited(library, "red", filters=filters, limit=5) == ["far/purple.png"]


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


def test_words_answer_while_the_models_load_and_the_answer_says_so(open_library: OpenLibrary, folder: Path) -> None:
    (folder / "a.md").write_text("the pump failed", encoding="utf-8")
    library = open_library(state="loading")
    library.add().wait(PATIENCE)
    answer = library.search("pump")
    assert [hit.lanes for hit in answer.hits] == [("words",)]
    assert "words alone" in answer.notes[0]


def test_what_has_no_vectors_yet_is_counted(open_library: OpenLibrary, folder: Path) -> None:
    picture(folder / "a.png")
    picture(folder / "b.png", BLUE)
    library = open_library(state="loading", slow=True)
    outcome = library.add().wait(PATIENCE)
    assert (outcome.added, outcome.pending_vectors) == (2, 2)
    assert library.status().pending_vectors == 2


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


def test_removing_leaves_nothing_to_find(library: Library, folder: Path) -> None:
    picture(folder / "a.png")
    (folder / "b.md").write_text("red", encoding="utf-8")
    add(library)
    foreseen = library.remove(["a.png", "nowhere.png"], dry_run=True)
    assert len(cited(library, "red")) == 2
    removal = library.remove(["a.png", "nowhere.png"])
    assert foreseen == removal
    assert (removal.files, removal.documents, removal.unknown) == (1, 1, ("nowhere.png",))
    assert cited(library, "red") == ["b.md#char=0,3"]
    assert (folder / "a.png").exists()


def test_a_page_is_looked_at_with_what_stands_around_it(library: Library, folder: Path) -> None:
    scanned_pdf(folder / "report.pdf", [BLUE, RED, GREEN])
    add(library)
    look = library.look("report.pdf#page=2", side=100)
    assert look.segment.place.page == 2
    assert look.content is not None
    assert not isinstance(look.content, str | Sound | Film)
    assert max(look.content.shape) == 100
    assert look.content[..., 0].mean() > 200


def test_a_moment_of_film_is_looked_at_by_its_time(library: Library, folder: Path) -> None:
    film(folder / "clip.mp4", (RED, 4), (BLUE, 4))
    add(library)
    look = library.look("clip.mp4#t=6.0,7.0")
    assert isinstance(look.content, Film)
    assert look.content.pictures[0][..., 2].mean() > 150


def test_a_file_that_changed_shows_its_stored_text_and_no_pixels(library: Library, folder: Path) -> None:
    picture(folder / "sign.png", RED, (300, 100))
    add(library)
    picture(folder / "sign.png", BLUE, (300, 100))
    look = library.look("sign.png")
    assert (look.stale, look.content, look.text) == (True, None, "wide sign")
    assert "add_documents" in look.note


def test_reranking_orders_candidates_and_raw_texts_together(library: Library, folder: Path) -> None:
    (folder / "long.md").write_text("a rather long text about pumps", encoding="utf-8")
    add(library)
    ranking = library.rerank("pump", ["long.md"], ["short", ""])
    assert [result.text_index for result in ranking.results] == [0, None, 1]
    assert [result.reranked for result in ranking.results] == [True, True, False]


def test_a_search_may_be_reranked_and_says_how_many_were(library: Library, folder: Path) -> None:
    (folder / "long.md").write_text("pump pump pump and a great deal more about pumps", encoding="utf-8")
    (folder / "short.md").write_text("a pump", encoding="utf-8")
    add(library)
    assert library.search("pump").reranked == 0
    answer = library.search("pump", rerank=True)
    assert answer.reranked == 2
    assert [Path(hit.path).name for hit in answer.hits] == ["short.md", "long.md"]


def test_a_deadline_that_has_come_leaves_the_order_and_says_so(library: Library, folder: Path) -> None:
    (folder / "a.md").write_text("a pump", encoding="utf-8")
    add(library)
    answer = library.search("pump", rerank=True, deadline=0.0)
    assert (len(answer.hits), answer.reranked) == (1, 0)
    assert any("deadline" in note for note in answer.notes)


def test_arguments_that_make_no_sense_are_refused_with_the_next_step(library: Library) -> None:
    with pytest.raises(BadArgument, match="query"):
        library.search("")
    with pytest.raises(BadArgument, match="ISO"):
        library.filters(after="yesterday")
    with pytest.raises(NotInLibrary, match="add_documents"):
        library.look("missing.png")
    with pytest.raises(BadArgument, match="status"):
        library.job("none")


def test_subtitles_beside_a_film_are_its_words_and_changing_them_replaces_it(library: Library, folder: Path) -> None:
    film(folder / "clip.mp4", (RED, 3), (BLUE, 3))
    subtitles = folder / "clip.en.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe harbour at dawn\n", encoding="utf-8")
    assert add(library).added == 1
    assert cited(library, "harbour", lanes=("words",)) == ["clip.mp4#t=0.0,6.0"]
    assert add(library).unchanged == 1
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe market at noon\n", encoding="utf-8")
    assert add(library).replaced == 1
    assert cited(library, "harbour", lanes=("words",)) == []
    assert cited(library, "market", lanes=("words",)) == ["clip.mp4#t=0.0,6.0"]


def test_silence_is_added_and_found_by_nothing(library: Library, folder: Path) -> None:
    recording(folder / "silence.wav", (0.0, 3.0))
    assert add(library).added == 1
    assert cited(library, "tone") == []
    assert cited(library, filters=library.filters(modality=["audio"]), query="low") == []


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
