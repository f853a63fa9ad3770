import json

import jsonschema
import pytest

from mcp_mmretrieval.answers import Look
from mcp_mmretrieval.errors import ModelUnavailable
from tests.server.conftest import Connect, data_of, listed, text_of
from tests.support.library import PAGE, FakeLibrary

pytestmark = pytest.mark.anyio

LOOK = Look(segment=PAGE, path="/data/q3.pdf", citation="q3.pdf#page=7", title="", text="Revenue", content=None)
EACH_TOOL: dict[str, dict[str, object]] = {
    "open_media": {"targets": ["q3"]},
    "rerank": {"query": "a", "texts": ["x"]},
    "list_documents": {},
    "add_documents": {},
    "remove_documents": {"targets": ["q3"], "dry_run": True},
    "status": {},
}


async def test_schemas_refer_to_nothing_and_are_valid(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    for tool in tools:
        assert "$ref" not in json.dumps(tool)
        for schema in (tool["inputSchema"], tool.get("outputSchema", {})):
            jsonschema.Draft202012Validator.check_schema(schema)


async def test_an_unknown_argument_is_refused_with_the_one_that_was_meant(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a", "limt": 3})
    assert result.is_error
    assert text_of(result) == "limt: unknown argument; did you mean limit?"


async def test_what_a_framework_adds_for_itself_is_ignored_and_said(connect: Connect, library: FakeLibrary) -> None:
    added: dict[str, object] = {
        "toolCallId": "1",
        "sessionId": "s",
        "action": "x",
        "chatInput": "",
        "task_progress": "- [x] a",
    }
    added |= {"wait_for_previous": False, "security_context": {}, "context_id": "c"}
    async with connect() as client:
        found = await client.call_tool("search_media", {"query": "a", **added})
        assert data_of(found)["notes"][-1].startswith("Ignored toolCallId, sessionId, action, chatInput, task_progress")
        assert text_of(found).splitlines()[-1] == f"Note: {data_of(found)['notes'][-1]}"
        assert library.asked["query"] == "a"
        library.looks["q3"] = LOOK
        for tool, given in EACH_TOOL.items():
            result = await client.call_tool(tool, {**given, **added})
            assert not result.is_error, text_of(result)
            assert "Ignored toolCallId" in text_of(result)


async def test_an_error_says_too_what_was_ignored(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("rerank", {"input_text": "boiler", "texts": ["a"]})
    assert result.is_error
    assert text_of(result).splitlines()[1] == "Ignored input_text: rerank has no such argument."


async def test_wrong_values_are_told_in_one_plain_line_each(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("search_media", {"query": "a", "limit": -1, "modality": ["smell"]})
    assert result.is_error
    lines = text_of(result).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["limit", "modality"]
    assert "greater than or equal to 1" in lines[0]
    assert "'smell' is no modality" in lines[1]
    assert "page" in lines[1]
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


NUMBERS: list[object] = [-1, 2**31, 2**53, 2**63, -(2**63), 10**30, 10**400, 1e308, "1e400", "9" * 5_000, 1.5]


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
async def test_a_number_out_of_bounds_is_told_by_its_name(connect: Connect, number: object) -> None:
    async with connect() as client:
        for tool in await listed(client):
            for name, kind in tool["inputSchema"]["properties"].items():
                if kind["type"] != "integer":
                    continue
                assert {"minimum", "maximum"} <= kind.keys(), f"{tool['name']}.{name}"
                result = await client.call_tool(
                    tool["name"], {**EACH_TOOL.get(tool["name"], {"query": "a"}), name: number}
                )
                assert result.is_error
                assert text_of(result).startswith(f"{name}: "), text_of(result)


async def test_a_query_without_end_is_told_with_the_limit(connect: Connect) -> None:
    async with connect() as client:
        for tool, given in {"search_media": {}, "rerank": {"texts": ["x"]}}.items():
            result = await client.call_tool(tool, {"query": "a" * 8_001, **given})
            assert text_of(result) == "query: String should have at most 8000 characters"
            assert data_of(await client.call_tool(tool, {"query": "a" * 8_000, **given}))
