"""Tool calls as models and frameworks send them, over a real library: each answers what was meant."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.create import create_server
from tests.support.calls import PATIENCE, add
from tests.support.files import BLUE, RED, picture, recording, scanned_pdf

pytestmark = pytest.mark.anyio

Judge = Callable[[CallToolResult], bool]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def filled(library: Library, folder: Path) -> Library:
    """A note, a page, a picture and a recording in folders; and one text that was given as such."""
    for name in ("notes", "scans"):
        (folder / name).mkdir()
    (folder / "notes" / "boiler plan.md").write_text("# Boiler\n\nThe boiler needs a red valve.\n", encoding="utf-8")
    scanned_pdf(folder / "scans" / "Prüfbericht.pdf", [BLUE, RED])
    picture(folder / "sign.png", RED, (300, 100))
    recording(folder / "slides.wav", (440, 130))
    os.utime(folder / "sign.png", (1_000_000_000, 1_000_000_000))
    add(library)
    library.add(text="The violin audition is on Friday.", title="Audition").wait(PATIENCE)
    library.settle(PATIENCE)
    return library


@asynccontextmanager
async def client_of(library: Library) -> AsyncIterator[Client]:
    async with Client(create_server(lambda: library.within(library.roots), library.settings)) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def data_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text_of(result)
    return dict(result.structured_content or {})


def hits(result: CallToolResult) -> list[str]:
    return [hit["citation"].partition("#")[0] for hit in data_of(result)["hits"]]


def finds(name: str) -> Judge:
    return lambda result: name in hits(result)


def finds_only(*names: str) -> Judge:
    return lambda result: set(hits(result)) == set(names)


def says(*parts: str) -> Judge:
    return lambda result: not result.is_error and all(part in text_of(result) for part in parts)


def refuses(*parts: str) -> Judge:
    return lambda result: bool(result.is_error) and all(part in text_of(result) for part in parts)


BOILER = "notes/boiler%20plan.md"
CALLS: list[tuple[str, dict[str, Any], Judge]] = [
    ("search_media", {"query": "boiler", "toolCallId": "c1", "action": "x", "chatInput": "y"}, finds(BOILER)),
    ("search_media", {"query": "boiler", "task_progress": "- [x] a"}, says("Note: Ignored task_progress")),
    ("search_media", {"qurey": "boiler"}, refuses("did you mean query?")),
    ("search_media", {"query": "boiler", "limit": 0, "deadline_ms": 0, "modality": [""]}, finds(BOILER)),
    ("search_media", {"query": "boiler", "under": "null", "document": "None", "like": ""}, finds(BOILER)),
    ("search_media", {"query": "boiler", "rerank": "", "limit": "", "deadline_ms": ""}, finds(BOILER)),
    ("search_media", {"query": "red", "modality": "photo"}, finds_only("sign.png")),
    ("search_media", {"query": "low", "modality": "pdf, recording"}, finds("slides.wav")),
    ("search_media", {"query": "red", "modality": "perfume"}, refuses("modality: 'perfume' is no modality")),
    ("search_media", {"query": "red", "under": "file://{folder}/scans"}, finds_only("scans/Prüfbericht.pdf")),
    ("search_media", {"query": "red", "under": "'scans' "}, finds_only("scans/Prüfbericht.pdf")),
    ("search_media", {"query": "red", "under": "Scans/"}, finds_only("scans/Prüfbericht.pdf")),
    ("search_media", {"query": "red", "document": "boiler plan.md"}, finds_only(BOILER)),
    ("search_media", {"query": "red", "document": "boilr plan.md"}, refuses("document: ", f"Did you mean {BOILER}?")),
    ("search_media", {"query": "red", "before": "2002"}, finds_only("sign.png")),
    (
        "search_media",
        {"query": "red", "before": "2002"},
        says("Dates before 2002-01-01; today is 20", "changed 2001-09"),
    ),
    ("search_media", {"query": "red", "after": "last month", "modality": "image"}, says("Dates from 20", "left out")),
    ("search_media", {"query": "red", "after": "someday"}, refuses("after: 'someday' is no date", "2026-11")),
    ("search_media", {"like": "file://{folder}/sign.png"}, finds("sign.png")),
    ("search_media", {"query": "null", "like": "sign.png"}, finds("sign.png")),
    ("open_media", {"targets": ["file://{folder}/scans/Pr%C3%BCfbericht.pdf#page=2"]}, says("Prüfbericht.pdf#page=2")),
    ("open_media", {"targets": "['scans/Prüfbericht.pdf#page=2']"}, says("Prüfbericht.pdf#page=2")),
    ("open_media", {"targets": " Prüfbericht.pdf\n"}, says("scans/Prüfbericht.pdf#page=1")),
    ("open_media", {"targets": "Pru\u0308fbericht.pdf#page=9"}, refuses("nothing at page=9; it has 2 pages")),
    ("open_media", {"targets": "boiler plan.md#the-valve"}, refuses("#the-valve is no place in it", "#page=3")),
    ("open_media", {"targets": [{"id": "", "citation": BOILER}]}, says("needs a red valve")),
    ("open_media", {"targets": "slides.wav#t=110"}, says("slides.wav#t=110.0,")),
    ("open_media", {"targets": "slides.wav#t=1:50,2:00"}, says("slides.wav#t=110.0,120.0")),
    ("open_media", {"targets": "slides.wav#t=npt:10,20"}, says("slides.wav#t=10.0,20.0")),
    ("open_media", {"targets": "slides.wav#t=,5", "picture": False}, says("slides.wav#t=0.0,5.0")),
    ("open_media", {"targets": "Audition"}, says("The violin audition is on Friday.")),
    ("open_media", {"targets": "sign"}, refuses("Did you mean sign.png?")),
    (
        "rerank",
        {"query": "valve", "candidates": "['boiler plan.md']", "limit": 0, "user_id": 1},
        says("boiler plan.md"),
    ),
    ("list_documents", {"modality": "pictures", "order": ""}, says("sign.png", "changed 2001-09-0")),
    ("list_documents", {"order": "newest", "before": "2002"}, says("1 of 1 document.", "today is")),
    ("list_documents", {"after": "today", "modality": "note"}, says("boiler%20plan.md", "id=")),
    ("add_documents", {"paths": ["notes/boiler%20plan.md"]}, says("1 unchanged")),
    ("add_documents", {"paths": "file://{folder}/notes"}, says("1 unchanged")),
    ("add_documents", {"paths": "boiler plan.md"}, says("1 unchanged")),
    ("add_documents", {"paths": ["boilr plan.md"]}, says(f"Did you mean {BOILER}?")),
    ("add_documents", {"text": "A note on the hedgehog.", "dry_run": True}, says("Dry run done: 1 added")),
    ("search_media", {"query": "hedgehog", "modality": "text"}, says('"hedgehog" occurs nowhere')),
    ("add_documents", {"text": "A note on the badger.", "paths": "", "title": "None"}, says("1 added")),
    ("search_media", {"query": "badger", "modality": "note"}, says("A note on the badger.")),
    ("status", {"job": "null", "sessionId": "s"}, says("Today is 20", "Ignored sessionId")),
    ("remove_documents", {"targets": "audition", "dry_run": "false"}, says("Took out 0 files, 1 document,")),
    ("remove_documents", {"targets": ["sing.png"]}, says("Took out 0 files", "Did you mean sign.png?")),
    ("remove_documents", {"targets": '"{folder}/sign.png"'}, says("Took out 1 file,")),
    ("remove_documents", {"targets": ["scans"], "preview": True}, refuses("did you mean dry_run?")),
]


def spelt(value: Any, folder: Path) -> Any:
    """The value with the folder's path in it."""
    if isinstance(value, str):
        return value.replace("{folder}", str(folder))
    return [spelt(item, folder) for item in value] if isinstance(value, list) else value


async def test_calls_answer_what_was_meant(filled: Library, folder: Path) -> None:
    wrong = []
    async with client_of(filled) as client:
        for tool, arguments, right in CALLS:
            given = {name: spelt(value, folder) for name, value in arguments.items()}
            result = await client.call_tool(tool, given)
            if not right(result):
                wrong.append(f"{tool} {given}: {text_of(result)[:400]}")
    assert not wrong, "\n".join(wrong)
