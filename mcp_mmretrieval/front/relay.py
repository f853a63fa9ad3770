"""`serve`: one client's stdin and stdout, passed through to the engine and back, a line at a time.

Two threads, so that each may wait: one reads the client, the other reads the engine and mends the connection. Of a
message no more is used than its `id` and `method`: enough to answer for an engine that dies in the middle of a call.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.reaching import JsonMessage
from mcp_mmretrieval.front.stderr import say

MAX_LINE_BYTES = 32_000_000
"""Bytes of one message: a picture given as data fits, a line without an end does not."""
MAX_PENDING_REQUESTS = 200
"""Requests that one client may wait for at the same time."""
_LEAVE_TIMEOUT_S = 2.0
"""Seconds for the last answers once the client has closed stdin."""
_MAX_DEATHS = 5
_DEATH_WINDOW_S = 30.0
"""So many engines may die within so many seconds. The next one is started when the client asks for something."""
_RESTART_DELAY_S = 0.05
"""Seconds that a front waits when its engine is gone: who asked the engine to leave is to start the next one."""
_AGAIN = "The engine ended while it worked on this, and is being started again. Ask again."
_SERVER_ERROR, _PARSE_ERROR, _INVALID_REQUEST = -32000, -32700, -32600

_ANSWER = re.compile(rb'\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|-?\d+),"(?:result|error)":')
"""How the engine writes an answer. Only those that look otherwise are read in full."""

EngineConnector = Callable[[], socket.socket]


class _Request:
    """A request that the client waits for."""

    def __init__(self, method: str, line: bytes, *, sent: bool) -> None:
        self.method = method
        self.line = line
        self.sent = sent


class Relay:
    """Passes messages between one client and the engine, over engines that come and go."""

    def __init__(
        self, reach: EngineConnector, source: int = 0, sink: int = 1, end: Callable[[int], object] = os._exit
    ) -> None:
        self._reach = reach
        self._end = end
        self._source = source
        self._sink = sink
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._sending = threading.Lock()
        """Held from noting a request to having sent it: whether a dead engine had it is known outside only."""
        self._engine: socket.socket | None = None
        self._pending: dict[str, _Request] = {}
        """What the client waits for, by id (as JSON)."""
        self._initialize = b""
        """The client's handshake, for the next engine; stateless clients have none."""
        self._initialized = b""
        self._replayed = ""
        """Id of an `initialize` that was only repeated: the client has had its answer."""
        self._ended = False
        self._over = threading.Event()

    def run(self) -> None:
        """Until the client has gone. Returns without waiting for the thread that reads it."""
        threading.Thread(target=self._read_client, daemon=True).start()
        deaths: list[float] = []
        while not self._ended:
            deaths = [death for death in deaths if death > time.monotonic() - _DEATH_WINDOW_S]
            if len(deaths) >= _MAX_DEATHS:
                self._wait_for_a_request()
            try:
                engine = self._reach()
            except EngineUnavailable as error:
                self._refuse(str(error))
                self._wait_for_a_request()
                continue
            self._serve(engine)
            if not self._ended:
                deaths.append(time.monotonic())
                self._answer_for_the_dead()
                time.sleep(_RESTART_DELAY_S)
        self._over.set()

    # -- from the engine to the client ------------------------------------------------------------------------------

    def _serve(self, engine: socket.socket) -> None:
        """Pass on what this engine says, until it or the client ends."""
        try:
            self._resume(engine)
            for line in _lines(engine.recv):
                if not self._swallowed(line):
                    self._tell(line)
        except (OSError, ValueError):
            pass  # it died; what it owed is answered for by the caller
        finally:
            with self._changed:
                self._engine = None
            engine.close()

    def _resume(self, engine: socket.socket) -> None:
        """Give an engine the handshake that an earlier one had, and what was asked meanwhile; then let lines pass."""
        with self._changed:
            asked = list(self._pending.values())
            first = [request.line for request in asked if request.method == "initialize"]
            if self._initialize and not first:
                self._replayed = json.dumps(json.loads(self._initialize)["id"])
                first = [self._initialize]
            others = [request.line for request in asked if request.method != "initialize"]
            for line in (*first, self._initialized, *others):
                engine.sendall(line)
            for request in asked:
                request.sent = True
            self._engine = engine

    def _swallowed(self, line: bytes) -> bool:
        """Whether a line answers a handshake that was only repeated. Notes which request has its answer."""
        answered = _answered(line)
        if not answered:
            return False
        with self._changed:
            if answered == self._replayed:
                self._replayed = ""
                return True
            self._pending.pop(answered, None)
        return False

    def _answer_for_the_dead(self) -> None:
        """A tool's call that was under way gets an error; what can be asked twice goes to the next engine."""
        with self._sending, self._changed:
            lost = [id for id, asked in self._pending.items() if asked.sent and asked.method == "tools/call"]
            for id in lost:
                del self._pending[id]
        for id in lost:
            self._tell(self._failed(id, _AGAIN))

    def _refuse(self, reason: str) -> None:
        """No engine can be had: say so to whoever waits. Who asks later has us look again."""
        say(reason)
        with self._changed:
            refused, self._pending = self._pending, {}
        for id, asked in refused.items():
            self._tell(self._failed(id, reason) if asked.method == "tools/call" else _error(id, _SERVER_ERROR, reason))

    def _wait_for_a_request(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._ended)

    def _failed(self, id: str, reason: str) -> bytes:
        """A tool's error, which the model gets to read."""
        result: JsonMessage = {"content": [{"type": "text", "text": reason}], "isError": True}
        if not self._initialize:
            result["resultType"] = "complete"  # stateless clients ask for it
        return _line({"jsonrpc": "2.0", "id": json.loads(id), "result": result})

    def _tell(self, line: bytes) -> None:
        """Write a whole line to the client; if that has gone, so do we."""
        with self._writing:
            try:
                while line:
                    line = line[os.write(self._sink, line) :]
            except OSError:
                self._end(0)

    # -- from the client to the engine ------------------------------------------------------------------------------

    def _read_client(self) -> None:
        try:
            for line in _lines(lambda size: os.read(self._source, size)):
                self._pass(line)
        except ValueError as error:
            self._tell(_error("null", _PARSE_ERROR, str(error)))
        except OSError:
            pass
        self._leave()

    def _pass(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except UnicodeDecodeError:
            self._tell(_error(_id_of(line), _PARSE_ERROR, "The text of this message is not UTF-8."))
            return
        except (ValueError, RecursionError):
            if line.strip():
                self._tell(_error("null", _PARSE_ERROR, "This line is not JSON."))
            return
        if not isinstance(message, dict):
            self._tell(_error("null", _INVALID_REQUEST, "Send one JSON-RPC message a line."))
            return
        with self._sending:
            with self._changed:
                busy = self._note(message, line)
                engine = None if busy else self._engine
                self._changed.notify_all()
            if engine is not None:
                try:
                    engine.sendall(line)
                except OSError:
                    self._undelivered(line)
        if busy:
            self._tell(
                self._failed(json.dumps(message["id"]), f"Busy: {MAX_PENDING_REQUESTS} requests are under way. Wait.")
            )

    def _note(self, message: JsonMessage, line: bytes) -> bool:
        """Remember what the next engine has to know, and who waits; whether too many do."""
        method = str(message.get("method"))
        if method == "initialize" and "id" in message:
            self._initialize, self._initialized = line, b""
        elif method == "notifications/initialized":
            self._initialized = line
        elif method == "notifications/cancelled":
            params = message.get("params")
            self._pending.pop(json.dumps(params.get("requestId")) if isinstance(params, dict) else "", None)
        if "id" not in message or "method" not in message:
            return False
        if len(self._pending) >= MAX_PENDING_REQUESTS:
            return True
        self._pending[json.dumps(message["id"])] = _Request(method, line, sent=self._engine is not None)
        return False

    def _undelivered(self, line: bytes) -> None:
        """The engine died before it could take a request: unlike one that it had, this one goes to the next."""
        with self._changed:
            for request in self._pending.values():
                if request.line is line:
                    request.sent = False

    def _leave(self) -> None:
        """The client closed stdin: the engine hears of it and cancels its calls. We end soon in any case."""
        with self._changed:
            self._ended = True
            engine = self._engine
            self._changed.notify_all()
        if engine is not None:
            with suppress(OSError):
                engine.shutdown(socket.SHUT_WR)
        if not self._over.wait(_LEAVE_TIMEOUT_S):
            self._end(0)


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Whole lines until the end. Raises ValueError for one that does not end."""
    parts: list[bytes] = []
    length = 0
    while block := read(65536):
        *ended, rest = block.split(b"\n")
        for line in ended:
            yield b"".join((*parts, line, b"\n"))
            parts, length = [], 0
        if rest:
            parts.append(rest)
            length += len(rest)
        if length > MAX_LINE_BYTES:
            raise ValueError(f"A message of more than {MAX_LINE_BYTES} bytes.")


def _answered(line: bytes) -> str:
    """The id (as JSON) of the request that a line answers; empty where it answers none."""
    if found := _ANSWER.match(line):
        return json.dumps(json.loads(found[1]))
    if line.startswith(b'{"jsonrpc":"2.0","method":'):
        return ""
    message = json.loads(line)
    return "" if "method" in message or "id" not in message else json.dumps(message["id"])


def _id_of(line: bytes) -> str:
    """The id (as JSON) of a request that holds bytes which are no text; null where it has none."""
    try:
        message = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return "null"
    return json.dumps(message.get("id")) if isinstance(message, dict) else "null"


def _error(id: str, code: int, reason: str) -> bytes:
    return _line({"jsonrpc": "2.0", "id": json.loads(id), "error": {"code": code, "message": reason}})


def _line(message: JsonMessage) -> bytes:
    return json.dumps(message).encode() + b"\n"  # in ASCII: an id, or a path in a reason, may be no UTF-8
