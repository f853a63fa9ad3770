"""MCP over streamable HTTP: what an address serves, and uvicorn on a socket that somebody else has bound.

Requests stand alone (no sessions), in both protocol eras; answers are streams, so that progress and cancellation work.
"""

from __future__ import annotations

import json
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import anyio
import anyio.to_thread
import uvicorn
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Message, Receive, Scope, Send

from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.http.access import (
    BODY_SECONDS,
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    AccessMiddleware,
    AccessPolicy,
    RequestRefused,
    replayed,
    send_refusal,
    send_response,
)
from mcp_mmretrieval.server.http.slow_clients import PacedProtocol
from mcp_mmretrieval.server.metrics import Metrics
from mcp_mmretrieval.server.sdk import cancel_event
from mcp_mmretrieval.server.unreadable import refusal

logger = logging.getLogger(__name__)

GRACE_SECONDS = 3.0
"""Seconds that running calls have to end when the server stops."""
_LAST_WORD_SECONDS = 0.5
"""Seconds to write the end of an answer that is cut short: a client that does not read is not waited for."""
_KEEP_ALIVE_SECONDS = 30
"""Seconds, more than most clients keep an idle connection: none sends into one that is just being closed."""
_BACKLOG = 256

_LOGGED = {"sse_starlette": logging.INFO, "mcp.server.streamable_http": logging.WARNING}
"""Below these levels the first logs what was found, the second a line for each request."""
_EXCHANGE = "mcp_mmretrieval.exchange"
"""The key of a request's `_Exchange` in its scope."""


@dataclass(eq=False, slots=True)
class _Exchange:
    """One request and its answer."""

    cut: anyio.CancelScope
    started: bool = False
    complete: bool = False
    left: bool = False
    """The client has gone before the answer was complete."""


