from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import pytest
from mcp import Client

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.create import create_server
from tests.server.fake import FakeLibrary, as_library

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
        with anyio.fail_after(20):
            async with Client(server, mode=request.param) as client:
                yield client

    return connected


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread or task brings about; the test's own deadline bounds it."""
    while not holds():  # noqa: ASYNC110  a thread cannot set an event of this loop
        await anyio.sleep(0.01)
