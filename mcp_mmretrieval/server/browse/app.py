"""What loopback serves to a person's browser: the page, answers of a few tools, and recordings with ranges.

Another page in the same browser gets nothing: names, origins and what browsers say of a request are checked, and no
answer may be framed or read by it. Another user of the machine has no token.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from starlette.types import Message, Receive, Scope, Send

from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.server.browse.keys import Keys
from mcp_mmretrieval.server.browse.open_tabs import OpenTabs
from mcp_mmretrieval.server.browse.page import STRICTEST_POLICY, browse_page
from mcp_mmretrieval.server.browse.recordings import OpenRecordings
from mcp_mmretrieval.server.browse.streaming import send_recording, while_there
from mcp_mmretrieval.server.http.access import (
    AccessMiddleware,
    AccessPolicy,
    RequestRefused,
    header_values,
    send_refusal,
    send_response,
)

logger = logging.getLogger(__name__)

ASKED = frozenset({"search_media", "show_hits", "list_documents", "status", "jobs"})
"""What the page may ask for: it reads, and changes nothing."""
MAX_ASKED_BYTES = 64 * 1024
"""Bytes of a request's body."""

MEDIA_PATH = "/media/"
KEY_HEADER = b"x-session-key"
"""Not Authorization: the guard lets that header end where it stands."""

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Answers one of ASKED with its arguments. Raises RetrievalError."""
OpenRecording = Callable[[str], Awaitable[tuple[int, str]]]
"""Opens the recording that an id or citation names: a descriptor, and its media type. Raises RetrievalError."""

_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_JSON = (b"content-type", b"application/json")


class BrowseApplication:
    """An ASGI app for the tabs of one person, at one port of 127.0.0.1. `tab_opened` is called for each of them."""

    def __init__(self, port: int, ask: Ask, open_recording: OpenRecording, tab_opened: Callable[[], object]) -> None:
        self.keys = Keys()
        self.tabs = OpenTabs()
        self._origin = f"http://127.0.0.1:{port}"
        self._ask = ask
        self._open_recording = open_recording
        self._tab_opened = tab_opened
        self._recordings = OpenRecordings()
        # one name alone: what the page keeps belongs to its origin
        policy = AccessPolicy(frozenset({f"127.0.0.1:{port}"}), frozenset({self._origin}), settable=False)
        self._guard = AccessMiddleware(self._answer, policy, body_bytes=MAX_ASKED_BYTES)
        self._answering: set[anyio.CancelScope] = set()

    @property
    def address(self) -> str:
        """Where the next tab is opened: good for one."""
        return f"{self._origin}/#k={self.keys.token}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Recordings are closed at the end."""
        try:
            yield
        finally:
            self._recordings.close()

    def end(self) -> None:
        """Cut short the answers that are still being given."""
        for scope in self._answering:
            scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "neither lifespan nor WebSocket is served here"
        with anyio.CancelScope() as answering:
            self._answering.add(answering)
            try:
                await self._guard(scope, receive, _with_headers(send))
            finally:
                self._answering.discard(answering)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Behind the checks of names, origins and size."""
        try:
            _check_source(scope)
            await self._route(scope, receive, send)
        except RequestRefused as refused:
            await send_refusal(refused, send)
        except RetrievalError as error:
            await send_refusal(RequestRefused(422, str(error)), send)
        except Exception:
            logger.exception("a request could not be answered")
            await send_refusal(RequestRefused(500, "Something went wrong; the terminal says what."), send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(MEDIA_PATH):
            _check_method(scope, "GET", "HEAD")
            await self._play(path.removeprefix(MEDIA_PATH), scope, receive, send)
            return
        match path:
            case "/":
                _check_method(scope, "GET")
                page, policy = browse_page()
                kind = (b"content-type", b"text/html; charset=utf-8")
                await send_response(send, 200, page, [kind, (b"content-security-policy", policy.encode())])
            case "/favicon.ico":
                await send_response(send, 204, b"", [])
            case "/key":
                await _send_json(send, {"key": self._key(await _given(scope, receive))})
            case "/here":
                await self._known(scope, receive)
                await _send_json(send, {})
            case "/call":
                given = await self._known(scope, receive)
                await self._send_answer(given, receive, send)
            case "/recording":
                given = await self._known(scope, receive)
                fd, media_type = await self._open_recording(str(given.get("target")))
                ticket = self._recordings.add(fd, media_type)
                await _send_json(send, {"address": f"{MEDIA_PATH}{ticket}", "media_type": media_type})
            case _:
                raise RequestRefused(404, "Nothing is served here.")

    def _key(self, given: Mapping[str, Any]) -> str:
        key = self.keys.exchange(str(given.get("token")))
        if key is None:
            raise RequestRefused(401, "This address was used before. The terminal shows the next one.")
        self.tabs.heard()
        self._tab_opened()
        return key

    async def _known(self, scope: Scope, receive: Receive) -> Mapping[str, Any]:
        """What is asked for by a tab that has a key."""
        given = await _given(scope, receive)
        keys = header_values(scope["headers"], KEY_HEADER)
        if len(keys) != 1 or not self.keys.know(keys[0].decode("latin-1")):
            raise RequestRefused(401, "Open the page by the address that `mcp-mmretrieval browse` shows.")
        self.tabs.heard()
        return given

    async def _send_answer(self, given: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """The answer to a question, for as long as the tab waits for it."""
        name, arguments = given.get("name"), given.get("arguments", {})
        if not isinstance(name, str) or name not in ASKED or not isinstance(arguments, dict):
            raise RequestRefused(403, f"The page may ask for {', '.join(sorted(ASKED))}.")
        async with while_there(receive):
            await _send_json(send, {"answer": await self._ask(name, arguments)})

    async def _play(self, ticket: str, scope: Scope, receive: Receive, send: Send) -> None:
        with self._recordings.opened(ticket) as playing:
            if playing is None:
                raise RequestRefused(404, "There is no such recording, or it changed. Open it again.")
            self.tabs.heard()
            await send_recording(playing, scope, receive, send)


def _check_source(scope: Scope) -> None:
    """Refuse what other pages make a browser ask for: it says so itself (Fetch Metadata). Programs say nothing.

    The page itself may be gone to from anywhere, by a link or by hand: nothing secret is in it.
    """
    if scope["path"] == "/":
        if header_values(scope["headers"], b"sec-fetch-dest") not in ([], [b"document"]):
            raise RequestRefused(403, "Other pages may not load this one.")
    elif header_values(scope["headers"], b"sec-fetch-site") not in ([], [b"same-origin"]):
        raise RequestRefused(403, "Other pages may not ask here.")


def _check_method(scope: Scope, *allowed: str) -> None:
    if scope["method"] not in allowed:
        raise RequestRefused(405, f"Ask with {' or '.join(allowed)}.", (b"allow", ", ".join(allowed).encode()))


async def _given(scope: Scope, receive: Receive) -> Mapping[str, Any]:
    """The JSON object of a POST: no form of another page can send that kind without being asked first."""
    _check_method(scope, "POST")
    if header_values(scope["headers"], b"content-type") != [b"application/json"]:
        raise RequestRefused(415, "Send JSON, with Content-Type: application/json.")
    try:
        given = json.loads((await receive()).get("body", b""))
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise RequestRefused(400, "Send one JSON object.")
    return given


async def _send_json(send: Send, answer: Mapping[str, Any]) -> None:
    await send_response(send, 200, json.dumps(answer).encode(), [_JSON])


def _with_headers(send: Send) -> Send:
    """What every answer says besides, refusals too."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", []), *_ALWAYS]
            if not any(name == b"content-security-policy" for name, _ in headers):
                headers.append((b"content-security-policy", STRICTEST_POLICY.encode()))
            message = {**message, "headers": headers}
        await send(message)

    return sent
