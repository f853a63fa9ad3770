from dataclasses import replace
from typing import Any

import pytest

from mcp_mmretrieval.answers import Answer
from mcp_mmretrieval.server.tools.as_text import add_text, counted, format_timestamp, quoted_text
from tests.server.conftest import Connect, data_of, text_of
from tests.support.library import FULL, HITS, FakeLibrary


@pytest.mark.anyio
async def test_a_search_answers_hits_as_data_and_as_lines(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "revenue"})
    page, sound, picture = data_of(result)["hits"]
    assert page == {
        "id": "3f9a0c12d4e5#page=7",
        "citation": "q3.pdf#page=7",
        "path": "/data/q3.pdf",
        "modality": "page",
        "page": 7,
        "title": "Quarterly report",
        "score": 0.8213,
        "match": "strong",
        "snippet": "Revenue by region: north 12",
        "lanes": ["words", "text"],
        "more_in_document": 3,
    }
    assert (sound["start"], sound["end"]) == (73.0, 88.0)
    assert not {"snippet", "page", "start", "title", "more_in_document"} & set(picture)
    assert ("relevance" in sound, picture["relevance"]) == (False, 0.7312)
    lines = text_of(result).splitlines()
    assert lines[3].startswith(f"3. [{picture['modality']}] a.png (weak, 0.25, relevance 0.73; picture) id=")
    assert lines[:3] == [
        "3 hits, best first:",
        '1. [page] q3.pdf#page=7 (strong, 0.82; words, text) id=3f9a0c12d4e5#page=7 "Revenue by region: north 12"'
        " (+3 more in this document)",
        "2. [audio] call.wav#t=73.0,88.0 (fair, 0.50; text) id=abababababab#t=73.0,88.0 1:13 to 1:28"
        ' "I lost my umbrella."',
    ]


@pytest.mark.anyio
async def test_a_hit_names_the_first_of_its_duplicates_and_counts_all(connect: Connect, library: FakeLibrary) -> None:
    copies = tuple(f"copies/{number}.pdf#page=7" for number in range(7))
    library.answer = Answer(
        hits=(replace(HITS[0], more_in_document=0, duplicates=copies), replace(HITS[1], duplicates=copies[:2])),
        searched=FULL,
    )
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "revenue"})
    many, few = data_of(result)["hits"]
    assert (many["duplicates"], many["duplicates_at"]) == (7, list(copies[:5]))
    assert (few["duplicates"], few["duplicates_at"]) == (2, list(copies[:2]))
    lines = text_of(result).splitlines()
    assert lines[1].endswith(f" (the same in {', '.join(copies[:5])} and 2 more)")
    assert lines[2].endswith(f" (the same in {', '.join(copies[:2])})")


@pytest.mark.parametrize(("seconds", "written"), [(0.0, "0:00"), (73.9, "1:13"), (3_723.0, "1:02:03")])
def test_a_time_is_written_as_people_read_it(seconds: float, written: str) -> None:
    assert format_timestamp(seconds) == written


def test_a_snippet_cannot_leave_its_quotes() -> None:
    assert quoted_text('he said "go"\nand Ü') == '"he said \\"go\\"\\nand Ü"'


def test_a_list_that_was_cut_says_how_many_are_not_shown() -> None:
    failed: Any = {"path": "/a.pdf", "code": "corrupt", "reason": "No PDF header."}
    result: Any = {
        "state": "done", "job": "7", "added": 0, "unchanged": 2, "replaced": 0, "moved": 0, "pending_vectors": 0,
        "skipped": {"hidden": 3, "empty": 1}, "failed": [failed], "failed_in_all": 26, "notes": ["Look again."],
    }  # fmt: skip
    assert add_text(result).splitlines() == [
        "Job 7 done: 0 added, 2 unchanged, 26 failed.",
        "Skipped: 1 empty, 3 hidden.",
        '- "/a.pdf": corrupt: No PDF header.',
        "- and 25 more.",
        "Note: Look again.",
    ]


@pytest.mark.anyio
async def test_where_nothing_is_better_than_weak_the_first_line_says_so(connect: Connect, library: FakeLibrary) -> None:
    weak = tuple(replace(hit, match="weak") for hit in HITS)
    searched = replace(FULL, unknown_words=("zymurgy",), unread={"Word files": 3, "encrypted PDF": 1}, not_added=2)
    library.answer = Answer(hits=weak, searched=searched)
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "zymurgy"})
    first, second, *hits = text_of(result).splitlines()
    assert first.startswith("Nothing here answers this. All 3 hits are weak")
    assert '"zymurgy" occurs nowhere' in first
    assert "Not read: 3 Word files, 1 encrypted PDF" in first
    assert "Try other words" in first
    assert second == "3 weak hits, best first:"
    assert all("weak, " in line for line in hits[:3])
    assert data_of(result)["notes"][0] == first


@pytest.mark.anyio
async def test_without_hits_the_first_line_says_so_too(connect: Connect, library: FakeLibrary) -> None:
    library.answer = Answer(hits=(), searched=FULL)
    async with connect() as client:
        lines = text_of(await client.call_tool("search_media", {"query": "a"})).splitlines()
    assert lines[0].startswith("Nothing here answers this. Nothing matched in 40 places of 3 documents.")
    assert not any(line.startswith("Note: Nothing here") for line in lines)


@pytest.mark.parametrize(("count", "told"), [(0, "0 places"), (1, "1 place"), (2_000, "2,000 places")])
def test_one_of_a_thing_is_not_called_several(count: int, told: str) -> None:
    assert counted(count, "place") == told


@pytest.mark.anyio
async def test_a_hit_whose_file_changed_since_says_so_in_both(connect: Connect, library: FakeLibrary) -> None:
    library.answer = Answer(hits=(replace(HITS[0], stale=True), HITS[1]), searched=FULL)
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "revenue"})
    assert [hit.get("stale") for hit in data_of(result)["hits"]] == [True, None]
    lines = text_of(result).splitlines()
    assert ["stale: its file changed" in line for line in lines[1:3]] == [True, False]


@pytest.mark.anyio
async def test_the_status_says_what_is_watched_in_both(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("status", {})
    assert data_of(result)["watching"] == "/data: watched; looked through at 12:00:00"
    assert "Watching: /data: watched; looked through at 12:00:00." in text_of(result)
