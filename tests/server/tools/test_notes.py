from dataclasses import replace

import pytest

from mcp_mmretrieval.answers import Answer, SearchCoverage
from tests.server.conftest import Connect, data_of, text_of
from tests.support.library import FULL, HITS, FakeLibrary

pytestmark = pytest.mark.anyio


EMPTY = [
    (
        SearchCoverage(documents=0, segments=0, excluded=0, pending_vectors=0, not_added=4, models="ready"),
        "library is empty",
    ),
    (
        SearchCoverage(documents=0, segments=0, excluded=0, pending_vectors=0, not_added=4, models="ready"),
        "4 files under",
    ),
    (
        replace(FULL, not_added=4, all_counted=False),
        "At least 4 files under",
    ),
    (
        SearchCoverage(documents=2, segments=0, excluded=9, pending_vectors=0, not_added=0, models="ready"),
        "modality=audio",
    ),
    (
        SearchCoverage(documents=2, segments=5, excluded=9, pending_vectors=0, not_added=0, models="ready"),
        "9 more places",
    ),
    (FULL, "Nothing matched in 40 places of 3 documents"),
    (
        SearchCoverage(documents=2, segments=5, excluded=0, pending_vectors=2, not_added=0, models="loading"),
        "still loading",
    ),
    (
        SearchCoverage(documents=2, segments=5, excluded=0, pending_vectors=2, not_added=0, models="missing"),
        "call status",
    ),
    (
        SearchCoverage(documents=2, segments=5, excluded=0, pending_vectors=2, not_added=0, models="ready"),
        "by their words",
    ),
]


@pytest.mark.parametrize(("searched", "told"), EMPTY)
async def test_an_empty_answer_explains_itself(
    connect: Connect, library: FakeLibrary, searched: SearchCoverage, told: str
) -> None:
    library.answer = Answer(hits=(), searched=searched)
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a", "modality": "audio"})
    assert told in " ".join(data_of(result)["notes"])
    assert told in text_of(result)


async def test_a_note_is_not_said_twice(connect: Connect, library: FakeLibrary) -> None:
    loading = SearchCoverage(
        documents=1, segments=5, excluded=0, pending_vectors=0, not_added=0, models="loading", note="Models load."
    )
    library.answer = Answer(hits=HITS, searched=loading, notes=("Found by words alone: Models load.",))
    async with connect() as client:
        notes = data_of(await client.call_tool("search_media", {"query": "a"}))["notes"]
    assert notes == ["Found by words alone: Models load."]


async def test_a_read_only_server_does_not_send_to_a_tool_that_is_not_there(
    connect: Connect, library: FakeLibrary
) -> None:
    library.answer = Answer(hits=(), searched=EMPTY[0][0])
    async with connect(read_only=True) as client:
        notes = data_of(await client.call_tool("search_media", {"query": "a"}))["notes"]
    assert "read-only" in notes[0]
    assert "add_documents" not in " ".join(notes)
