"""`serve --http` as a person starts it: a front in the foreground, an engine behind it, clients with a token."""

import base64
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_mmretrieval.front.endpoint import Endpoint
from tests.support.engines import Front, alive, ended_engine, until
from tests.support.files import BLUE, RED, picture

pytestmark = pytest.mark.anyio
ERAS = ["auto", "legacy"]


class Address:
    """A front that serves HTTP, and what it said on stderr."""

    def __init__(self, library: Path, root: Path, *arguments: str, **environment: str) -> None:
        self.library = library
        self.told = library.parent / "told.txt"
        given = ("--library", str(library), "--root", str(root), "--http", "127.0.0.1:0")
        with self.told.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.engines", "serve", *given, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "MMRETRIEVAL_ENGINE_IDLE_S": "1", "MMRETRIEVAL_WORKERS": "1", **environment},
            )
        until(lambda: "Listening" in self.told.read_text() or self.process.poll() is not None)
        found = re.search(r"http://\S+", self.told.read_text())
        self.url = found[0] if found else ""

    @property
    def token(self) -> str:
        return (self.library / "http-token").read_text().strip()

    def http(self, token: str | None = None) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False)

    @asynccontextmanager
    async def client(self, mode: str = "auto") -> AsyncIterator[Client]:
        with anyio.fail_after(60):
            async with (
                self.http() as http,
                Client(streamable_http_client(self.url, http_client=http), mode=mode) as client,
            ):
                yield client

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            assert self.process.stdout.read() == b"", "stdout is the protocol's, even where there is none"
            self.process.stdout.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "red.txt").write_text("red red red")
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def endpoint(library: Path) -> Iterator[Endpoint]:
    with ended_engine(library) as endpoint:
        yield endpoint


@contextlib.contextmanager
def serving(library: Path, files: Path, *arguments: str, **environment: str) -> Iterator[Address]:
    address = Address(library, files, *arguments, **environment)
    try:
        yield address
    finally:
        address.end()


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def command_line(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("solo", [(), ("--solo",)], ids=["engine", "solo"])
async def test_a_client_with_the_token_adds_and_finds(
    endpoint: Endpoint, library: Path, files: Path, mode: str, solo: tuple[str, ...]
) -> None:
    with serving(library, files, *solo) as address:
        async with address.client(mode) as client:
            assert len((await client.list_tools()).tools) == 7
            assert (await asked(client, "add_documents"))["added"] == 1
            hits = (await asked(client, "search_media", query="red"))["hits"]
            assert Path(hits[0]["path"]).name == "red.txt"
        assert endpoint.held() is not bool(solo)


async def test_without_the_token_nothing_is_served(endpoint: Endpoint, library: Path, files: Path) -> None:
    with serving(library, files) as address:
        async with httpx2.AsyncClient(trust_env=False) as http:
            for path in ("/mcp", "/health", "/metrics", "/"):
                for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {address.token}"}):
                    answer = await http.get(address.url.replace("/mcp", path), headers=headers)
                    assert answer.status_code == 401
                    assert address.token not in answer.text
        async with address.http() as http:
            assert (await http.get(address.url.replace("/mcp", "/health"))).json()["status"] == "ok"
            numbers = (await http.get(address.url.replace("/mcp", "/metrics"))).text
            assert "mmretrieval_connections 1.0" in numbers
        seen = address.told.read_text() + (library / "engine.log").read_text()
        assert address.token not in seen
        for process in (address.process.pid, int(str(endpoint.state()["pid"]))):
            assert address.token.encode() not in command_line(process)


async def test_clients_go_on_when_the_engine_is_killed(endpoint: Endpoint, library: Path, files: Path) -> None:
    with serving(library, files) as address:
        async with address.client() as client:
            await asked(client, "add_documents")
            engine = int(str(endpoint.state()["pid"]))
            os.kill(engine, signal.SIGKILL)
            await anyio.to_thread.run_sync(until, lambda: not alive(engine))
            async with address.client() as another:  # waits in the queue of the address until the next engine is up
                hits = (await asked(another, "search_media", query="red"))["hits"]
                assert Path(hits[0]["path"]).name == "red.txt"
        assert int(str(endpoint.state()["pid"])) != engine


async def test_http_and_stdio_share_one_engine_and_each_keeps_its_roots(
    endpoint: Endpoint, library: Path, files: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "blue.txt").write_text("blue blue blue")
    with serving(library, files) as address, Front(library, other) as front:
        assert front.call("add_documents")["added"] == 1
        async with address.client() as client:
            await asked(client, "add_documents")
            told = (await asked(client, "status"))["engine"]
            assert f"pid {front.engine()}," in told
            names = {Path(hit["path"]).name for hit in (await asked(client, "search_media", query="blue red"))["hits"]}
            assert names == {"red.txt"}
        assert front.paths("red blue") == ["blue.txt"]


async def test_the_address_is_closed_with_its_front_and_the_engine_ends(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with serving(library, files) as address:
        async with address.client() as client:
            await client.list_tools()
    host, port = address.url.removeprefix("http://").removesuffix("/mcp").split(":")
    until(lambda: not answers(host, int(port)))
    until(lambda: not endpoint.held())


async def test_a_remote_caller_searches_by_a_picture_that_it_sends(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    picture(files / "red.png", RED)
    picture(files / "blue.png", BLUE)
    data = base64.b64encode(picture(library.parent / "asked.png", RED).read_bytes()).decode()
    with serving(library, files) as address:
        async with address.client() as client:
            await asked(client, "add_documents")
            while (await asked(client, "status"))["pending_vectors"]:  # noqa: ASYNC110  in another process
                await anyio.sleep(0.05)
            hits = (await asked(client, "search_media", like=f"data:image/png;base64,{data}", modality="image"))["hits"]
            assert Path(hits[0]["path"]).name == "red.png"
            composed = {"like": [hits[0]["id"], "blue.png"], "avoid": [hits[0]["citation"]], "modality": "image"}
            answer = await asked(client, "search_media", **composed)
            assert [hit["citation"] for hit in answer["hits"]] == ["blue.png"]
            assert any(note.startswith("Avoided red.png: 1 place left out") for note in answer["notes"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--http", "0.0.0.0:0"), "MMRETRIEVAL_HTTP_HOSTS"),
        (("--http", "nowhere"), "HOST:PORT"),
    ],
)
async def test_an_address_that_cannot_be_served_is_one_line(
    library: Path, files: Path, arguments: tuple[str, ...], told: str
) -> None:
    address = Address(library, files, *arguments)
    assert address.process.wait(60) == 2
    assert told in address.told.read_text()
    assert address.told.read_text().count("\n") <= 2
    assert address.process.stdout is not None
    address.process.stdout.close()


async def test_a_setting_that_makes_no_sense_is_told_in_the_foreground_and_nothing_is_served(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with serving(library, files, MMRETRIEVAL_WORKERS="none") as address:
        assert address.process.wait(60) == 1
        assert address.told.read_text().count("workers: Input should be a valid integer") == 1
