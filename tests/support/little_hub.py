"""A Hub of one repository on loopback, which serves ranges, cuts connections and counts what it sends."""

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = "owner/name"
LARGE = 100_000
"""Bytes from which on a file is kept by its SHA-256, as the Hub does with large ones."""


class LittleHub(ThreadingHTTPServer):
    """`files`: contents by path, of the one commit."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.sent: Counter[str] = Counter()
        """Bytes of each file that went over the wire."""
        self.asked: list[str] = []
        """Paths of all requests, in their order."""
        self.cuts: list[int] = []
        """After how many bytes each of the next answers with a large file is cut off."""
        self.stall: threading.Event | None = None
        """Where it is set: a cut answer waits for it, with the connection open."""
        self.ranges = True
        self.refusal: int | None = None
        self.elsewhere = False
        """Whether large files are kept on another host, as the Hub keeps them."""
        self.tokens: dict[str, str | None] = {}
        """Which Authorization came with the last request for each host."""
        self.broken: set[str] = set()
        """Files that are sent with a wrong byte."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[LittleHub]:
    hub = LittleHub(files)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        if hub.stall:
            hub.stall.set()
        hub.shutdown()
        hub.server_close()
        thread.join()


def digest(content: bytes) -> str:
    """As git names a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: LittleHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        hub = self.server
        hub.asked.append(self.path)
        host = self.headers["Host"].partition(":")[0]
        hub.tokens[host] = self.headers.get("Authorization")
        if hub.refusal:
            self._answer(hub.refusal, b"no")
        elif self.path.startswith(f"/api/models/{MODEL}/tree/{COMMIT}"):
            self._list()
        elif (found := re.fullmatch(rf"/{MODEL}/resolve/{COMMIT}/(.+)", self.path)) and found[1] in hub.files:
            self._send(found[1], hub.files[found[1]])
        else:
            self._answer(404, b"not here")

    def _list(self) -> None:
        """In two pages, as the Hub pages long listings."""
        names = sorted(self.server.files)
        second = "cursor=" in self.path
        some = names[len(names) // 2 :] if second else names[: len(names) // 2]
        rows = [self._row(name, self.server.files[name]) for name in some]
        link = {} if second else {"Link": f'<{self.server.url}{self.path}&cursor=2>; rel="next"'}
        self._answer(200, json.dumps([{"type": "directory", "path": "d", "oid": "0" * 40}, *rows]).encode(), link)

    def _row(self, name: str, content: bytes) -> dict[str, object]:
        row: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": digest(content)}
        if len(content) >= LARGE:
            row["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return row

    def _send(self, name: str, content: bytes) -> None:
        hub = self.server
        if hub.elsewhere and len(content) >= LARGE and self.headers["Host"].startswith("127."):
            self._answer(302, b"", {"Location": f"{hub.url.replace('127.0.0.1', 'localhost')}{self.path}"})
            return
        if name in hub.broken:
            content = content[:-1] + bytes([content[-1] ^ 1])
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and hub.ranges else 0
        rest = content[start:]
        self.send_response(206 if wanted and hub.ranges else 200)
        self.send_header("Content-Length", str(len(rest)))
        if wanted and hub.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        cut = hub.cuts.pop(0) if hub.cuts and len(content) >= LARGE else None
        self.wfile.write(rest[:cut])
        self.wfile.flush()
        hub.sent[name] += len(rest[:cut])
        if cut is not None:
            if hub.stall:
                hub.stall.wait(60)
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
