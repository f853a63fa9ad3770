"""Models of the Hub behind a real server process: tiny ones of the architectures that the profiles name."""

import sys
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import ImageContent, TextContent
from PIL import Image

from tests.media import recordings
from tests.models import tiny
from tests.models.contents import picture, sound
from tests.models.tiny import gemma, qwen

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

PATIENCE = 500
PICTURES = [f"{seed}.png" for seed in range(4)]
SOUNDS = [f"{seed}.wav" for seed in range(3)]
SETTINGS = {
    "MMRETRIEVAL_ENGINE_IDLE_S": "0",
    "MMRETRIEVAL_OCR": "off",
    "MMRETRIEVAL_SPEECH": "off",
    "MMRETRIEVAL_RERANKER": "off",
    "MMRETRIEVAL_MODEL_PIXELS": "170000",
    "MMRETRIEVAL_MODEL_FRAMES": "2",
    "HF_HUB_OFFLINE": "1",
}


@asynccontextmanager
async def connected(root: Path, library: Path, model: Path) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_mmretrieval", "--root", str(root), "--library", str(library), "--profile", str(model)],
        env=SETTINGS,
    )
    with anyio.fail_after(PATIENCE):
        async with Client(server) as client:
            yield client


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


async def added(client: Client) -> dict[str, Any]:
    """Ask until the job is done and everything has its vectors."""
    outcome = await asked(client, "add_documents")
    while outcome["state"] == "running":
        outcome = await asked(client, "add_documents")
    while (await asked(client, "status"))["pending_vectors"]:  # noqa: ASYNC110  it happens in another process
        await anyio.sleep(0.5)
    return outcome


def make_media(root: Path) -> None:
    """Pictures, sounds, a film and a text."""
    root.mkdir()
    for seed, name in enumerate(PICTURES):
        Image.fromarray(picture(seed)).save(root / name)
    for seed, name in enumerate(SOUNDS):
        with wave.open(str(root / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes((sound(seed, 2.0).samples * 32_000).astype(np.int16).tobytes())
    (root / "film.mp4").write_bytes(recordings.film(seconds=4.0))
    (root / "pump.md").write_text("# Pump 4\n\nThe impeller was replaced in May.\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "hears"),
    [(tiny.clip, False), (gemma.embedder, True), (qwen.embedder, False)],
    ids=["clip", "gemma", "qwen"],
)
async def test_mixed_media_are_found_by_words_by_a_picture_and_by_a_sound(
    make: Callable[[Path], Path], hears: bool, tmp_path: Path
) -> None:
    model = await anyio.to_thread.run_sync(make, tmp_path / "model")
    root = tmp_path / "files"
    make_media(root)
    async with connected(root, tmp_path / "library", model) as client:
        outcome = await added(client)
        assert (outcome["added"], outcome["failed"]) == (len(PICTURES) + len(SOUNDS) + 2, [])

        found = await asked(client, "search_media", query="impeller")
        assert found["hits"][0]["citation"].startswith("pump.md")
        assert {"words", "text"} <= set(found["hits"][0]["lanes"])

        for name in PICTURES:
            hit = (await asked(client, "search_media", like=name))["hits"][0]
            assert (hit["citation"], hit["lanes"]) == (name, ["picture"])
        looked = await client.call_tool("open_media", {"targets": hit["id"]})
        assert isinstance(looked.content[0], TextContent)
        assert any(isinstance(block, ImageContent) for block in looked.content)

        films = await asked(client, "search_media", query="a harbour", modality="video")
        assert films["hits"][0]["citation"].startswith("film.mp4#t=")

        for name in SOUNDS if hears else []:
            hit = (await asked(client, "search_media", like=name))["hits"][0]
            assert hit["citation"].startswith(f"{name}#t=0.0")
            assert "sound" in hit["lanes"]
        status = await asked(client, "status")
        assert str(model) in status["models"]["text vectors"]
