import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest

from mcp_mmretrieval import __version__
from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.server.create import SERVER_INSTRUCTIONS
from tests.server.conftest import Connect, data_of, listed, text_of, until
from tests.support.library import FakeLibrary

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


def size(tools: list[dict[str, Any]]) -> int:
    return len(json.dumps(tools, separators=(",", ":")))


# -- the surface ------------------------------------------------------------------------------------------------------


async def test_the_seven_tools_always_stand_in_the_same_order(connect: Connect) -> None:
    async with connect() as client:
        assert [tool["name"] for tool in await listed(client)] == NAMES
        assert client.server_info is not None
        assert client.server_info.version == __version__
        assert client.instructions == SERVER_INSTRUCTIONS


async def test_the_list_of_tools_is_within_its_budget(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    assert size(tools) <= 12_000
    assert size([{key: value for key, value in tool.items() if key != "outputSchema"} for tool in tools]) <= 8_000
    assert len(SERVER_INSTRUCTIONS) <= 500


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


async def test_a_read_only_server_offers_neither_adding_nor_removing(connect: Connect) -> None:
    async with connect(read_only=True) as client:
        names = [tool["name"] for tool in await listed(client)]
    assert names == [name for name in NAMES if name not in ("add_documents", "remove_documents")]


# -- answers ----------------------------------------------------------------------------------------------------------


async def test_the_arguments_of_a_search_reach_the_library(connect: Connect, library: FakeLibrary) -> None:
    async with connect() as client:
        await client.call_tool(
            "search_media",
            {"like": "a.png", "modality": ["image"], "rerank": True, "deadline_ms": 1_500, "under": "/data"},
        )
    assert library.asked["like"] == ["a.png"]
    assert library.asked["rerank"] is True
    assert library.asked["deadline"] == 1.5
    assert library.asked["filters"].under == "/data"


async def test_no_tool_answers_both_data_and_media(connect: Connect) -> None:
    async with connect() as client:
        for tool in await listed(client):
            assert ("outputSchema" in tool) != (tool["name"] == "open_media")


# -- failures ---------------------------------------------------------------------------------------------------------


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


# -- who goes first ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tool", "first"), [("status", 0), ("list_documents", 1)])
async def test_bulk_work_waits_for_answers_but_for_none_of_how_far_it_is(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tool: str, first: int
) -> None:
    entered: list[object] = []

    @contextmanager
    def counted() -> Iterator[None]:
        entered.append(tool)
        yield

    monkeypatch.setattr(foreground, "foreground_request", counted)
    async with connect() as client:
        await client.call_tool(tool)
    assert len(entered) == first
