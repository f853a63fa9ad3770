"""When a server opens its library and closes it, and what it imports until then."""

import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from mcp import Client

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.server.create import create_server
from tests.server.conftest import Connect, data_of, text_of
from tests.support.library import FakeLibrary, as_library

pytestmark = pytest.mark.anyio


async def test_the_list_of_tools_may_be_kept(library: FakeLibrary) -> None:
    scopes = {}
    for gallery in (False, True):
        server = create_server(lambda: as_library(library), Settings(gallery=gallery))
        async with Client(server, mode="auto") as client:
            result = await client.list_tools()
        assert result.ttl_ms == 3_600_000
        scopes[gallery] = result.cache_scope
    assert scopes == {False: "public", True: "private"}  # with a gallery the list depends on who asks


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
        assert opens.wait(60)
        return library

    async with Client(create_server(opened, Settings())) as client:
        assert len((await client.list_tools()).tools) == 7
        opens.set()
        data_of(await client.call_tool("status", {}))


HEAVY = ("torch", "chromadb", "numpy", "PIL", "sentence_transformers", "sqlite3", "mcp_mmretrieval.library")


def test_nothing_heavy_is_imported_before_the_tools_are_listed() -> None:
    code = f"""
import anyio, sys
from mcp import Client
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.server import solo
from mcp_mmretrieval.config.settings import Settings

async def main():
    async with Client(create_server(solo._open, Settings())) as client:
        await client.list_tools()
        print([name for name in {HEAVY!r} if name in sys.modules])

anyio.run(main)
"""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # it brings sqlite3
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=bare)
    assert done.stdout.strip() == "[]"


def test_the_package_and_the_server_package_import_only_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import mcp_mmretrieval.server; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert tops - sys.stdlib_module_names == {"mcp_mmretrieval"}


async def test_what_is_not_used_is_not_advertised(connect: Connect) -> None:
    async with connect() as client:
        offered = client.server_capabilities
        assert offered is not None and offered.tools is not None and offered.prompts is not None
        assert (offered.resources, offered.completions, offered.logging) == (None,) * 3


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_is_added_to_a_server_is_advertised(mode: str, library: FakeLibrary) -> None:
    server = create_server(lambda: as_library(library), Settings())

    @server.resource("note://hello")
    def greet() -> str:
        return "Hello."

    async with Client(server, mode=mode) as client:
        offered = client.server_capabilities
        assert offered is not None and offered.resources is not None and offered.completions is None
