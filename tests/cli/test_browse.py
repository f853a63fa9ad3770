"""`browse` as a person starts and ends it, over a real engine."""

import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from mcp_mmretrieval.cli.browse import forwarding_page
from tests.support.command import COMMAND, environment, run


@contextmanager
def started(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the address that it printed."""
    command = [*COMMAND, "browse", "--no-open", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment()) as process:
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
