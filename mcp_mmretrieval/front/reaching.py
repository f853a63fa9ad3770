"""A greeted connection to a library's engine, which is started where there is none."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mcp_mmretrieval import __version__
from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.child import machine_variables, module_command, start_child
from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.front.own_folder import make_own_folder

WIRE = 1
"""Version of the hello and its answer; what follows is MCP."""
ENGINE_TIMEOUT_S = 60.0
"""Seconds until an engine that does not answer is given up."""
MAX_ENGINE_STARTS = 3
"""Times that an engine is started before the client hears that it does not come up."""
ENGINE_COMMAND = module_command("mcp_mmretrieval.server")
"""The command of an engine."""
ENGINE_LOG_NAME = "engine.log"

ENGINE_VARIABLES = {"MALLOC_ARENA_MAX": "2"}
"""What an engine is told beside the machine's: glibc would keep a heap for each thread, with what it once held."""

JsonMessage = dict[str, object]


def hello(settings: JsonMessage, **more: object) -> JsonMessage:
    """The first line to an engine: who speaks, and the settings that were given."""
    return {"mmretrieval": WIRE, "version": __version__, "settings": settings, **more}


def connect_to_engine(
    endpoint: Endpoint,
    greeting: JsonMessage,
    *,
    engine: Sequence[str] = ENGINE_COMMAND,
    descriptors: Sequence[int] = (),
    start: bool = True,
) -> tuple[socket.socket, JsonMessage]:
    """A connection whose greeting was accepted, and the engine's answer. `descriptors` go along with the greeting.

    An engine that leaves is waited for, then replaced. Raises EngineUnavailable: refused, does not come up, does not
    answer; without `start` also where none runs.
    """
    until = time.monotonic() + ENGINE_TIMEOUT_S
    starts, pause = 0, 0.005
    while time.monotonic() < until:
        connection = endpoint.connect()
        if connection is not None:
            answer = _greeted(connection, greeting, descriptors, until)
            if "ok" in answer:
                return connection, answer
            connection.close()
            if "error" in answer:
                raise EngineUnavailable(str(answer["error"]))
        elif not start:
            raise EngineUnavailable(f"{endpoint.library}: no engine runs for this library.")
        elif (lock := endpoint.elect()) is not None:
            if starts == MAX_ENGINE_STARTS:
                os.close(lock)
                raise EngineUnavailable(f"The engine ends while it starts; {engine_log_path(endpoint)} says why.")
            starts += 1
            launch_engine(endpoint, lock, engine)
            continue
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    pid = endpoint.state().get("pid", "unknown")
    raise EngineUnavailable(
        f"The engine of {endpoint.library} (pid {pid}) does not answer. End it (kill {pid}) and try again; "
        f"{engine_log_path(endpoint)} may say more."
    )


def ask_engine(endpoint: Endpoint, question: str, **more: object) -> JsonMessage:
    """One question to a running engine, apart from MCP. Raises EngineUnavailable, also where none runs."""
    connection, answer = connect_to_engine(endpoint, hello({}, ask=question, **more), start=False)
    connection.close()
    return answer


@contextmanager
def engine_kept_away(endpoint: Endpoint) -> Iterator[None]:
    """Without an engine: one that runs is asked to leave and waited for, and none is started meanwhile.

    Clients wait for the next one. Raises EngineUnavailable where the engine does not leave.
    """
    until, asked = time.monotonic() + ENGINE_TIMEOUT_S, None
    while (lock := endpoint.elect()) is None:
        pid = endpoint.state().get("pid")
        if time.monotonic() > until:
            raise EngineUnavailable(f"The engine of {endpoint.library} (pid {pid or 'unknown'}) does not end. End it.")
        if pid != asked and endpoint.there():
            with suppress(EngineUnavailable):  # it ends already
                ask_engine(endpoint, "leave")
                asked = pid
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(lock)


def launch_engine(endpoint: Endpoint, lock: int, engine: Sequence[str]) -> None:
    """Start an engine in a session of its own. The lock and the open socket go over to it; both are closed here.

    The socket is open from now on: who connects before the engine is up waits in its queue.
    """
    try:
        listening = endpoint.listen()
    except BaseException:
        os.close(lock)
        raise
    try:
        _spawn(endpoint, engine, lock, listening.fileno())
    finally:
        listening.close()
        os.close(lock)


def _spawn(endpoint: Endpoint, engine: Sequence[str], lock: int, listening: int) -> None:
    """Start the process, which takes over the two descriptors."""
    log = _open_log(endpoint)
    try:
        process = start_child(
            [*engine, endpoint.library, "--lock", str(lock), "--socket", str(listening)],
            ENGINE_VARIABLES | machine_variables(),
            pass_fds=(lock, listening),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineUnavailable(f"The engine cannot be started: {error.strerror or error}.") from error
    finally:
        os.close(log)
    # reaped whenever it ends, so that no dead entry of it stays in the process table while we live
    threading.Thread(target=process.wait, daemon=True).start()


def engine_log_path(endpoint: Endpoint) -> str:
    """Where the engine of a library logs: beside the library, or beside its socket where that cannot be written."""
    beside = os.path.join(endpoint.library, ENGINE_LOG_NAME)
    there = os.path.exists(beside) or os.path.isdir(endpoint.library)
    writable = os.access(beside if os.path.exists(beside) else endpoint.library, os.W_OK)
    return beside if there and writable else endpoint.spare_log


def open_own_log(path: str) -> int:
    """A log to append to, as a descriptor. Raises OSError, also for a link, which may lead anywhere, and for a pipe."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not os.path.isfile(path):
        os.close(file)
        raise OSError(22, "is no file", path)
    return file


def _open_log(endpoint: Endpoint) -> int:
    with suppress(OSError):  # the engine tells every call what is wrong with the library
        make_own_folder(endpoint.library)
    try:
        return open_own_log(engine_log_path(endpoint))
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def _greeted(connection: socket.socket, greeting: JsonMessage, descriptors: Sequence[int], until: float) -> JsonMessage:
    """The engine's answer to the greeting; empty where it ended before it answered."""
    connection.settimeout(max(0.001, until - time.monotonic()))
    try:
        line = json.dumps(greeting).encode() + b"\n"
        if descriptors:
            sent = socket.send_fds(connection, [line], list(descriptors))
            line = line[sent:]
        connection.sendall(line)
        answer = read_line(connection)
        connection.settimeout(None)
        return dict(json.loads(answer)) if answer else {}
    except (OSError, ValueError):
        return {}


def read_line(connection: socket.socket) -> bytes:
    """One line, and nothing of what may follow it; empty where the other side ends before."""
    line = b""
    while not line.endswith(b"\n"):
        ahead = connection.recv(65536, socket.MSG_PEEK)
        end = ahead.find(b"\n")
        part = connection.recv(len(ahead) if end < 0 else end + 1)
        if not part:
            return b""
        line += part
    return line
