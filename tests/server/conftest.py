from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.create import create_server
from tests.support.library import FakeLibrary, as_library

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture(params=["auto", "legacy"])
def connect(request: pytest.FixtureRequest, library: FakeLibrary) -> Connect:
    """A client in memory of both protocol eras, over a server with the given settings."""

    @asynccontextmanager
    async def connected(**settings: object) -> AsyncIterator[Client]:
        server = create_server(lambda: as_library(library), Settings(**settings))  # type: ignore[arg-type]
        with anyio.fail_after(60):
            async with Client(server, mode=request.param) as client:
                yield client

    return connected


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread or task brings about; the test's own deadline bounds it."""
    while not holds():  # noqa: ASYNC110  a thread cannot set an event of this loop
        await anyio.sleep(0.01)


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
