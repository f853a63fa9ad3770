"""Who may call over HTTP: names, origins and a token are checked, and the body's size and time.

Written as ASGI middleware around everything that is served, so that no path is forgotten. The names and origins keep
out web pages that reach loopback through a browser (DNS rebinding); the token keeps out other users of the machine and
of the network.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from mcp_mmretrieval.config.settings import Settings

MAX_HEAD_BYTES = 32 * 1024
"""Bytes of the request line and the headers."""
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Bytes of a request's body. Calls name files; they do not carry them."""
BODY_SECONDS = 30.0
"""Seconds from the head of a request until its body is complete."""
LINGER_SECONDS = 2.0
"""Seconds that a refused client is still read from: closing at once would reset it before it reads why."""

AsgiHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Whom one HTTP address serves. All values are compared as a whole, never as a pattern."""

    hosts: frozenset[str]
    """Values of Host, in any case: `own_hosts` lists those of an address."""
    origins: frozenset[str] = frozenset()
    """Values of Origin of the web pages that may call; a client that is no browser sends none."""
    token: str | None = field(default=None, repr=False)
    """What every request must carry. None asks for none, which only a loopback address may do."""
    settable: bool = True
    """Whether settings name further hosts and origins, so that a refusal may say which."""

    def __post_init__(self) -> None:
        if self.token == "":
            raise ValueError("An empty token would let everybody in.")
        object.__setattr__(self, "hosts", frozenset(host.lower() for host in self.hosts))

    @classmethod
    def at(cls, host: str, port: int, settings: Settings, token: str | None) -> AccessPolicy:
        """Those of an address, with the names and origins of the settings."""
        return cls(own_hosts(host, port, settings.http_hosts), frozenset(settings.http_origins), token)


def own_hosts(host: str, port: int, named: Iterable[str] = ()) -> frozenset[str]:
    """The Host values by which an address is asked for: those `named`, and of a loopback address all that it has."""
    own = {name.lower() for name in named}
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host.lower() == "localhost"
    if loopback:
        literal = f"[{host}]" if ":" in host else host
        names = {"127.0.0.1", "localhost", "[::1]", literal.lower()}
        own |= {f"{name}:{port}" for name in names}
        if port == 80:  # clients leave it out
            own |= names
    return frozenset(own)


class RequestRefused(Exception):
    """A request that is not served: its status, and one sentence for its sender."""

    def __init__(self, status: int, sentence: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers


async def send_response(send: Send, status: int, body: bytes, headers: AsgiHeaders, *, more: bool = False) -> None:
    """A whole response at once; `more` keeps its end for later."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def send_refusal(refused: RequestRefused, send: Send, *headers: tuple[bytes, bytes], more: bool = False) -> None:
    """Say why a request is not served."""
    body = json.dumps({"error": str(refused)}).encode()
    kind = (b"content-type", b"application/json")
    await send_response(send, refused.status, body, [kind, *refused.headers, *headers], more=more)


class AccessMiddleware:
    """Lets a request through to the app when name, origin and token are right and its body has arrived whole."""

    def __init__(
        self,
        app: ASGIApp,
        policy: AccessPolicy,
        *,
        body_seconds: float = BODY_SECONDS,
        body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._app = app
        self._policy = policy
        self._token = None if policy.token is None else policy.token.encode()
        self._body_seconds = body_seconds
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: AsgiHeaders = scope["headers"]
        try:
            _check_head(scope)
            host = self._host(headers)
            origin = self._origin(headers)
            if origin is not None:
                send = _shared(send, origin)
                if scope["method"] == "OPTIONS" and header_values(headers, b"access-control-request-method"):
                    await send_response(send, 200, b"", _permitted(headers))
                    return
            self._check_token(headers)
            body = await self._body(headers, receive)
        except RequestRefused as refused:
            await send_refusal(refused, send, (b"connection", b"close"), more=True)
            with anyio.move_on_after(LINGER_SECONDS):
                while (await receive()).get("more_body", False):
                    pass
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if body is None:
            return
        # The token ends here, so that nothing behind can log it. The SDK compares names as they are written.
        kept = [(name, value) for name, value in headers if name not in (b"authorization", b"host")]
        await self._app({**scope, "headers": [(b"host", host), *kept]}, replayed(body, receive), send)

    def _host(self, headers: AsgiHeaders) -> bytes:
        hosts = header_values(headers, b"host")
        if len(hosts) == 1 and (host := hosts[0].decode("latin-1").lower()) in self._policy.hosts:
            return host.encode("latin-1")
        more = "; MMRETRIEVAL_HTTP_HOSTS gives it further names." if self._policy.settable else "."
        raise RequestRefused(421, f"The Host header must be exactly one name of this server{more}")

    def _origin(self, headers: AsgiHeaders) -> bytes | None:
        origins = header_values(headers, b"origin")
        if not origins:
            return None
        if len(origins) == 1 and origins[0].decode("latin-1") in self._policy.origins:
            return origins[0]
        more = "; MMRETRIEVAL_HTTP_ORIGINS names those that may." if self._policy.settable else "."
        raise RequestRefused(403, f"Web pages of this origin may not call this server{more}")

    def _check_token(self, headers: AsgiHeaders) -> None:
        if self._token is None:
            return
        given = header_values(headers, b"authorization")
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(b" "), self._token):
            raise RequestRefused(
                401,
                "Send `Authorization: Bearer` with the token of this server: it stands in the file that "
                "`mcp-mmretrieval serve --http` names, or in MMRETRIEVAL_HTTP_TOKEN.",
                (b"www-authenticate", b'Bearer realm="mcp-mmretrieval"'),
            )

    async def _body(self, headers: AsgiHeaders, receive: Receive) -> bytes | None:
        """The whole body; None if the client left before it had sent it."""
        too_large = RequestRefused(
            413, f"The body is larger than {self._body_bytes} bytes; name files by their paths instead of sending them."
        )
        if any(
            not value.isdigit() or int(value) > self._body_bytes for value in header_values(headers, b"content-length")
        ):
            raise too_large
        body = bytearray()
        with anyio.move_on_after(self._body_seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > self._body_bytes:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
        raise RequestRefused(408, f"The body did not arrive within {self._body_seconds:g} s; send the request again.")


def _check_head(scope: Scope) -> None:
    """Refuse a head that is too large: h11 bounds only one that does not end within what was read at once."""
    size = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    size += sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if size > MAX_HEAD_BYTES:
        raise RequestRefused(431, f"The head of a request may have {MAX_HEAD_BYTES} bytes; send fewer headers.")


def header_values(headers: AsgiHeaders, name: bytes) -> list[bytes]:
    """Of every header with this name; ASGI writes names in lower case."""
    return [value for other, value in headers if other == name]


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then whatever `receive` gives: the client's leaving."""
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal message
        if message is None:
            return await receive()
        first, message = message, None
        return first

    return replay


def _shared(send: Send, origin: bytes) -> Send:
    """Lets the page of this origin read the answers (Fetch standard, CORS protocol)."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
            message = {**message, "headers": [*message.get("headers", []), *headers]}
        await send(message)

    return sent


def _permitted(headers: AsgiHeaders) -> AsgiHeaders:
    """What a page may send, asked in advance: the methods of MCP and the headers that it defines."""
    asked = b",".join(header_values(headers, b"access-control-request-headers")).lower().split(b",")
    names = [name for name in map(bytes.strip, asked) if name in _PLAIN or name.startswith(b"mcp-")]
    return [
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b", ".join(names)),
        (b"access-control-max-age", b"600"),
    ]


_PLAIN = (b"accept", b"authorization", b"content-type")
