"""Models of the Hub behind a real server process: tiny ones of the architectures that the profiles name."""

import os
import sys
import wave
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import torch
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import ImageContent, TextContent
from PIL import Image
from sentence_transformers import CrossEncoder, MultiVectorEncoder

from mcp_mmretrieval.searching.scoring import Scores
from mcp_mmretrieval.types import Content
from tests.support import recordings, tiny
from tests.support.contents import picture, sound
from tests.support.tiny import gemma, qwen, rerankers

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

PATIENCE = 500
PICTURES = [f"{seed}.png" for seed in range(4)]
SOUNDS = [f"{seed}.wav" for seed in range(3)]
BOAT = "a red boat in the harbour"
QUERY = "a red boat"
TEXTS = ["the green hill", "pump failures by month", "lake"]
SETTINGS = {
    "MMRETRIEVAL_ENGINE_IDLE_S": "0",
    "MMRETRIEVAL_OCR": "off",
    "MMRETRIEVAL_SPEECH": "off",
    "MMRETRIEVAL_RERANK_S": "60",
    "MMRETRIEVAL_CALL_BUDGET_S": "300",
    "MMRETRIEVAL_MODEL_PIXELS": "170000",
    "MMRETRIEVAL_MODEL_FRAMES": "2",
    "HF_HUB_OFFLINE": "1",
}


@asynccontextmanager
async def connected(root: Path, library: Path, model: Path, reranker: Path) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mcp_mmretrieval", "--root", str(root), "--library", str(library), "--profile", str(model)],
        env={**SETTINGS, "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"], "MMRETRIEVAL_RERANKER": str(reranker)},
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
    """Pictures, sounds, a film and two texts."""
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
    (root / "boat.txt").write_text(BOAT, encoding="utf-8")


# -- what plain sentence-transformers makes of the same ----------------------------------------------------------------


def given(content: Content) -> dict[str, Any]:
    return {"text": content} if isinstance(content, str) else {"image": Image.fromarray(np.asarray(content))}


def predicted(model: Path, contents: Sequence[Content]) -> list[float | None]:
    """Of a cross-encoder that sees."""
    judge = CrossEncoder(str(model), device="cpu", local_files_only=True)
    pairs: list[Any] = [({"text": QUERY}, given(content)) for content in contents]
    return [float(score) for score in judge.predict(pairs, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False)]


def predicted_of_texts(model: Path, contents: Sequence[Content]) -> list[float | None]:
    """Of one that takes texts alone; None for all else."""
    judge = CrossEncoder(str(model), device="cpu", local_files_only=True)
    pairs: list[Any] = [(QUERY, content) for content in contents if isinstance(content, str)]
    found = iter(judge.predict(pairs, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False))
    return [float(next(found)) if isinstance(content, str) else None for content in contents]


def interacting(model: Path, contents: Sequence[Content]) -> list[float | None]:
    """Of late interaction."""
    late = MultiVectorEncoder(str(model), device="cpu", local_files_only=True)
    asked = late.encode_query([{"text": QUERY}], show_progress_bar=False)
    documents: Any = late.encode_document([given(content) for content in contents], show_progress_bar=False)
    return [float(score) for score in late.similarity(asked, documents)[0]]


async def assert_reranked(client: Client, model: Path, contents: Mapping[str, Content], wanted: Scores) -> None:
    """The tool `rerank` gives these scores and their order. `contents`: by id or path, and the raw texts."""
    names = [name for name in contents if name not in TEXTS]
    ranking = await asked(client, "rerank", query=QUERY, candidates=names, texts=TEXTS)
    scores = dict(zip(contents, wanted, strict=True))
    order = sorted(contents, key=lambda name: -(scores[name] or 0.0))
    assert ranking["method"] == model.name, "".join(ranking["notes"])
    found = [result.get("candidate") or TEXTS[result["text_index"]] for result in ranking["results"]]
    assert found == order
    assert [result["reranked"] for result in ranking["results"]] == [scores[name] is not None for name in order]
    assert [result["score"] for result in ranking["results"]] == pytest.approx(
        [scores[name] or 0.0 for name in order], abs=1e-4
    )


# -- over stdio --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "hears", "make_reranker", "plain"),
    [
        (tiny.clip, False, rerankers.bert, predicted_of_texts),
        (gemma.embedder, True, rerankers.neomme, interacting),
        (qwen.embedder, False, rerankers.qwen3_vl, predicted),
    ],
    ids=["clip", "gemma", "qwen"],
)
async def test_mixed_media_are_found_by_words_and_by_themselves_and_reranked_as_plain_models_do(
    make: Callable[[Path], Path],
    hears: bool,
    make_reranker: Callable[[Path], Path],
    plain: Callable[[Path, Sequence[Content]], Scores],
    tmp_path: Path,
) -> None:
    model = await anyio.to_thread.run_sync(make, tmp_path / "model")
    reranker = await anyio.to_thread.run_sync(make_reranker, tmp_path / "reranker")
    root = tmp_path / "files"
    make_media(root)
    async with connected(root, tmp_path / "library", model, reranker) as client:
        outcome = await added(client)
        assert (outcome["added"], outcome["failed"]) == (len(PICTURES) + len(SOUNDS) + 3, [])

        found = await asked(client, "search_media", query="impeller", rerank=False)
        assert found["hits"][0]["citation"].startswith("pump.md")
        assert {"words", "text"} <= set(found["hits"][0]["lanes"])

        hits = {}
        for name in PICTURES:
            hit = hits[name] = (await asked(client, "search_media", like=name))["hits"][0]
            assert (hit["citation"], hit["lanes"]) == (name, ["picture"])
        looked = await client.call_tool("open_media", {"targets": hit["id"]})
        assert isinstance(looked.content[0], TextContent)
        assert any(isinstance(block, ImageContent) for block in looked.content)

        for name in ("pump.md", "boat.txt"):
            hit = hits[name] = (await asked(client, "search_media", like=name))["hits"][0]
            assert hit["citation"].startswith(name)
            assert "text" in hit["lanes"]

        films = await asked(client, "search_media", query="a harbour", modality="video")
        assert films["hits"][0]["citation"].startswith("film.mp4#t=")
        assert (await asked(client, "search_media", like="film.mp4"))["hits"][0]["citation"].startswith("film.mp4#t=")

        for name in SOUNDS if hears else []:
            hit = (await asked(client, "search_media", like=name))["hits"][0]
            assert hit["citation"].startswith(f"{name}#t=0.0")
            assert "sound" in hit["lanes"]
        status = await asked(client, "status")
        assert str(model) in status["models"]["text vectors"]

        never_added = root / "never-added.png"
        Image.fromarray(picture(9)).save(never_added)
        contents: dict[str, Content] = {
            **{hits[name]["id"]: picture(seed) for seed, name in enumerate(PICTURES)},
            hits["boat.txt"]["id"]: BOAT,
            str(never_added): picture(9),
            **{text: text for text in TEXTS},
        }
        wanted = await anyio.to_thread.run_sync(plain, reranker, list(contents.values()))
        await assert_reranked(client, reranker, contents, wanted)

        scores = dict(zip(contents, wanted, strict=True))
        found = await asked(client, "search_media", query=QUERY, rerank=True, limit=20)
        relevant = [hit["relevance"] for hit in found["hits"] if "relevance" in hit]
        assert relevant == sorted(relevant, reverse=True)
        known = [hit for hit in found["hits"] if scores.get(hit["id"]) is not None]
        assert known
        assert [hit["relevance"] for hit in known] == pytest.approx([scores[hit["id"]] for hit in known], abs=1e-4)
