"""A server on a real loopback port, and requests as bytes: also those that no client library would send."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream, TaskGroup
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening
from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.create import create_shared_server
from mcp_mmretrieval.server.http.access import BODY_SECONDS, AccessPolicy, own_hosts
from mcp_mmretrieval.server.http.app import Application, create_application, serve_socket
from mcp_mmretrieval.server.metrics import Metrics
from tests.support.library import FakeLibrary, as_library

TOKEN = "t0ken-that-must-not-leak-8f3a"
ORIGIN = "https://app.example"
MODERN = "2026-07-28"
both_eras = pytest.mark.parametrize("era", ["legacy", "modern"])


@dataclass
class Address:
    """Where a test's server listens, and what can be seen from behind."""

    port: int
    app: Application
    tasks: TaskGroup
    """The server runs in it."""
    admission: Admission
    metrics: Metrics
    stop: anyio.Event = field(default_factory=anyio.Event)
    stopped: anyio.Event = field(default_factory=anyio.Event)
    reached: list[str] = field(default_factory=list)
    """Methods of the messages that came through to the server."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/mcp"

    def http(self) -> httpx2.AsyncClient:
        """A client that has the token."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
        limits = httpx2.Limits(max_connections=None)
        return httpx2.AsyncClient(
            base_url=f"http://{self.host}", headers=headers, timeout=60, limits=limits, trust_env=False
        )

    @asynccontextmanager
    async def client(self, mode: str) -> AsyncIterator[Client]:
        """The SDK's own client, of one protocol era."""
        async with self.http() as http, Client(streamable_http_client(self.url, http_client=http), mode=mode) as client:
            yield client

    def counted(self, tool: str, outcome: str) -> int:
        """Calls of the tool that came to that."""
        body, _ = self.metrics.render()
        found = re.search(f'calls_total{{outcome="{outcome}",tool="{tool}"}} ([0-9]+)', body.decode())
        return int(found[1]) if found else 0

    async def ask(self, request: bytes) -> Answer:
        """Send these bytes; what comes back until the server has nothing more to say."""
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            await stream.send(request)
            return await answered(stream, only_head=request.startswith(b"HEAD"))


@dataclass
class Answer:
    """One response, read from the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        assert self.headers["content-type"] == "application/json"
        data = json.loads(self.body)
        assert list(data) == ["error"]
        return str(data["error"])


async def answered(stream: SocketStream, *, only_head: bool = False) -> Answer:
    """The next response: as long as it says, or in chunks, or until the end. Status 0: closed without a word."""
    wire = b""
    async for data in stream:
        wire += data
        head, found, body = wire.partition(b"\r\n\r\n")
        if not found:
            continue
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = 0 if only_head else int(headers["content-length"]) if "content-length" in headers else None
        if (whole is not None and len(body) >= whole) or (whole is None and body.endswith(b"0\r\n\r\n")):
            return Answer(int(status.split()[1]), headers, body)
    return Answer(0, {}, wire)


@asynccontextmanager
async def serving(
    library: FakeLibrary,
    *,
    token: str | None = TOKEN,
    admission: Admission | None = None,
    body_seconds: float = BODY_SECONDS,
    health: Mapping[str, Any] | Exception = {"state": "ready"},  # noqa: B006  never changed
    send_buffer: int | None = None,
    **settings: Any,
) -> AsyncIterator[Address]:
    """A server as the engine makes it, on a port of its own. Waits at the end until it has stopped."""
    admission = admission or Admission(4, 16)
    metrics = Metrics(admission)
    connection = Connection(LibraryOpening(lambda: as_library(library)), Settings(**settings), admission)

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        yield connection

    def how() -> Mapping[str, Any]:
        if isinstance(health, Exception):
            raise health
        return health

    async def note(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        address.reached.append(ctx.method)
        return await call_next(ctx)

    sock = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    port = sock.getsockname()[1]
    server = create_shared_server(connect, read_only=False, gallery=True, metrics=metrics)
    server.middleware.append(note)
    policy = AccessPolicy(own_hosts("127.0.0.1", port, ["Named.example:99"]), frozenset({ORIGIN}), token)
    app = create_application(server, policy, metrics=metrics, health=how, body_seconds=body_seconds)

    async def serve() -> None:
        try:
            await serve_socket(app, sock, stop=address.stop)
        finally:
            address.stopped.set()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            address = Address(port, app, tasks, admission, metrics)
            tasks.start_soon(serve)
            yield address
            address.stop.set()
    assert address.stopped.is_set()
    assert app.open == 0
    assert (admission.running, admission.waiting, admission.clients) == (0, 0, 0)


def message(era: str, method: str, *, id: object = 1, **params: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body of one message."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if era == "modern":
        params["_meta"] = {
            PROTOCOL_VERSION_META_KEY: MODERN,
            CLIENT_CAPABILITIES_META_KEY: {},
            **params.get("_meta", {}),
        }
        headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
    return headers, json.dumps(body).encode()


def call(era: str, tool: str, *, id: object = 1, progress: str = "", **arguments: Any) -> tuple[dict[str, str], bytes]:
    """A tool call."""
    meta = {"_meta": {"progressToken": progress}} if progress else {}
    return message(era, "tools/call", id=id, name=tool, arguments=arguments, **meta)


def replies(body: bytes) -> list[dict[str, Any]]:
    """The JSON-RPC messages of a response, which is one of them or a stream of events."""
    if body.startswith(b"{"):
        return [json.loads(body)]
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def request(
    address: Address,
    *,
    method: str = "POST",
    target: str = "/mcp",
    version: str = "1.1",
    body: bytes | None = None,
    drop: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    era: str = "legacy",
) -> bytes:
    """A request that is served, but for what is dropped or added; an added header replaces those of its name."""
    own, listing = message(era, "tools/list")
    if body is None:
        body = listing if method == "POST" else b""
    all_headers = {"Host": address.host, "Authorization": f"Bearer {TOKEN}", **own, "Content-Length": str(len(body))}
    gone = {name.lower() for name in (*drop, *(name for name, _ in headers))}
    lines = [(name, value) for name, value in all_headers.items() if name.lower() not in gone]
    head = "".join(f"{name}: {value}\r\n" for name, value in (*lines, *headers))
    return f"{method} {target} HTTP/{version}\r\n{head}\r\n".encode("latin-1") + body


async def trickle(stream: SocketStream, data: bytes) -> None:
    """Send again and again, until the other side has had enough."""
    with anyio.fail_after(60):
        while True:
            try:
                await stream.send(data)
            except anyio.BrokenResourceError:
                return
            await anyio.sleep(0.01)
