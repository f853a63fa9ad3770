"""The prompts that a person picks in an assistant."""

import re

import pytest
from mcp import Client, MCPError
from mcp_types import TextContent

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.create import create_server
from tests.support.library import FakeLibrary, as_library

pytestmark = pytest.mark.anyio

ARGUMENTS = {
    "find-and-cite": {"question": "When does the ferry leave?", "under": "trips"},
    "compare-charts": {"what": "sales by month", "under": "reports"},
    "what-was-said": {"about": "the budget", "recording": "calls/monday.m4a"},
}


def client(mode: str = "auto") -> Client:
    return Client(create_server(lambda: as_library(FakeLibrary()), Settings()), mode=mode)


async def text(name: str, arguments: dict[str, str]) -> str:
    async with client() as one:
        (message,) = (await one.get_prompt(name, arguments)).messages
    assert message.role == "user" and isinstance(message.content, TextContent)
    return message.content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_three_are_offered_each_with_one_thing_that_it_needs(mode: str) -> None:
    async with client(mode) as one:
        offered = (await one.list_prompts()).prompts
    assert [prompt.name for prompt in offered] == [*ARGUMENTS]
    for prompt in offered:
        assert prompt.title and prompt.description
        assert [argument.required for argument in prompt.arguments or ()] == [True, False]
        assert all(argument.description for argument in prompt.arguments or ())


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_what_a_prompt_names_is_a_tool_or_an_argument_or_a_field_of_one(name: str) -> None:
    told = await text(name, ARGUMENTS[name])
    assert all(value in told for value in ARGUMENTS[name].values())
    async with client() as one:
        tools = {tool.name: tool for tool in (await one.list_tools()).tools}
    assert set(re.findall(r"\b[a-z]+_[a-z]+\b", told)) <= tools.keys()
    arguments = {argument for tool in tools.values() for argument in tool.input_schema["properties"]}
    assert set(re.findall(r"`(\w+)`", told)) <= arguments | {"citation"}


async def test_a_place_that_is_not_named_is_not_spoken_of() -> None:
    assert "under" not in await text("what-was-said", {"about": "the budget"})


@pytest.mark.parametrize(
    ("name", "told"), [("find-and-cite", "Missing required arguments: {'question'}"), ("find", "Unknown prompt: find")]
)
async def test_a_wrong_request_is_told_which_prompts_there_are(name: str, told: str) -> None:
    async with client() as one:
        with pytest.raises(MCPError, match=r"compare-charts \(needs what\)") as raised:
            await one.get_prompt(name, {})
    assert told in raised.value.error.message
