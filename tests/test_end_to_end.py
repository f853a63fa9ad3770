"""The main job as an assistant does it: a real server process, the SDK's client, the built-in models."""

import base64
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import ImageContent, TextContent
from PIL import Image

from mcp_mmretrieval.demo_media import make_media
from mcp_mmretrieval.front.endpoint import Endpoint

pytestmark = [pytest.mark.anyio, pytest.mark.builtin, pytest.mark.timeout(600)]

PATIENCE = 300


@asynccontextmanager
async def connected(root: Path, library: Path, mode: Literal["auto", "legacy"]) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_mmretrieval", "serve", "--root", str(root), "--library", str(library)],
        env={"MMRETRIEVAL_ENGINE_IDLE_S": "0", "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]},
    )
    with anyio.fail_after(PATIENCE):
        async with Client(server, mode=mode) as client:
            yield client


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert all(isinstance(block, TextContent) for block in result.content)
    return dict(result.structured_content or {})


async def added(client: Client) -> dict[str, Any]:
    """Ask until the job is done and everything has its vectors."""
    outcome = await asked(client, "add_documents")
    while outcome["state"] == "running":
        outcome = await asked(client, "add_documents")
    while (await asked(client, "status"))["pending_vectors"]:  # noqa: ASYNC110  it happens in another process
        await anyio.sleep(0.5)
    return outcome


async def test_an_agent_adds_searches_looks_and_removes(tmp_path: Path) -> None:
    root = tmp_path / "ferry"
    make_media(root)
    (root / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    async with connected(root, tmp_path / "library", "auto") as client:
        outcome = await added(client)
        assert outcome["added"] == 9
        assert [(Path(one["path"]).name, one["code"]) for one in outcome["failed"]] == [("broken.pdf", "corrupt")]

        found = await asked(client, "search_media", query="Why were departures cancelled?")
        hit = found["hits"][0]
        assert (hit["citation"], hit["page"], hit["modality"]) == ("annual-report.pdf#page=3", 3, "page")
        assert hit["id"].endswith("#page=3")

        looked = await client.call_tool("open_media", {"targets": hit["id"]})
        assert looked.structured_content is None
        assert isinstance(looked.content[0], TextContent)
        assert "fog" in looked.content[0].text.lower()
        pictures = [block for block in looked.content if isinstance(block, ImageContent)]
        with Image.open(io.BytesIO(base64.b64decode(pictures[0].data))) as page:
            assert page.format == "JPEG"
            assert 512 <= max(page.size) <= 1024

        spoken = await asked(client, "search_media", query="the gearbox was too hot", modality="audio")
        assert spoken["hits"][0]["citation"].startswith("engine-log.wav#t=")

        ranked = await asked(
            client, "rerank", query="why were departures cancelled", candidates=[hit["id"]], texts=["A cake recipe."]
        )
        assert ranked["results"][0]["candidate"] == hit["id"]

        removed = await asked(client, "remove_documents", targets="annual-report.pdf")
        assert removed["documents"] == 1
        again = await asked(client, "search_media", query="Why were departures cancelled?")
        assert all(not other["citation"].startswith("annual-report") for other in again["hits"])


async def test_what_was_added_is_found_by_the_next_server_in_the_other_era(tmp_path: Path) -> None:
    root = tmp_path / "notes"
    root.mkdir()
    (root / "pump.md").write_text("# Pump 4\n\nThe impeller was replaced in May.\n", encoding="utf-8")
    async with connected(root, tmp_path / "library", "auto") as client:
        await added(client)
        first = (await asked(client, "search_media", query="who changed the rotor of the pump"))["hits"]
    async with connected(root, tmp_path / "library", "legacy") as client:
        again = await asked(client, "search_media", query="impeller")
        assert [hit["id"] for hit in again["hits"]] == [hit["id"] for hit in first]


async def test_words_answer_before_the_models_are_loaded(tmp_path: Path) -> None:
    root = tmp_path / "notes"
    root.mkdir()
    (root / "pump.md").write_text("The impeller was replaced.\n", encoding="utf-8")
    async with connected(root, tmp_path / "library", "auto") as client:
        await added(client)
    with anyio.fail_after(60):
        while Endpoint(str(tmp_path / "library")).held():  # noqa: ASYNC110  it happens in another process
            await anyio.sleep(0.1)
    async with connected(root, tmp_path / "library", "auto") as client:
        answer = await asked(client, "search_media", query="impeller")
        assert answer["hits"][0]["lanes"] == ["words"]
        assert any("words alone" in note for note in answer["notes"])
