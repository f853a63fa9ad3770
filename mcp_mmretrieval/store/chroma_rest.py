"""Chroma's REST interface, version 2: one request, its time limit, and what its failures mean.

Source: `/openapi.json` of the server, Chroma 1.5.9. This is not chromadb's client, which waits without end, sends what
is for this machine through the proxy of the environment, and may run code that a server names.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx2

from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.store.index_backend import IndexAway

CONNECT_SECONDS = 2.0
"""Seconds in which a server takes a connection."""
WORK_SECONDS = 60.0
"""Seconds in which it does what nobody waits for: a thousand vectors take one or two."""
MAX_ANSWER_BYTES = 256 << 20
"""Bytes of one answer, which is read into memory."""
MAX_SERVER_MESSAGE_CHARACTERS = 200
"""Of what a server says that is passed on."""
OLDEST_MAJOR_VERSION = 1
"""Of Chroma. Those before had another server, in Python, which runs code that a client names (CVE-2026-45829)."""
IDLE_CONNECTION_SECONDS = 60.0


class NotThere(IndexAway):
    """There is nothing of this name."""

    def __init__(self, message: str, *, said_by_chroma: bool) -> None:
        super().__init__(message)
        self.said_by_chroma = said_by_chroma
        """Whether Chroma says so, and not a proxy before it."""


class ChromaRest:
    """Requests to one server. Thread-safe. Raises IndexAway and nothing else."""

    def __init__(self, server: IndexServer) -> None:
        """Nothing is sent yet."""
        self.server = server
        self.database = f"/tenants/{quote(server.tenant, safe='')}/databases/{quote(server.database, safe='')}"
        token = server.token
        headers = {"Authorization": f"Bearer {token}", "x-chroma-token": token} if token else {}
        self._http = httpx2.Client(
            base_url=f"{server.origin}/api/v2",
            headers=headers,
            verify=_trusted(server),
            trust_env=False,  # no proxy: it would see the token and the vectors
            limits=httpx2.Limits(keepalive_expiry=IDLE_CONNECTION_SECONDS),
        )
        self._lock = threading.Lock()
        self._under_way = 0
        self._closed = False

    def connect(self) -> int:
        """Make sure that a Chroma server of a fit version answers, and that it lets us in. How many vectors one write
        may hold.
        """
        origin, database = self.server.origin, f"{self.server.tenant}/{self.server.database}"
        try:
            beat, version = self.get("/heartbeat"), self.get("/version")
            caps = self.get("/pre-flight-checks")
        except NotThere as error:
            raise IndexAway(
                f"{origin} is no Chroma server, or one before version {OLDEST_MAJOR_VERSION}: it has no /api/v2. "
                "Correct MMRETRIEVAL_INDEX, or update the server."
            ) from error
        most = caps.get("max_batch_size") if isinstance(caps, dict) else None
        if not isinstance(beat, dict) or "nanosecond heartbeat" not in beat or not isinstance(most, int) or most < 1:
            raise IndexAway(f"{origin} is no Chroma server: it answers otherwise. Correct MMRETRIEVAL_INDEX.")
        major = str(version).partition(".")[0]
        if not major.isdigit() or int(major) < OLDEST_MAJOR_VERSION:
            raise IndexAway(f"{origin} is Chroma {version}. Update it to {OLDEST_MAJOR_VERSION}.0 or later.")
        try:
            self.get(self.database)
        except NotThere as error:
            raise IndexAway(f"{origin} has no {database}. Make it there, or correct MMRETRIEVAL_INDEX.") from error
        return most

    def get(self, path: str, *, seconds: float = WORK_SECONDS) -> Any:
        """What is there."""
        return self._send("GET", path, None, seconds)

    def post(self, path: str, body: dict[str, Any], *, seconds: float = WORK_SECONDS) -> Any:
        """The answer to a question."""
        return self._send("POST", path, body, seconds)

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Change what is there."""
        self._send("PUT", path, body, WORK_SECONDS)

    def delete(self, path: str) -> None:
        """Remove what is there."""
        self._send("DELETE", path, None, WORK_SECONDS)

    def close(self) -> None:
        """Send nothing more, and hang up once what is under way has ended. May be called twice."""
        with self._lock:
            self._closed = True
            self._hang_up_if_done()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Count a request that is under way: another thread may close meanwhile."""
        with self._lock:
            if self._closed:
                raise IndexAway(f"the connection to {self.server.origin} was closed")
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._hang_up_if_done()

    def _hang_up_if_done(self) -> None:
        if self._closed and not self._under_way:
            self._http.close()

    def _send(self, method: str, path: str, body: dict[str, Any] | None, seconds: float) -> Any:
        """The answer, in a thread of its own: neither a look-up of the name nor the head of an answer has one limit."""
        found = Future[Any]()
        work = partial(self._exchange, method, path, body, seconds)
        threading.Thread(target=_settle, args=(found, work), name="chroma request", daemon=True).start()
        try:
            return found.result(seconds)
        except TimeoutError as error:
            raise self._late(seconds) from error

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None, seconds: float) -> Any:
        """Send, and wait for what comes, which may take longer; then nobody waits for it any more."""
        end = time.monotonic() + seconds
        limits = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        answer = bytearray()
        try:
            with self._in_turn(), self._http.stream(method, path, json=body, timeout=limits) as response:
                for piece in response.iter_bytes():  # each one has its time limit, and here all together
                    answer += piece
                    if time.monotonic() > end or len(answer) > MAX_ANSWER_BYTES:
                        raise httpx2.ReadTimeout("the answer goes on and on")
        except httpx2.TimeoutException as error:
            raise self._late(seconds) from error
        except httpx2.HTTPError as error:
            raise IndexAway(self._unreachable(error)) from error
        return self._understood(response, bytes(answer))

    def _late(self, seconds: float) -> IndexAway:
        return IndexAway(f"{self.server.origin} did not answer within {seconds:g} s. See how busy it is.")

    def _understood(self, response: httpx2.Response, answer: bytes) -> Any:
        """What an answer says. Raises IndexAway for all that is none."""
        origin, status = self.server.origin, response.status_code
        try:
            told = json.loads(answer) if answer else None
        except (ValueError, RecursionError):
            told = None
            if response.is_success:
                raise IndexAway(
                    f"{origin} is no Chroma server: it answers no JSON. Correct MMRETRIEVAL_INDEX."
                ) from None
        if response.is_success:
            return told
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            advice = "refuses the token. Correct" if self.server.token else "asks for a token. Set"
            raise IndexAway(f"{origin} {advice} MMRETRIEVAL_INDEX_TOKEN.")
        reason = f"{status} {response.reason_phrase}"
        if isinstance(told, dict) and isinstance(told.get("message"), str):
            reason = f"{status} {told['message']}"
        reason = self._without_token(reason)
        if status == HTTPStatus.NOT_FOUND:
            by_chroma = isinstance(told, dict) and told.get("error") == "NotFoundError"
            raise NotThere(f"{origin} says {reason}", said_by_chroma=by_chroma)
        raise IndexAway(f"{origin} says {reason}. See the server's log.")

    def _without_token(self, said: str) -> str:
        """A line of what a server, or who spoke to it, says: it may repeat what it was sent."""
        token = self.server.token
        return " ".join((said.replace(token, "…") if token else said).split())[:MAX_SERVER_MESSAGE_CHARACTERS]

    def _unreachable(self, error: Exception) -> str:
        origin, reason = self.server.origin, self._without_token(str(error) or type(error).__name__)
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            why = reason.partition("failed: ")[2] or reason
            return (
                f"{origin} has a certificate that is not trusted ({why}). Name the file of who signed it with "
                "MMRETRIEVAL_INDEX_CA."
            )
        if isinstance(error, httpx2.ConnectError):
            return f"nothing answers at {origin} ({reason}). Start the server, or correct MMRETRIEVAL_INDEX."
        return f"{origin} broke off ({reason}). See whether the server runs."


def _settle(found: Future[Any], work: Callable[[], Any]) -> None:
    try:
        found.set_result(work())
    except BaseException as error:  # noqa: BLE001  it belongs to who waits
        found.set_exception(error)


def _trusted(server: IndexServer) -> ssl.SSLContext | bool:
    """Which certificates are. Raises IndexAway where the file that says so cannot be read."""
    if server.origin.startswith("http:"):
        return False  # there are none, and reading in all that are trusted takes 0.3 s
    if server.authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=server.authority)
    except (OSError, ssl.SSLError) as error:
        raise IndexAway(
            f"{server.authority} cannot be read as certificates ({error}). Correct MMRETRIEVAL_INDEX_CA."
        ) from error
