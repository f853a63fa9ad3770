"""A list of hits in which each says something else."""

import textwrap
from pathlib import Path

import pytest

from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.searching import collapsing
from mcp_mmretrieval.searching.near_duplicates import NearDuplicates
from mcp_mmretrieval.searching.search import FILLED_NOTE
from tests.conftest import OpenLibrary
from tests.support.calls import add, cited

STORY = (
    "The pump of the {} well failed again in {} and was taken apart by the crew of the night shift, who found sand in "
    "the second stage and a worn seal beneath it; all of it was cleaned, and the pump ran again by dawn."
)


def written(folder: Path, name: str, text: str, width: int = 60) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.fill(text, width), encoding="utf-8")
    return path


def test_copies_stand_under_the_best_hit_and_make_room_for_what_is_different(library: Library, folder: Path) -> None:
    for number in range(6):
        written(folder, f"copy-{number}.md", STORY.format("northern", "March"), 40 + 5 * number)
    written(folder, "other.md", STORY.format("southern", "May"))
    written(folder, "another.md", STORY.format("eastern", "June"))
    add(library)
    hits = library.search("pump well failed", limit=3).hits
    said = {hit.citation: set(hit.duplicates) for hit in hits}
    (top,) = [citation for citation, others in said.items() if others]
    named = {citation.partition("#")[0] for citation in (top, *said[top])}
    assert named == {f"copy-{number}.md" for number in range(6)}
    assert {citation.partition("#")[0] for citation in said.keys() - {top}} == {"other.md", "another.md"}
    assert all(not hit.more_in_document for hit in hits)


def test_the_same_file_at_another_path_is_named_too_if_the_client_may_see_it(
    open_library: OpenLibrary, folder: Path
) -> None:
    for place in ("a", "b", "c"):
        written(folder, f"{place}/report.md", STORY.format("northern", "March"))
    library = open_library()
    add(library)
    (hit,) = library.search("pump").hits
    assert sorted(one.partition("#")[0] for one in (hit.citation, *hit.duplicates)) == [
        f"{place}/report.md" for place in ("a", "b", "c")
    ]
    (hit,) = library.within(Roots([folder / "a", folder / "b"])).search("pump").hits
    assert len(hit.duplicates) == 1


def test_without_duplicates_nothing_is_looked_at_beyond_the_list(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, month in enumerate(("March", "April", "May", "June")):
        written(folder, f"{number}.md", STORY.format("northern", month))
    add(library)
    before = cited(library, "pump", limit=2)
    monkeypatch.setattr(NearDuplicates, "is_repeated", lambda *_: False)
    assert cited(library, "pump", limit=2) == before
    assert not any(hit.duplicates for hit in library.search("pump").hits)


def test_a_thousand_copies_take_no_end_of_time(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapsing, "MAX_COLLAPSED", 3)
    for number in range(9):
        written(folder, f"copy-{number}.md", STORY.format("northern", "March"), 40 + 3 * number)
    add(library)
    hits = library.search("pump", limit=3).hits
    assert 3 <= sum(len(hit.duplicates) for hit in hits) <= 5


def test_a_copy_of_what_is_avoided_does_not_come_back_in_its_place(library: Library, folder: Path) -> None:
    for number in range(3):
        written(folder, f"copy-{number}.md", STORY.format("northern", "March"), 40 + 5 * number)
    written(folder, "other.md", STORY.format("southern", "May"))
    add(library)
    answer = library.search("pump well failed", avoid=["copy-0.md"])
    assert [hit.citation.partition("#")[0] for hit in answer.hits] == ["other.md"]
    assert any("3 places left out" in note for note in answer.notes)
    document = library.filters(document="copy-1.md")  # who names a copy wants it
    assert len(library.search("pump well failed", avoid=["copy-0.md"], filters=document).hits) == 1


def test_a_file_that_lies_in_several_folders_is_cited_where_it_was_looked_for(library: Library, folder: Path) -> None:
    for place in ("a", "b", "c"):
        written(folder, f"{place}/report.md", STORY.format("northern", "March"))
    written(folder, "b/again.md", STORY.format("northern", "March"), 33)
    add(library)
    (hit,) = library.search("pump", filters=library.filters(under=str(folder / "b"))).hits
    named = {one.partition("#")[0] for one in (hit.citation, *hit.duplicates)}
    assert named == {"b/report.md", "b/again.md"}
    assert hit.path.startswith(str(folder / "b"))


def test_a_search_that_copies_have_filled_says_that_others_may_be_missing(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collapsing, "MAX_COLLAPSED", 4)
    for number in range(8):
        written(folder, f"copy-{number}.md", STORY.format("northern", "March"), 40 + 3 * number)
    add(library)
    assert FILLED_NOTE in library.search("pump", limit=5).notes
    monkeypatch.setattr(collapsing, "MAX_COLLAPSED", 40)
    assert FILLED_NOTE not in library.search("pump", limit=5).notes