class Application:
    """An ASGI app: MCP at /mcp, health and numbers, all behind the access policy. Serves while it is `running`."""

    def __init__(
        self,
        server: MCPServer[Connection],
        policy: AccessPolicy,
        *,
        metrics: Metrics,
        health: Callable[[], Mapping[str, Any]],
        body_seconds: float,
    ) -> None:
        for name, level in _LOGGED.items():
            logging.getLogger(name).setLevel(level)
        server.middleware.insert(0, self._observe_leaving)
        server.streamable_http_app(
            stateless_http=True,
            json_response=False,
            max_request_body_size=MAX_BODY_BYTES,
            transport_security=TransportSecuritySettings(
                enable_dns_rebinding_protection=True,
                allowed_hosts=sorted(policy.hosts),
                allowed_origins=sorted(policy.origins),
            ),
        )
        self._manager = server.session_manager
        self._metrics = metrics
        self._health = health
        self._guard = AccessMiddleware(self._route, policy, body_seconds=body_seconds)
        self._open: set[_Exchange] = set()
        self._ended = False
        self._reading = anyio.CapacityLimiter(1)

    @property
    def open(self) -> int:
        """Requests that are being answered."""
        return len(self._open)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Enters the server's lifespan. Once; raises what that raises."""
        async with self._manager.run():
            yield

    def end(self) -> None:
        """Cut short the answers that are still being given, and all further ones."""
        self._ended = True
        for exchange in self._open:
            exchange.cut.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "neither lifespan nor WebSocket is served here"
        exchange = _Exchange(anyio.CancelScope())
        self._open.add(exchange)
        if self._ended:
            exchange.cut.cancel()
        sends = _noting_sent(exchange, send)
        try:
            with exchange.cut:
                await self._guard({**scope, _EXCHANGE: exchange}, _noting_left(exchange, receive), sends)
        except Exception:
            if exchange.started:
                raise
            logger.exception("a request could not be answered")
            await send_refusal(RequestRefused(500, "Something went wrong in the server; its log says what."), sends)
        finally:
            self._open.discard(exchange)
        if exchange.cut.cancel_called and not exchange.complete:
            with anyio.move_on_after(_LAST_WORD_SECONDS):
                await _break_off(exchange, sends)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            match scope["path"]:
                case "/mcp":
                    _check_kind(scope)
                    body = (await receive()).get("body", b"")
                    if refused_call := refusal(body, read=True):
                        await send_response(send, 400, refused_call, _of_kind("application/json"))
                    else:
                        await self._manager.handle_request(scope, replayed(body, receive), send)
                case "/health":
                    _check_reading(scope)
                    body = json.dumps(dict(self._health()), separators=(",", ":")).encode()
                    await send_response(send, 200, body, _of_kind("application/json"))
                case "/metrics":
                    _check_reading(scope)
                    body, kind = await anyio.to_thread.run_sync(
                        self._metrics.render, abandon_on_cancel=True, limiter=self._reading
                    )
                    await send_response(send, 200, body, _of_kind(kind))
                case _:
                    raise RequestRefused(
                        404, "Nothing is served here: MCP is at /mcp, and there are /health and /metrics."
                    )
        except RequestRefused as refused:
            await send_refusal(refused, send)

    async def _observe_leaving(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Server middleware: treats a client that leaves as one that cancels.

        Over HTTP a client cancels by closing the stream of its answer: in the protocol's revision of 2026 there is no
        other way, and with requests that stand alone no other one reaches the call in the earlier ones.
        """
        try:
            return await call_next(ctx)
        except anyio.get_cancelled_exc_class():
            scope = getattr(ctx.request, "scope", {})
            exchange = scope.get(_EXCHANGE)
            event = cancel_event(Context(request_context=ctx))
            if isinstance(exchange, _Exchange) and exchange.left and event is not None:
                event.set()
                params = {"requestId": ctx.request_id}
                word = replace(ctx, method="notifications/cancelled", params=params, request_id=None)
                with anyio.CancelScope(shield=True), suppress(MCPError):  # the SDK itself has no handler for it here
                    await call_next(word)
            raise


def create_application(
    server: MCPServer[Connection],
    policy: AccessPolicy,
    *,
    metrics: Metrics,
    health: Callable[[], Mapping[str, Any]],
    body_seconds: float = BODY_SECONDS,
) -> Application:
    """What an HTTP address serves: `server`, which must be its own, for whom the policy admits.

    `health` is asked in the event loop and answers at once; `metrics` is read in a thread.
    """
    return Application(server, policy, metrics=metrics, health=health, body_seconds=body_seconds)


class Served(Protocol):
    """An ASGI app that serves while it is `running`, and whose `end` cuts short what is still being answered."""

    def running(self) -> AbstractAsyncContextManager[None]: ...

    def end(self) -> None: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


async def serve_socket(app: Served, sock: socket.socket, *, stop: anyio.Event) -> None:
    """Serve on a listening TCP socket until `stop` is set, in this event loop, which must be asyncio's.

    Ends within five seconds: calls that run have three of them. Being cancelled cuts them short at once. The socket is
    closed. Raises what the server's lifespan raises.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http=PacedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",  # also keeps uvicorn from tracing requests, with their tokens, into a verbose log
            access_log=False,
            server_header=False,
            proxy_headers=False,  # they would let a client say who it is
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(GRACE_SECONDS) + 1,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )
    )

    async def end_on_stop() -> None:
        try:
            await stop.wait()
            server.should_exit = True
            await anyio.sleep(GRACE_SECONDS)
        finally:
            server.should_exit = True
            app.end()

    try:
        async with app.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(end_on_stop)
            with anyio.CancelScope(shield=True):  # it ends by itself soon after being told, which cancelling also does
                await server.serve(sockets=[sock])
            tasks.cancel_scope.cancel()
    finally:
        server.cut_all()
        sock.close()


class _Server(uvicorn.Server):
    """uvicorn that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def cut_all(self) -> None:
        """End the connections that are still there: their clients do not read what was written."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, PacedProtocol):
                connection.cut()


def _noting_left(exchange: _Exchange, receive: Receive) -> Receive:
    async def received() -> Message:
        message = await receive()
        if message["type"] == "http.disconnect" and not exchange.complete:
            exchange.left = True
        return message

    return received


def _noting_sent(exchange: _Exchange, send: Send) -> Send:
    async def sent(message: Message) -> None:
        await send(message)
        exchange.started = True
        exchange.complete = message["type"] == "http.response.body" and not message.get("more_body", False)

    return sent


async def _break_off(exchange: _Exchange, send: Send) -> None:
    """End an answer that will not be given."""
    if exchange.started:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        await send_refusal(
            RequestRefused(503, "The server is stopping; ask again in a moment.", (b"retry-after", b"1")), send
        )


def _check_kind(scope: Scope) -> None:
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    kind = kinds[0].partition(b";")[0].strip().lower() if len(kinds) == 1 else b""
    if scope["method"] == "POST" and kind != b"application/json":
        raise RequestRefused(415, "Send the message as JSON, with Content-Type: application/json.")
    names = Counter(name for name, _ in scope["headers"] if name.startswith(b"mcp-"))
    if twice := [name.decode("latin-1") for name, count in names.items() if count > 1]:
        raise RequestRefused(400, f"Send one header {', '.join(twice)}, not several.")


def _check_reading(scope: Scope) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise RequestRefused(405, "This can only be read: ask with GET.", (b"allow", b"GET, HEAD"))


def _of_kind(kind: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
