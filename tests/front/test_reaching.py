import json
import os
import socket
import sys

import pytest

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.front.reaching import (
    ask_engine,
    connect_to_engine,
    engine_kept_away,
    hello,
    launch_engine,
    read_line,
)


def test_a_question_where_no_engine_runs_is_told(endpoint: Endpoint) -> None:
    with pytest.raises(EngineUnavailable, match="no engine runs"):
        ask_engine(endpoint, "state")


SCRIPTED = """
import json, socket, sys
listening = socket.socket(fileno=int(sys.argv[6]))
for answer in json.loads(sys.argv[1]):
    client, _ = listening.accept()
    client.recv(65536)
    client.sendall(json.dumps(answer).encode() + b"\\n{}\\n")
"""


def scripted(*answers: dict[str, object]) -> tuple[str, ...]:
    """An engine that answers hellos so, one after the other, and ends."""
    return (sys.executable, "-c", SCRIPTED, json.dumps(answers))


def test_what_the_engine_refuses_is_told_in_its_words(endpoint: Endpoint) -> None:
    with pytest.raises(EngineUnavailable, match="workers: not a number"):
        connect_to_engine(endpoint, hello({}), engine=scripted({"error": "workers: not a number"}))


def test_an_engine_that_leaves_is_waited_for_and_the_next_one_started(endpoint: Endpoint) -> None:
    engine = scripted({"leaving": "settings"})
    lock = endpoint.elect()
    assert lock is not None
    launch_engine(endpoint, lock, engine)
    connection, answer = connect_to_engine(endpoint, hello({}), engine=scripted({"ok": True, "pid": 2}))
    with connection:
        assert answer == {"ok": True, "pid": 2}
        assert read_line(connection) == b"{}\n"  # what follows the answer was not taken with it


def test_one_line_is_read_and_nothing_of_the_next() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"a" * 100_000 + b"\nnext\n")
        assert len(read_line(ours)) == 100_001
        assert read_line(ours) == b"next\n"
        theirs.sendall(b"cut")
        theirs.shutdown(socket.SHUT_WR)
        assert read_line(ours) == b""


def test_an_engine_that_runs_is_asked_to_leave_and_no_other_comes_meanwhile(endpoint: Endpoint) -> None:
    lock = endpoint.elect()
    assert lock is not None
    launch_engine(endpoint, lock, scripted({"ok": True}))
    endpoint.write_state({"pid": 1})
    with engine_kept_away(endpoint):
        assert endpoint.elect() is None
    assert not endpoint.held()


def test_an_engine_that_does_not_leave_is_named(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_mmretrieval.front.reaching.ENGINE_TIMEOUT_S", 0.1)
    lock = endpoint.elect()
    endpoint.write_state({"pid": 4711})
    with pytest.raises(EngineUnavailable, match=r"pid 4711\) does not end"), engine_kept_away(endpoint):
        pass
    assert lock is not None
    os.close(lock)
