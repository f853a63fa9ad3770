"""Our side of a connection to the server: what any client can do, from the command line."""

from __future__ import annotations

import base64
import math
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO, cast

import anyio
import anyio.to_thread
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult, ImageContent, TextContent

from mcp_mmretrieval.cli.wording import answer_for_person, for_person
from mcp_mmretrieval.config.sources import default_library_path
from mcp_mmretrieval.errors import EngineUnavailable, RetrievalError
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import ENGINE_COMMAND, JsonMessage, connect_to_engine, hello
from mcp_mmretrieval.server.lines import read_lines, write_line
from mcp_mmretrieval.server.sdk import message_streams

STATUS_POLL_S = 0.3
"""Seconds between two looks at what the server is doing."""
EMBEDDING_STALL_S = 120.0
"""Seconds without one more document embedded until it is taken for stuck: a model may have to load first."""


class Session:
    """Calls tools. What a tool refuses becomes a RetrievalError with the tool's own words."""

    def __init__(
        self, client: Client, hang_up: Callable[[], object] = lambda: None, differs: Sequence[str] = ()
    ) -> None:
        self._client = client
        self.differs = differs
        """Settings that the engine did not take, as it runs with others."""
        self.hang_up = hang_up
        """Ends the connection without a word: what was asked for goes on, as nothing is cancelled."""

    async def call(self, tool: str, *, progress: ProgressFnT | None = None, **arguments: object) -> dict[str, Any]:
        """The structured answer of a tool. Arguments that are None are left out."""
        result = await self._ask(tool, arguments, progress)
        return answer_for_person(result.structured_content or {})

    async def add(self, paths: Sequence[str], progress: ProgressFnT | None = None) -> dict[str, Any]:
        """Add to the library and stay until it is done: asking again with the same paths waits on."""
        while True:
            result = await self.call("add_documents", progress=progress, paths=list(paths) or None)
            if result["state"] != "running":
                return result

    async def models_ready(self, within: float = math.inf) -> str:
        """Wait until the models are loaded or cannot be, so many seconds at most; how they are then."""
        until, pause = anyio.current_time() + within, STATUS_POLL_S / 8
        while True:
            state = str((await self.call("status"))["models_state"])
            if state != "loading" or anyio.current_time() >= until:
                return state
            await anyio.sleep(pause)
            pause = min(STATUS_POLL_S, 2 * pause)

    async def settled(self, progress: ProgressFnT | None = None) -> int:
        """Wait until everything that was read has its vectors, or nothing moves; how many documents lack theirs."""
        ready = await self.models_ready() == "ready"
        least, most, since = sys.maxsize, 0, anyio.current_time()
        while True:
            pending = int((await self.call("status"))["pending_vectors"])
            most = max(most, pending)
            if progress and most:
                await progress(most - pending, most, None)
            if pending < least:
                least, since = pending, anyio.current_time()
            if not (ready and pending) or anyio.current_time() - since > EMBEDDING_STALL_S:
                return pending
            await anyio.sleep(STATUS_POLL_S)

    async def look(self, targets: Sequence[str]) -> tuple[str, list[bytes]]:
        """What there is to read, and the JPEG pictures, at one place, or a contact sheet of several."""
        result = await self._ask("open_media", {"targets": list(targets)}, None)
        texts = [block.text for block in result.content if isinstance(block, TextContent)]
        pictures = [base64.b64decode(block.data) for block in result.content if isinstance(block, ImageContent)]
        return "\n\n".join(texts), pictures

    async def _ask(self, tool: str, arguments: dict[str, object], progress: ProgressFnT | None) -> CallToolResult:
        given = {name: value for name, value in arguments.items() if value is not None}
        result = await self._client.call_tool(tool, given, progress_callback=progress)
        if result.is_error:
            message = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
            raise RetrievalError(for_person(message) or f"{tool} failed without a word; the engine's log may say more.")
        return result


@asynccontextmanager
async def engine_session(given: dict[str, object], engine: Sequence[str] = ENGINE_COMMAND) -> AsyncIterator[Session]:
    """A session with the engine of the library that the settings name; one is started where there is none."""
    endpoint = endpoint_of(str(given.get("library") or default_library_path()))
    greeting = hello(given, kind="command")
    connection, answer = await anyio.to_thread.run_sync(partial(connect_to_engine, endpoint, greeting, engine=engine))
    connection.setblocking(False)
    with connection:
        async with Client(message_streams(read_lines(connection), partial(write_line, connection))) as client:
            differs = cast("list[str]", answer.get("differs", []))
            yield Session(client, partial(connection.shutdown, socket.SHUT_RDWR), differs)


def ask_library(given: dict[str, object], question: str, *, start: bool = True, **more: object) -> JsonMessage:
    """What the engine answers to a question of a person's that is no tool. Without `start` only where one runs."""
    endpoint = endpoint_of(str(given.get("library") or default_library_path()))
    connection, answer = connect_to_engine(endpoint, hello(given, ask=question, **more), start=start)
    connection.close()
    return answer_for_person(answer)


def open_recording(given: dict[str, object], target: str) -> tuple[int, JsonMessage]:
    """The file of a recording as an open descriptor, which the caller closes, and its `media_type` and `bytes`.

    The engine judges what may be read and opens it. Raises what `Library.recording` raises, as an EngineUnavailable.
    """
    endpoint = endpoint_of(str(given.get("library") or default_library_path()))
    connection, answer = connect_to_engine(endpoint, hello(given, ask="recording", target=target))
    with connection:
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    if not descriptors:
        raise EngineUnavailable("The engine ended before it passed the file on. Try again.")
    return descriptors[0], dict(cast("JsonMessage", answer["recording"]))


@asynccontextmanager
async def stdio_session(command: Sequence[str], log: TextIO) -> AsyncIterator[Session]:
    """A session with a server in a process of its own, as an assistant starts it; its stderr goes to `log`."""
    server = StdioServerParameters(command=command[0], args=list(command[1:]))
    async with Client(stdio_client(server, errlog=log)) as client:
        yield Session(client)


def path_for_server(path: str) -> str:
    """A path as the server takes it: from the root of the file system. `~$report.docx` is a name like any other."""
    return str(Path(os.path.expanduser(path)).absolute())  # noqa: PTH111  Path's own would raise
