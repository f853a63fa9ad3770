"""The page's server on a real loopback port, and requests to it as bytes."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from mcp_mmretrieval.errors import NotInLibrary
from mcp_mmretrieval.server.browse.app import Ask, BrowseApplication
from mcp_mmretrieval.server.http.app import serve_socket
from tests.support.http import Answer, answered

Headers = Mapping[str, str | None]


@dataclass
class Browsed:
    """Where the page is served, and what came through to the engine's side."""

    port: int
    app: BrowseApplication
    asked: list[tuple[str, Any]] = field(default_factory=list)
    tabs: int = 0
    recordings: dict[str, tuple[Path, str]] = field(default_factory=dict)
    """What can be played whole."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def request(self, method: str, target: str, body: bytes = b"", headers: Headers | None = None) -> Answer:
        """A request as the page's own browser sends it, but for `headers`; None leaves one out."""
        given: dict[str, str | None] = {
            "Host": self.host,
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Dest": "document" if target == "/" else "empty",
        }
        if method == "POST":
            given |= {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
            given["Content-Length"] = str(len(body))
        given |= headers or {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value is not None)
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            await stream.send(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)
            return await answered(stream, only_head=method == "HEAD")

    @property
    def answering(self) -> int:
        """Requests that are being answered."""
        return len(self.app._answering)

    async def post(self, target: str, given: object, headers: Headers | None = None) -> Answer:
        return await self.request("POST", target, json.dumps(given).encode(), headers)

    async def key(self) -> str:
        """The key of a new tab."""
        answer = await self.post("/key", {"token": self.app.keys.token})
        assert answer.status == 200
        return str(json.loads(answer.body)["key"])

    async def call(self, name: str, key: str, headers: Headers | None = None, **arguments: Any) -> Answer:
        return await self.post(
            "/call", {"name": name, "arguments": arguments}, {"X-Session-Key": key, **(headers or {})}
        )

    async def ticket(self, key: str, target: str) -> str:
        """The address at which a recording is played."""
        answer = await self.post("/recording", {"target": target}, {"X-Session-Key": key})
        assert answer.status == 200, answer.body
        return str(json.loads(answer.body)["address"])


@asynccontextmanager
async def browsing(ask: Ask | None = None, recordings: Mapping[str, tuple[Path, str]] = {}) -> AsyncIterator[Browsed]:
    """The server, with `recordings` by what names them: a file and its media type."""

    async def told(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        browsed.asked.append((name, arguments))
        return await ask(name, arguments) if ask else {"asked": name}

    async def opened(target: str) -> tuple[int, str]:
        browsed.asked.append(("recording", target))
        if target not in browsed.recordings:
            raise NotInLibrary(f"{target}: not in the library.")
        path, media_type = browsed.recordings[target]
        return os.open(path, os.O_RDONLY), media_type

    def tab() -> None:
        browsed.tabs += 1

    listening = socket.create_server(("127.0.0.1", 0))
    app = BrowseApplication(listening.getsockname()[1], told, opened, tab)
    browsed = Browsed(listening.getsockname()[1], app, recordings=dict(recordings))
    with anyio.fail_after(240):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(serve_socket, app, listening, stop=anyio.Event()))
            yield browsed
            tasks.cancel_scope.cancel()
