import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from mcp_mmretrieval.answers import Answer
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening
from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.server.gallery.app import GALLERY_URI
from mcp_mmretrieval.server.gallery.page import gallery_page
from mcp_mmretrieval.server.sdk import serve_lines
from mcp_mmretrieval.types import Place
from tests.support.library import FULL, HITS, FakeLibrary, as_library

pytestmark = pytest.mark.anyio

MODERN = "2026-07-28"
VERSIONS = ["2025-06-18", "2025-11-25", MODERN]
SHOWS_APPS = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}
INFO = {"name": "test", "version": "1"}


class Lines:
    """A client that is nothing but the lines it sends, in one of the protocol's versions."""

    def __init__(
        self,
        send: MemoryObjectSendStream[bytes],
        receive: MemoryObjectReceiveStream[bytes],
        version: str,
        capabilities: dict[str, Any],
    ) -> None:
        self._send, self._receive, self._version, self._capabilities = send, receive, version, capabilities

    async def greet(self) -> dict[str, Any]:
        """What the server says that it can do."""
        if self._version == MODERN:
            return await self.ask("server/discover")
        given = {"protocolVersion": self._version, "capabilities": self._capabilities, "clientInfo": INFO}
        result = await self.ask("initialize", **given)
        assert result["protocolVersion"] == self._version
        await self._send.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return result

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        if self._version == MODERN:
            start = "io.modelcontextprotocol/"
            stated = {"protocolVersion": MODERN, "clientInfo": INFO, "clientCapabilities": self._capabilities}
            params["_meta"] = {start + name: value for name, value in stated.items()}
        await self._send.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        answer = json.loads(await self._receive.receive())
        assert "error" not in answer, answer
        return dict(answer["result"])


@asynccontextmanager
async def speaking(
    library: FakeLibrary, version: str, *, apps: bool, **settings: Any
) -> AsyncIterator[tuple[Lines, dict[str, Any]]]:
    """A client and what it was greeted with. `apps`: it says that it shows them."""
    given = Settings(**settings)
    server = create_server(lambda: as_library(library), given)
    connection = Connection(LibraryOpening(lambda: as_library(library)), given, Admission())
    to_server, at_server = anyio.create_memory_object_stream[bytes](10)
    to_client, at_client = anyio.create_memory_object_stream[bytes](10)
    with anyio.fail_after(60):
        async with to_server, at_server, to_client, at_client, anyio.create_task_group() as tasks:
            tasks.start_soon(serve_lines, server, connection, at_server, to_client.send)
            client = Lines(to_server, at_client, version, SHOWS_APPS if apps else {})
            yield client, await client.greet()
            tasks.cancel_scope.cancel()


def without_meta(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in tool.items() if key != "_meta"} for tool in tools]


@pytest.mark.parametrize("version", VERSIONS)
async def test_who_shows_no_apps_is_told_the_same_as_without_a_gallery_but_for_meta(
    library: FakeLibrary, version: str
) -> None:
    told = {}
    for gallery in (False, True):
        async with speaking(library, version, apps=False, gallery=gallery) as (client, greeting):
            capabilities = {name: what for name, what in greeting["capabilities"].items() if name != "extensions"}
            told[gallery] = capabilities, (await client.ask("tools/list"))["tools"]
    assert told[True][0] == told[False][0]
    assert without_meta(told[True][1]) == told[False][1]
    with_meta = [tool["name"] for tool in told[True][1] if "_meta" in tool]
    assert with_meta == ["search_media"]
    assert len(told[True][1]) == 7


@pytest.mark.parametrize("version", VERSIONS)
async def test_who_shows_apps_is_told_of_the_page_by_both_keys_and_of_its_tool(
    library: FakeLibrary, version: str
) -> None:
    async with speaking(library, version, apps=True) as (client, greeting):
        tools = {tool["name"]: tool for tool in (await client.ask("tools/list"))["tools"]}
        (listed,) = (await client.ask("resources/list"))["resources"]
        (read,) = (await client.ask("resources/read", uri=GALLERY_URI))["contents"]
    assert "resources" in greeting["capabilities"]
    assert tools["search_media"]["_meta"] == {"ui": {"resourceUri": GALLERY_URI}, "ui/resourceUri": GALLERY_URI}
    assert list(tools)[-1] == "show_hits" and len(tools) == 8
    assert tools["show_hits"]["_meta"] == {"ui": {"visibility": ["app"]}}  # and no page of its own
    assert listed["uri"] == GALLERY_URI and listed["mimeType"] == read["mimeType"] == "text/html;profile=mcp-app"
    assert read["text"] == gallery_page()
    assert read["_meta"]["ui"]["permissions"] == {"clipboardWrite": {}}


@pytest.mark.parametrize("version", VERSIONS)
async def test_without_a_gallery_nobody_is_told_of_it(library: FakeLibrary, version: str) -> None:
    async with speaking(library, version, apps=True, gallery=False) as (client, greeting):
        tools = (await client.ask("tools/list"))["tools"]
    assert len(tools) == 7
    assert [tool for tool in tools if "_meta" in tool] == []
    assert "resources" not in greeting["capabilities"] and "extensions" not in greeting["capabilities"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_search_answers_the_same_with_and_without_a_gallery(library: FakeLibrary, version: str) -> None:
    answers = []
    for apps, gallery in ((False, False), (True, True)):
        async with speaking(library, version, apps=apps, gallery=gallery) as (client, _):
            answers.append(await client.ask("tools/call", name="search_media", arguments={"query": "revenue"}))
    assert answers[0] == answers[1]
    assert library.asked.keys() == {"query", "like", "avoid", "limit", "filters", "rerank", "deadline"}


async def test_a_search_draws_nothing(library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = [name for name in sys.modules if name.startswith("mcp_mmretrieval.server.gallery.drawn")]
    for name in drawing:
        monkeypatch.delitem(sys.modules, name)
    async with speaking(library, MODERN, apps=True) as (client, _):
        await client.ask("tools/call", name="search_media", arguments={"query": "revenue"})
        assert "mcp_mmretrieval.server.gallery.drawn" not in sys.modules
        await client.ask("tools/call", name="show_hits", arguments={"targets": ["gone"]})
        assert "mcp_mmretrieval.server.gallery.drawn" in sys.modules


async def test_fifty_hits_are_small_enough_for_any_assistant(library: FakeLibrary) -> None:
    long = "\u6c34" * 2_000
    segments = [replace(HITS[0].segment, place=Place(page=1 + number)) for number in range(50)]
    hits = [
        replace(HITS[0], segment=segment, snippet=long, title=long, path=f"/data/{'deep/' * 40}q3.pdf")
        for segment in segments
    ]
    library.answer = Answer(hits=tuple(hits), searched=FULL)
    async with speaking(library, MODERN, apps=True) as (client, _):
        result = await client.ask("tools/call", name="search_media", arguments={"query": "revenue", "limit": 50})
    assert len(result["structuredContent"]["hits"]) == 50
    assert len(json.dumps(result["structuredContent"], ensure_ascii=False).encode()) <= 100_000
