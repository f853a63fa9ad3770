import json
import threading
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_mmretrieval import __version__
from mcp_mmretrieval.answers import Answer, Searched
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import LibraryUnavailable, ModelUnavailable
from mcp_mmretrieval.server.create import INSTRUCTIONS, create_server
from tests.server.conftest import Connect, until
from tests.server.fake import FULL, HITS, FakeLibrary, as_library, until_stopped, with_a_bad_file

pytestmark = pytest.mark.anyio

NAMES = [
    "search_media",
    "open_media",
    "rerank",
    "list_documents",
    "add_documents",
    "remove_documents",
    "status",
]


def text_of(result: CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


def data_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return dict(result.structured_content)


async def listed(client: Client) -> list[dict[str, Any]]:
    return [
        tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in (await client.list_tools()).tools
    ]


def size(tools: list[dict[str, Any]]) -> int:
    return len(json.dumps(tools, separators=(",", ":")))


# -- the surface ------------------------------------------------------------------------------------------------------


async def test_the_seven_tools_always_stand_in_the_same_order(connect: Connect) -> None:
    async with connect() as client:
        assert [tool["name"] for tool in await listed(client)] == NAMES
        assert client.server_info is not None
        assert client.server_info.version == __version__
        assert client.instructions == INSTRUCTIONS


async def test_the_list_of_tools_may_be_kept(library: FakeLibrary) -> None:
    async with Client(create_server(lambda: as_library(library), Settings()), mode="auto") as client:
        result = await client.list_tools()
    assert (result.ttl_ms, result.cache_scope) == (3_600_000, "public")


async def test_the_list_of_tools_is_within_its_budget(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    assert size(tools) <= 12_000
    assert size([{key: value for key, value in tool.items() if key != "outputSchema"} for tool in tools]) <= 8_000
    assert len(INSTRUCTIONS) <= 500


async def test_every_tool_says_all_that_a_client_asks_of_it(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    for tool in tools:
        assert tool["title"]
        assert tool["description"]
        hints = tool["annotations"]
        assert set(hints) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
        assert hints["destructiveHint"] == (tool["name"] == "remove_documents")
        assert hints["readOnlyHint"] == (tool["name"] not in ("add_documents", "remove_documents"))
        assert ("outputSchema" in tool) == (tool["name"] != "open_media")
        assert tool["inputSchema"]["additionalProperties"] is False
        for name, argument in tool["inputSchema"]["properties"].items():
            assert argument["description"], name
            assert "anyOf" not in argument, name
            assert "type" in argument, name


async def test_schemas_refer_to_nothing_and_are_valid(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    for tool in tools:
        assert "$ref" not in json.dumps(tool)
        for schema in (tool["inputSchema"], tool.get("outputSchema", {})):
            jsonschema.Draft202012Validator.check_schema(schema)


async def test_a_read_only_server_offers_neither_adding_nor_removing(connect: Connect) -> None:
    async with connect(read_only=True) as client:
        names = [tool["name"] for tool in await listed(client)]
    assert names == [name for name in NAMES if name not in ("add_documents", "remove_documents")]


# -- arguments --------------------------------------------------------------------------------------------------------


async def test_an_unknown_argument_is_refused_with_the_one_that_was_meant(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a", "limt": 3})
    assert result.is_error
    assert text_of(result) == "limt: unknown argument; did you mean limit?"


async def test_an_unknown_argument_without_a_like_gets_the_list(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("status", {"verbosity": 3})
    assert text_of(result) == "verbosity: unknown argument; status takes job."


async def test_wrong_values_are_told_in_one_plain_line_each(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a", "limit": 0, "modality": ["pdf"]})
    assert result.is_error
    lines = text_of(result).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["limit", "modality.0"]
    assert "greater than or equal to 1" in lines[0]
    assert "'page'" in lines[1]
    assert "pydantic" not in text_of(result)


async def test_a_lone_string_stands_for_a_list_of_one_and_null_for_nothing(
    connect: Connect, library: FakeLibrary
) -> None:
    async with connect() as client:
        data_of(await client.call_tool("search_media", {"query": "a", "modality": "page", "under": None, "limit": "3"}))
        assert (library.asked["filters"].modality, library.asked["limit"]) == (("page",), 3)
        ranked = await client.call_tool("rerank", {"query": "a", "candidates": "a.png", "texts": '["x", "y"]'})
        assert len(data_of(ranked)["results"]) == 3


async def test_a_text_that_looks_like_json_stays_text(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client:
        data_of(await client.call_tool("search_media", {"query": "null"}))
        assert library.asked["query"] == "null"
        data_of(await client.call_tool("add_documents", {"text": '{"a": 1}', "title": "[1]"}))


# -- answers ----------------------------------------------------------------------------------------------------------


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
        "match": None,
        "snippet": "Revenue by region: north 12",
        "lanes": ["words", "text"],
        "more_in_document": 3,
    }
    assert (sound["start"], sound["end"]) == (73.0, 88.0)
    assert not {"snippet", "page", "start", "title", "more_in_document"} & set(picture)
    assert ("relevance" in sound, picture["relevance"]) == (False, 0.7312)
    lines = text_of(result).splitlines()
    assert lines[3].startswith(f"3. [{picture['modality']}] a.png (0.25, relevance 0.73; picture) id=")
    assert lines[:3] == [
        "3 hits, best first:",
        '1. [page] q3.pdf#page=7 (0.82; words, text) id=3f9a0c12d4e5#page=7 "Revenue by region: north 12"'
        " (+3 more in this document)",
        '2. [audio] call.wav#t=73.0,88.0 (0.50; text) id=abababababab#t=73.0,88.0 1:13 to 1:28 "I lost my umbrella."',
    ]


async def test_the_arguments_of_a_search_reach_the_library(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client:
        await client.call_tool(
            "search_media",
            {"like": "a.png", "modality": ["image"], "rerank": True, "deadline_ms": 1_500, "under": "/data"},
        )
    assert library.asked["like"] == "a.png"
    assert library.asked["rerank"] is True
    assert library.asked["deadline"] == 1.5
    assert library.asked["filters"].under == "/data"


async def test_every_structured_answer_keeps_to_its_schema(connect: Connect, library: FakeLibrary) -> None:
    library.work = with_a_bad_file
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_media", {"query": "a"}),
        ("rerank", {"query": "a", "candidates": ["x"], "texts": ["y"]}),
        ("add_documents", {"paths": ["/data"]}),
        ("list_documents", {"limit": 2}),
        ("remove_documents", {"targets": ["/data/q3.pdf", "/data/none.pdf"], "dry_run": True}),
        ("status", {}),
    ]
    async with connect() as client:
        schemas = {tool["name"]: tool["outputSchema"] for tool in await listed(client) if "outputSchema" in tool}
        for name, arguments in calls:
            result = await client.call_tool(name, arguments)
            jsonschema.validate(data_of(result), schemas[name])
            assert len(result.content) == 1
            assert text_of(result)


async def test_no_tool_answers_both_data_and_media(connect: Connect) -> None:
    async with connect() as client:
        for tool in await listed(client):
            assert ("outputSchema" in tool) != (tool["name"] == "open_media")


async def test_a_list_says_where_the_next_page_begins(connect: Connect) -> None:
    async with connect() as client:
        first = data_of(await client.call_tool("list_documents", {"limit": 2}))
        last = data_of(await client.call_tool("list_documents", {"limit": 2, "offset": first["next_offset"]}))
    assert (len(first["documents"]), first["total"], first["next_offset"]) == (2, 3, 2)
    assert "next_offset" not in last
    assert first["documents"][0]["modified"] == "2026-03-02T10:00:00+00:00"


async def test_one_bad_file_is_one_clear_line(connect: Connect, library: FakeLibrary) -> None:
    library.work = with_a_bad_file
    async with connect() as client:
        result = await client.call_tool("add_documents", {"paths": "/data"})
    data = data_of(result)
    assert (data["state"], data["added"]) == ("done", 1)
    assert data["failed"] == [{"path": "/data/bad.pdf", "code": "corrupt", "reason": "No PDF header."}]
    assert "- /data/bad.pdf: corrupt: No PDF header." in text_of(result)


async def test_what_could_not_be_removed_is_named(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("remove_documents", {"targets": ["a.pdf", "b.pdf"]})
    assert data_of(result)["unknown"] == ["b.pdf"]
    assert "Not in the library: b.pdf" in text_of(result)


async def test_status_tells_problems_and_one_job_alone(connect: Connect) -> None:
    async with connect() as client:
        job = data_of(await client.call_tool("add_documents", {"paths": "/data"}))["job"]
        whole = await client.call_tool("status", {})
        one = data_of(await client.call_tool("status", {"job": job}))
        unknown = await client.call_tool("status", {"job": "nope"})
    assert "Problem: Speech model missing" in text_of(whole)
    assert data_of(whole)["jobs"][0]["job"] == job
    assert list(one) == ["jobs"]
    assert unknown.is_error
    assert "Call status" in text_of(unknown)


# -- empty answers ----------------------------------------------------------------------------------------------------

EMPTY = [
    (Searched(documents=0, segments=0, excluded=0, pending_vectors=0, not_added=4, models="ready"), "library is empty"),
    (Searched(documents=0, segments=0, excluded=0, pending_vectors=0, not_added=4, models="ready"), "4 files under"),
    (Searched(documents=2, segments=0, excluded=9, pending_vectors=0, not_added=0, models="ready"), "modality=audio"),
    (Searched(documents=2, segments=5, excluded=9, pending_vectors=0, not_added=0, models="ready"), "9 more places"),
    (FULL, "Nothing matched in 40 places of 3 documents"),
    (Searched(documents=2, segments=5, excluded=0, pending_vectors=2, not_added=0, models="loading"), "still loading"),
    (Searched(documents=2, segments=5, excluded=0, pending_vectors=2, not_added=0, models="missing"), "call status"),
    (Searched(documents=2, segments=5, excluded=0, pending_vectors=2, not_added=0, models="ready"), "by their words"),
]


@pytest.mark.parametrize(("searched", "told"), EMPTY)
async def test_an_empty_answer_explains_itself(
    connect: Connect, library: FakeLibrary, searched: Searched, told: str
) -> None:
    library.answer = Answer(hits=(), searched=searched)
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a", "modality": "audio"})
    assert told in " ".join(data_of(result)["notes"])
    assert told in text_of(result)


async def test_a_note_is_not_said_twice(connect: Connect, library: FakeLibrary) -> None:
    loading = Searched(
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


# -- failures ---------------------------------------------------------------------------------------------------------


async def test_our_own_error_reaches_the_model_as_it_is(connect: Connect, library: FakeLibrary) -> None:
    library.failure = ModelUnavailable("The embedder is missing. Install mcp-mmretrieval[builtin].")
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a"})
    assert result.is_error
    assert text_of(result) == "The embedder is missing. Install mcp-mmretrieval[builtin]."


async def test_a_bug_is_not_shown_to_the_model(connect: Connect, library: FakeLibrary) -> None:
    library.failure = ZeroDivisionError("secret path /root/x")
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a"})
    assert result.is_error
    assert text_of(result) == "Error executing tool search_media"


async def test_a_library_that_does_not_open_is_told_by_each_call_and_tried_again(library: FakeLibrary) -> None:
    failures = [LibraryUnavailable("Held by process 7. End it."), ImportError("no module named torch")]

    def opened() -> Any:
        if failures:
            raise failures.pop(0)
        return library

    async with Client(create_server(opened, Settings())) as client:
        texts = [text_of(await client.call_tool("status", {})) for _ in range(3)]
    assert texts[0] == "Held by process 7. End it."
    assert "could not be opened" in texts[1]
    assert "mcp-mmretrieval doctor" in texts[1]
    assert "torch" not in texts[1]
    assert texts[2].startswith("mcp-mmretrieval 0.1.0")


async def test_the_library_is_closed_with_the_server_that_opened_it(library: FakeLibrary) -> None:
    async with Client(create_server(lambda: as_library(library), Settings())) as client:
        await client.call_tool("status", {})
        assert not library.closed
    assert library.closed


async def test_the_handshake_does_not_wait_for_the_library(connect: Connect, library: FakeLibrary) -> None:
    opens = threading.Event()

    def opened() -> Any:
        assert opens.wait(20)
        return library

    async with Client(create_server(opened, Settings())) as client:
        assert len((await client.list_tools()).tools) == 7
        opens.set()
        data_of(await client.call_tool("status", {}))


async def test_a_call_ends_within_its_budget_and_the_next_one_is_served(connect: Connect, library: FakeLibrary) -> None:
    async with connect(call_budget_s=1.0) as client:
        late = await client.call_tool("search_media", {"query": "wait"})
        assert late.is_error
        assert text_of(late).startswith("No answer within 1 s.")
        data_of(await client.call_tool("search_media", {"query": "a"}))
        library.hold.set()


async def test_a_search_passes_while_another_waits(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, "search_media", {"query": "wait"})
        await until(lambda: library.asked.get("query") == "wait")
        data_of(await client.call_tool("search_media", {"query": "a"}))
        library.hold.set()


# -- adding in the background -----------------------------------------------------------------------------------------


async def test_who_waits_for_a_model_hears_how_far_it_is(connect: Connect, library: FakeLibrary) -> None:
    library.loading = "embedder: fetching for 3 s, 0.40 of 1.50 GB"
    told: list[tuple[float, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))
        if len(told) == 2:
            library.hold.set()

    async with connect() as client:
        await client.call_tool("search_media", {"query": "wait"}, progress_callback=tell)
    assert [message for _, message in told] == [library.loading] * len(told)
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})


async def test_adding_reports_progress_that_grows(connect: Connect, library: FakeLibrary) -> None:
    library.work = until_stopped
    told: list[tuple[float, float | None, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connect(call_budget_s=1.5) as client:
        await client.call_tool("add_documents", {"paths": "/data"}, progress_callback=tell)
    values = [progress for progress, _, _ in told]
    assert len(values) >= 2
    assert values == sorted(set(values))
    assert told[-1][1] == 100
    assert str(told[-1][2]).endswith(".pdf")


async def test_a_long_job_goes_on_after_the_call_and_the_same_call_waits_for_it(
    connect: Connect, library: FakeLibrary
) -> None:
    library.work = until_stopped
    async with connect(call_budget_s=1.0) as client:
        first = await client.call_tool("add_documents", {"paths": "/data"})
        again = await client.call_tool("add_documents", {"paths": "/data"})
        assert data_of(first)["state"] == "running"
        assert data_of(first)["job"] == data_of(again)["job"]
        assert data_of(again)["added"] >= data_of(first)["added"]
        assert f"status with job={data_of(first)['job']}" in text_of(first)
        assert not library.jobs_started[0].stop.is_set()


async def test_a_client_that_runs_out_of_time_leaves_the_job_running(library: FakeLibrary) -> None:
    library.work = until_stopped
    server = create_server(lambda: as_library(library), Settings())
    async with Client(server, mode="legacy") as client:
        with pytest.raises(Exception, match="timed out"):
            await client.call_tool("add_documents", {"paths": "/data"}, read_timeout_seconds=1)
        data_of(await client.call_tool("status", {}))
        assert not library.jobs_started[0].stop.is_set()


async def test_a_cancelled_call_ends_the_job_that_it_started(library: FakeLibrary) -> None:
    library.work = until_stopped
    with anyio.fail_after(20):
        async with Client(create_server(lambda: as_library(library), Settings()), mode="legacy") as client:
            async with anyio.create_task_group() as call:
                call.start_soon(client.call_tool, "add_documents", {"paths": "/data"})
                await until(lambda: bool(library.jobs_started))
                call.cancel_scope.cancel()
            await until(lambda: library.jobs_started[0].outcome.state == "cancelled")


async def test_a_cancelled_call_leaves_a_job_that_another_call_waits_for(library: FakeLibrary) -> None:
    library.work = until_stopped
    states: list[str] = []
    server = create_server(lambda: as_library(library), Settings(call_budget_s=2.0))

    async def wait(client: Client) -> None:
        states.append(data_of(await client.call_tool("add_documents", {"paths": "/data"}))["state"])

    with anyio.fail_after(20):
        async with (
            Client(server, mode="legacy") as client,
            anyio.create_task_group() as tasks,
            anyio.create_task_group() as first,
        ):
            first.start_soon(client.call_tool, "add_documents", {"paths": "/data"})
            await until(lambda: len(library.jobs_started) == 1)
            tasks.start_soon(wait, client)
            await until(lambda: library.jobs_started[0]._waiting == 2)
            first.cancel_scope.cancel()
    assert library.jobs_started[0] is library.jobs_started[1]
    assert states == ["running"]
