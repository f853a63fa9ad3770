"""The engine: one process for each library, with the only copy of the models, for all clients.

The first client that finds no engine starts it (`front.reaching`), and it belongs to none of them. It ends by itself
when nobody has needed it for a while and no job runs. It holds a lock for life, so that there is never a second one. It
opens the library after the handshake. Where that fails, each call tells why, and the next call tries again.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread

from mcp_mmretrieval import __version__
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.front.endpoint import Endpoint, peer_is_this_user
from mcp_mmretrieval.front.reaching import WIRE, JsonMessage, engine_log_path
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening
from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.create import create_shared_server
from mcp_mmretrieval.server.lines import MAX_LINE_BYTES, read_lines, write_line
from mcp_mmretrieval.server.metrics import Metrics
from mcp_mmretrieval.server.sdk import serve_lines

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from mcp_mmretrieval.library import Library

logger = logging.getLogger(__name__)

OpenLibrary = Callable[[Settings], "Library"]

_HELLO_TIMEOUT_S = 10.0
"""Seconds that a client has to say who it is."""
_WATCH_INTERVAL_S = 0.5
"""Seconds between two looks at whether anybody needs us, and whether our socket can still be found."""
_FINISH_TIMEOUT_S = 10.0
"""Seconds that calls have to end when the engine leaves."""
_CLOSE_TIMEOUT_S = 20.0
"""Seconds that closing the library may take; what it does not get to is in the catalog already."""
_OPEN_DELAY_S = 2.0
"""Seconds until the library is opened for a client that asks for nothing yet: jobs may wait in it."""

COMMAND_KIND = "command"
"""What a client calls itself that is a command of the terminal."""
_NO_WATCHING_NOTE = (
    "This client is read-only, so its folders are not watched. To watch them, serve without --read-only."
)

_QUESTIONS_WITHOUT_SETTINGS = frozenset({"leave", "state"})
"""What is asked of the engine itself: who asks gives no settings that a library could be opened with."""


class Engine:
    """Serves connections to one library until nobody needs it."""

    def __init__(self, endpoint: Endpoint, lock: int, listening: socket.socket, open_library: OpenLibrary) -> None:
        self._endpoint = endpoint
        self._locks = [lock]
        self._listening = listening
        self._open_library = open_library
        self._opening = LibraryOpening(self._open)
        self._settings: Settings | None = None
        """The settings of the library: those of the first client."""
        self._admission: Admission | None = None
        self._metrics = Metrics()
        self._watch_library()
        self._servers: dict[tuple[bool, bool], MCPServer[Connection]] = {}
        """By whether clients may only read, and whether they want the gallery."""
        self._guests = 0
        """Connections, including those that have not sent their hello yet."""
        self._clients: dict[socket.socket, str] = {}
        """The kind of each client that is served."""
        self._spared = False
        self._needed = time.monotonic()
        self._started = time.time()
        self._leave = anyio.Event()

    async def run(self) -> None:
        """Serve until the engine leaves. The process must end right after."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_on_signal)
            tasks.start_soon(self._watch)
            tasks.start_soon(self._accept, tasks)
            self._write_state()
            await self._leave.wait()
            await self._finish()
            tasks.cancel_scope.cancel()

    def leave(self, reason: str) -> None:
        """Accept nobody any more, let calls end, and go. Jobs are taken up again by the next engine."""
        if not self._leave.is_set():
            logger.info("leaving: %s", reason)
            self._leave.set()

    # -- clients ----------------------------------------------------------------------------------------------------

    async def _accept(self, tasks: anyio.abc.TaskGroup) -> None:
        while not self._leave.is_set():
            listening = self._listening
            listening.setblocking(False)
            with anyio.move_on_after(_WATCH_INTERVAL_S):  # so that a new socket, in place of a lost one, is seen
                await anyio.wait_readable(listening)
            if self._leave.is_set():
                return
            try:
                client, _ = listening.accept()
            except (BlockingIOError, ConnectionError):
                continue
            except OSError as error:  # no more descriptors: those that are connected go on
                logger.warning("no more clients for now: %s", error)
                await anyio.sleep(_WATCH_INTERVAL_S)
                continue
            client.setblocking(False)
            tasks.start_soon(self._welcome, client)

    async def _welcome(self, client: socket.socket) -> None:
        """Read the client's hello, answer it, and serve the client. A failure ends this connection alone."""
        self._guests += 1
        descriptors: list[int] = []
        try:
            with client:
                with anyio.fail_after(_HELLO_TIMEOUT_S):
                    hello = await _read_hello(client, descriptors)
                if not peer_is_this_user(client):
                    logger.warning("refused a client of another user")
                    return
                handed: list[int] = []
                answer = await self._answer(hello, handed)
                descriptors += handed
                await write_line(client, json.dumps(answer).encode() + b"\n")
                if handed:
                    await anyio.wait_writable(client)
                    socket.send_fds(client, [b"\n"], handed)
                if "ok" in answer and "ask" not in hello:
                    await self._serve(client, hello, answer, descriptors)
        except (OSError, ValueError) as error:
            logger.info("a client went: %s", error)
        except Exception:  # one connection never takes the others with it
            logger.exception("a connection failed")
        finally:
            for descriptor in descriptors:  # that nobody took over
                os.close(descriptor)
            self._guests -= 1
            self._needed = time.monotonic()

    async def _serve(
        self, client: socket.socket, hello: JsonMessage, answer: JsonMessage, descriptors: list[int]
    ) -> None:
        given = _settings_of(hello)
        settings = Settings.of(given)
        assert self._admission is not None
        notes = tuple(_settings_note(name) for name in answer.get("differs", ()))  # type: ignore[attr-defined]
        connection = Connection(
            self._opening, settings, self._admission, own_roots=True, engine_status=lambda: (self._status_line(), notes)
        )
        self._clients[client] = str(hello.get("kind", "stdio"))
        self._metrics.connections = len(self._clients)
        self._opening.begin(_OPEN_DELAY_S)
        # a command comes to ask one thing, and a person does not expect it to add all the folders
        watching = nullcontext() if hello.get("kind") == COMMAND_KIND else connection.watching()
        try:
            async with watching:
                if "http" in hello:
                    await self._listen(client, hello["http"], connection, descriptors)
                else:
                    wanted = (settings.read_only, settings.gallery)
                    server = self._servers.get(wanted) or self._servers.setdefault(wanted, self._server(None, settings))
                    await serve_lines(server, connection, read_lines(client), partial(write_line, client))
        finally:
            self._clients.pop(client, None)
            self._metrics.connections = len(self._clients)

    async def _listen(
        self, client: socket.socket, wanted: object, connection: Connection, descriptors: list[int]
    ) -> None:
        """Serve HTTP on the socket that came along, until the front that sent it goes."""
        from mcp_mmretrieval.server.http.access import AccessPolicy
        from mcp_mmretrieval.server.http.app import create_application, serve_socket

        if not isinstance(wanted, Mapping) or len(descriptors) != 1:
            raise ValueError("no socket to listen on")
        settings = connection.settings
        policy = AccessPolicy.at(str(wanted["host"]), int(wanted["port"]), settings, wanted["token"])
        server = self._server(connection, settings)
        stop = anyio.Event()
        async with anyio.create_task_group() as tasks:
            app = create_application(server, policy, metrics=self._metrics, health=self._health)
            tasks.start_soon(partial(serve_socket, app, socket.socket(fileno=descriptors.pop()), stop=stop))
            async for _ in read_lines(client):
                pass
            stop.set()

    async def _answer(self, hello: JsonMessage, handed: list[int]) -> JsonMessage:
        """`ok`, `error` with the reason, or `leaving`: then the client waits, and starts the next engine.

        Open files that go to the client behind the answer join `handed`.
        """
        if self._leave.is_set():
            return {"leaving": "already"}
        if _version_numbers(str(hello.get("version"))) > _version_numbers(__version__):
            self.leave(f"version {hello.get('version')} asks")
            return {"leaving": "newer"}
        if hello.get("mmretrieval") != WIRE:
            return {"error": f"The engine (version {__version__}) does not know this client's way to talk. Update it."}
        try:
            given = _settings_of(hello)
            settings = Settings.of(given)
            if hello.get("ask") not in _QUESTIONS_WITHOUT_SETTINGS:
                self._adopt(settings)
            if "ask" in hello:
                return {"ok": True, **await self._asked(str(hello["ask"]), hello, settings, handed)}
            assert self._settings is not None
            if (differs := self._settings.differs(given)) and not self._in_use():
                self.leave(f"asked for other settings: {', '.join(differs)}")
                return {"leaving": "settings"}
        except RetrievalError as error:
            return {"error": str(error)}
        return {"ok": True, "pid": os.getpid(), "version": __version__, "differs": differs}

    def _adopt(self, settings: Settings) -> None:
        """The first client's settings are the library's while this engine lives."""
        if self._settings is None:
            own = {"library": Path(self._endpoint.library), "roots": (), "read_only": False, "watch": False}
            self._settings = settings.model_copy(update=own)
            self._admission = Admission(settings.max_running, settings.max_waiting)
            self._metrics.admissions.append(self._admission)

    async def _asked(self, question: str, hello: JsonMessage, settings: Settings, handed: list[int]) -> JsonMessage:
        """Answer a question that a person asks outside MCP."""
        if question == "leave":
            self.leave("asked to")
            return {}
        if question == "state":
            return self._state()
        from mcp_mmretrieval.server import questions  # what few clients ask is loaded when one does

        answer = questions.answer_of(question)
        asked = questions.EngineQuestion(await self._opening.library(), settings.roots, hello, handed)
        return await anyio.to_thread.run_sync(answer, asked)

    def _server(self, connection: Connection | None, settings: Settings) -> MCPServer[Connection]:
        return create_shared_server(
            partial(_yield_connection, connection),
            read_only=settings.read_only,
            gallery=settings.gallery,
            metrics=self._metrics,
        )

    def _watch_library(self) -> None:
        def held(number: int) -> float:
            library = self._opening.opened
            return library.held()[number] if library is not None else 0

        self._metrics.watch("documents", "Documents in the library.", partial(held, 0))
        self._metrics.watch("pending_vectors", "Documents without vectors.", partial(held, 1))
        self._metrics.watch("started", "When the engine was started, in seconds since 1970.", lambda: self._started)

    def _health(self) -> JsonMessage:
        library = self._opening.opened
        return {"status": "ok", "version": __version__, "library": "open" if library else "not opened yet"}

    # -- coming and going -------------------------------------------------------------------------------------------

    def _open(self) -> Library:
        assert self._settings is not None
        return self._open_library(self._settings)

    def _in_use(self) -> bool:
        library = self._opening.opened
        return bool(self._clients) or (library is not None and library.working)

    def _busy(self) -> bool:
        return self._admission is not None and bool(self._admission.running or self._admission.waiting)

    async def _watch(self) -> None:
        while not self._leave.is_set():
            await anyio.sleep(_WATCH_INTERVAL_S)
            idle = self._settings.engine_idle_s if self._settings else Settings.model_fields["engine_idle_s"].default
            self._spare_collection()
            if self._guests or self._in_use():
                self._needed = time.monotonic()
            elif time.monotonic() - self._needed > idle:
                self.leave("nobody needs me")
            if not self._leave.is_set() and not self._endpoint.there():
                self._appear_again()

    def _spare_collection(self) -> None:
        """Exclude the objects of the loaded models from garbage collection.

        They are a million objects that live as long as the engine. Each full round over them stops all calls for 0.4 s.
        """
        library = self._opening.opened
        if not self._spared and library is not None and library.ready:
            self._spared = True
            gc.collect()
            gc.freeze()

    def _appear_again(self) -> None:
        """Something removed our socket: listen on a new one, unless another engine does."""
        try:
            endpoint = Endpoint(self._endpoint.library)
            lock = endpoint.elect()
            if lock is None:
                self.leave("another engine took my place")
                return
            self._locks.append(lock)
            self._endpoint, self._listening = endpoint, endpoint.listen()
            self._write_state()
        except RetrievalError as error:
            logger.warning("cannot be found any more: %s", error)

    def _write_state(self) -> None:
        try:
            self._endpoint.write_state(self._state())
        except OSError as error:
            logger.warning("the state file was not written: %s", error)

    def _state(self) -> JsonMessage:
        return {
            "pid": os.getpid(),
            "version": __version__,
            "wire": WIRE,
            "address": self._endpoint.socket_path,
            "library": self._endpoint.library,
            "log": engine_log_path(self._endpoint),
            "started": self._started,
            "clients": sorted(self._clients.values()),
        }

    def _status_line(self) -> str:
        minutes = (time.time() - self._started) / 60
        clients = "1 client" if len(self._clients) == 1 else f"{len(self._clients)} clients"
        return (
            f"pid {os.getpid()}, version {__version__}, {minutes:.0f} min, {clients}; "
            f"log: {engine_log_path(self._endpoint)}"
        )

    async def _finish(self) -> None:
        """Let calls end, then drop the connections (their fronts answer for what is left) and close the library."""
        self._endpoint.withdraw()
        self._listening.close()
        until = time.monotonic() + _FINISH_TIMEOUT_S
        while self._busy() and time.monotonic() < until:  # noqa: ASYNC110  two counts, asked for at the very end only
            await anyio.sleep(0.05)
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        with anyio.move_on_after(_CLOSE_TIMEOUT_S):
            await anyio.to_thread.run_sync(self._opening.close, abandon_on_cancel=True)

    async def _end_on_signal(self) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                self.leave(number.name)


