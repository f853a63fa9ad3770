"""A real Chroma server on loopback that can be killed, and a front before it that refuses, delays and counts."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATIENCE = 60.0
RUN = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', 'run', *sys.argv[1:]])"
"""What the command `chroma run` does, without importing the rest of chromadb, which takes seconds."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class ChromaServer:
    """`chroma run` on a folder and a port that stay the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        told = ["--path", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-c", RUN, *told], stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.address}/api/v2/heartbeat")
                return
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < end, "the server does not start"
                assert self._process.poll() is None, self.folder.with_suffix(".log").read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stand_still(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Another server at the same address, which knows nothing."""
        self.kill()
        shutil.rmtree(self.folder)
        self.start()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """A stranger's request about collections."""
        url = f"{self.address}/api/v2/tenants/default_tenant/databases/default_database/collections{path}"
        asked = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, method=method)
        asked.add_header("Content-Type", "application/json")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as answer:
            return json.loads(answer.read() or b"null")

    def ids(self) -> dict[str, set[str]]:
        """The ids in each collection."""
        found = self.ask("GET", "")
        return {each["name"]: set(self.ask("POST", f"/{each['id']}/get", {"include": []})["ids"]) for each in found}


Answer = tuple[int, bytes]


class ChromaFront:
    """A server before a Chroma server. `rule` answers in its place, or waits, or lets pass (None)."""

    def __init__(self, behind: int, rule: Callable[[str, str, Any], Answer | None] = lambda *asked: None) -> None:
        self.rule = rule
        self.lose_next = ""
        """How the path of a request ends that is passed on, but whose answer is lost; once."""
        self.upserted: Counter[str] = Counter()
        """How often each id was written, and that acknowledged or lost on the way back."""
        self.largest = 0
        """Most vectors in one write."""
        self.asked: Counter[str] = Counter()
        """Requests by the last part of their path."""
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer takes 40 ms
            wbufsize = -1

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                what = self.path.partition("?")[0].rpartition("/")[2]
                front.asked[what] += 1
                status, answer = front.rule(self.command, self.path, self.headers) or self._passed_on(behind, body)
                if what == "upsert":
                    ids = json.loads(body)["ids"]
                    front.largest = max(front.largest, len(ids))
                    front.upserted.update(ids if status < 300 else ())
                if what == front.lose_next:
                    front.lose_next, status, answer = "", 504, b"lost"
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:  # who asked did not wait
                    self.close_connection = True

            do_POST = do_PUT = do_DELETE = do_GET

            def _passed_on(self, port: int, body: bytes) -> Answer:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                try:
                    connection.request(self.command, self.path, body, {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    return response.status, response.read()
                except OSError:
                    return 502, b"bad gateway"
                finally:
                    connection.close()

            def log_message(self, format: str, *given: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked has hung up
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
