"""`browse` as a person starts and ends it, over a real engine."""

import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from mcp import MCPError

from mcp_mmretrieval.cli import browse
from mcp_mmretrieval.cli.browse import forwarding_page, serve_while_wanted
from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.server.browse.app import BrowseApplication
from tests.support.command import COMMAND, environment, run


@contextmanager
def started(*arguments: str | Path, opens: bool = False, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the address that it printed."""
    command = [*COMMAND, "browse", *(() if opens else ("--no-open",)), *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment(**more)) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_tab_asks_the_engine_and_ctrl_c_ends_the_page(tmp_path: Path) -> None:
    with started("--library", tmp_path / "library", "--root", tmp_path) as (process, address):
        parts = urlsplit(address)
        assert (parts.hostname, parts.path) == ("127.0.0.1", "/")
        origin = f"http://{parts.netloc}"
        with httpx2.Client(base_url=origin, timeout=60, trust_env=False) as http:
            key = http.post("/key", json={"token": parts.fragment.removeprefix("k=")}).json()["key"]
            http.headers["X-Session-Key"] = key
            listed = http.post("/call", json={"name": "list_documents"}).json()["answer"]
            status = http.post("/call", json={"name": "status"}).json()["answer"]
            jobs = http.post("/call", json={"name": "jobs"}).json()["answer"]
            assert (listed["documents"], status["roots"], jobs["jobs"]) == ([], [str(tmp_path)], [])
            shown = http.post("/call", json={"name": "show_hits", "arguments": {"targets": ["nothing.pdf"]}}).json()
            assert "not in the library" in shown["answer"]["items"][0]["error"]
            assert "mcp-mmretrieval add" in shown["answer"]["items"][0]["error"]  # said to a person
            refused = http.post("/call", json={"name": "search_media", "arguments": {"limit": 1_000}})
            assert refused.status_code == 422 and "limit" in refused.json()["error"]
            recording = http.post("/recording", json={"target": "/etc/passwd"})
            assert recording.status_code == 422
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"For another one: {origin}/#k=" in told
    assert parts.fragment not in told


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("browse", "--no-open", "--port", str(port), "--library", tmp_path / "library")
    assert done.returncode == 2
    assert f"--port {port}: " in done.stderr and "Leave it out" in done.stderr
    assert run("browse", "--no-open", "--port", "70000", "--library", tmp_path / "library").returncode == 2


def test_the_address_is_passed_to_a_browser_in_a_file_of_the_persons_own(tmp_path: Path) -> None:
    address = "http://127.0.0.1:1234/#k=a&b"
    page = forwarding_page(tmp_path, address)
    assert "#k=" not in page
    file = Path(urlsplit(page).path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert 'content="0; url=http://127.0.0.1:1234/#k=a&amp;b"' in file.read_text()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("opened", [True, False])
async def test_it_ends_by_itself_once_its_tabs_have_gone_and_not_before_there_was_one(opened: bool) -> None:
    async def ask(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}

    async def recording(target: str) -> tuple[int, str]:
        raise NotImplementedError

    listening = socket.create_server(("127.0.0.1", 0))
    app = BrowseApplication(listening.getsockname()[1], ask, recording, lambda: None)
    with anyio.move_on_after(60 if opened else 0.2) as waited:
        if opened:
            app.tabs.heard()
        by_person = await serve_while_wanted(app, listening, patience=0.01)
        assert not by_person
    assert waited.cancelled_caught is not opened


def test_a_browser_that_stays_in_front_gets_the_page(tmp_path: Path) -> None:
    """As those of the terminal do: webbrowser waits for their end."""
    got = tmp_path / "got"
    got_the_page = f"""
import pathlib, re, sys, urllib.parse, urllib.request
page = pathlib.Path(urllib.parse.urlsplit(sys.argv[1]).path).read_text()
address = re.search(r"url=([^#]+)#", page)[1]
text = urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(address, timeout=60).read().decode()
pathlib.Path({str(got)!r}).write_text(text)
"""
    script = tmp_path / "browser.py"
    script.write_text(got_the_page, encoding="utf-8")
    browser = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} %s"
    waits = ("--library", tmp_path / "library", "--root", tmp_path)
    with started(*waits, opens=True, BROWSER=browser) as (process, _):
        while not got.exists() or not got.read_text(encoding="utf-8"):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert "<title>Your files</title>" in got.read_text(encoding="utf-8")
    assert "It goes on until Ctrl-C, or 10 minutes without an open tab." in told
    assert process.returncode == 0


def test_closing_the_terminal_ends_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    waits = ("--library", tmp_path / "library", "--stay")
    with started(*waits, opens=True, BROWSER="true %s", TMPDIR=str(made)) as (process, address):
        with httpx2.Client(timeout=60, trust_env=False) as http:  # it serves, so it listens to signals
            assert http.get(address.partition("#")[0]).status_code == 200
        assert len(list(made.glob("mcp-mmretrieval-*/browse.html"))) == 1
        process.send_signal(signal.SIGHUP)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert list(made.glob("mcp-mmretrieval-*")) == []
    assert "It goes on until Ctrl-C.\n" in told


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("error", [MCPError(code=-32000, message="Connection closed"), ConnectionResetError()])
async def test_an_engine_that_ends_in_the_middle_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Ended:
        async def call(self, name: str, **arguments: Any) -> None:
            raise error

    @asynccontextmanager
    async def session(given: dict[str, object]) -> AsyncIterator[Ended]:
        async with anyio.create_task_group():  # as the SDK's client has
            yield Ended()

    monkeypatch.setattr(browse, "engine_session", session)
    with pytest.raises(EngineUnavailable, match="Try again"):
        await browse._ask({"library": "/nowhere"}, "status", {})


def test_ctrl_c_ends_it_without_a_word_while_an_engine_hangs(tmp_path: Path) -> None:
    library = tmp_path / "library"
    with started("--library", library, "--root", tmp_path) as (process, address):
        origin, _, token = address.partition("/#k=")
        with httpx2.Client(base_url=origin, timeout=120, trust_env=False) as http:
            http.headers["X-Session-Key"] = http.post("/key", json={"token": token}).json()["key"]
            assert http.post("/call", json={"name": "status"}).status_code == 200
            engine = int((library / "lock").read_text(encoding="utf-8").split()[0])
            os.kill(engine, signal.SIGSTOP)

            def ask() -> None:
                with suppress(httpx2.HTTPError):  # it is cut short
                    http.post("/call", json={"name": "status"})

            asking = threading.Thread(target=ask)
            asking.start()
            try:
                time.sleep(0.5)  # for it to come through; without, there would be nothing to cut short
                process.send_signal(signal.SIGINT)
                _, told = process.communicate(timeout=120)
            finally:
                os.kill(engine, signal.SIGKILL)
            asking.join()
    assert process.returncode == 0
    assert "ERROR" not in told and "Traceback" not in told