@asynccontextmanager
async def _yield_connection(connection: Connection | None) -> AsyncIterator[Connection]:
    """What a server yields to transports that ask it for its lifespan; over the socket each brings its own."""
    assert connection is not None
    yield connection


def _settings_of(hello: JsonMessage) -> dict[str, object]:
    given = hello.get("settings")
    return dict(given) if isinstance(given, Mapping) else {}


def _settings_note(name: str) -> str:
    return (
        f"This client asks for another {name} than the engine runs with, which others use too. "
        "To change it for all: `mcp-mmretrieval stop`, then start the client again."
    )


def _version_numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that compare; what is no version comes first."""
    return tuple(map(int, re.findall(r"\d+", version)))


async def _read_hello(client: socket.socket, descriptors: list[int]) -> JsonMessage:
    """The first line, as JSON; what comes with it joins `descriptors`, also where it raises ValueError or OSError."""
    await anyio.wait_readable(client)
    data, received, _, _ = socket.recv_fds(client, 65536, 4)
    descriptors += received
    while data and not data.endswith(b"\n"):
        await anyio.wait_readable(client)
        part = client.recv(65536)
        if not part or len(data) > MAX_LINE_BYTES:
            raise ValueError("no hello")
        data += part
    hello = json.loads(data)
    if not isinstance(hello, dict):
        raise ValueError("no hello")
    return hello
