from pathlib import Path

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.types import Tool

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.create import create_server
from tests.conformance.application import application

pytestmark = pytest.mark.anyio


async def tools(server: MCPServer[Connection]) -> list[Tool]:
    async with Client(server) as client:
        return (await client.list_tools()).tools


async def test_what_is_scored_is_our_server_and_its_own_tools_are_as_ever(tmp_path: Path) -> None:
    def never() -> Library:
        raise AssertionError

    settings = Settings(library=tmp_path / "library")
    ours = await tools(create_server(never, settings))
    scored = await tools(application(settings))
    assert scored[: len(ours)] == ours
    assert all("test_" in tool.name for tool in scored[len(ours) :])
