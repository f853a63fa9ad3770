import json
import os
import queue
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.relay import MAX_PENDING_REQUESTS, Relay

HANDSHAKE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def call(id: Any, tool: str = "search_media") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}}


def ask(id: Any, method: str = "tools/list") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method}


def result(id: Any, **fields: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": fields}


class Wire:
    """One end of something, line by line, as JSON."""

    def __init__(self, read: Any, write: Any) -> None:
        self._read, self._write = read, write

    def say(self, *messages: dict[str, Any] | bytes) -> None:
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()
            self._write.write(line + b"\n")
        self._write.flush()

    def hear(self) -> dict[str, Any]:
        line = self._read.readline()
        assert line, "the other side ended"
        message: dict[str, Any] = json.loads(line)
        return message


class Client(Wire):
    """A client, its relay, and the engines that the relay is given one after the other."""

    def __init__(self) -> None:
        source, to_relay = os.pipe()
        from_relay, sink = os.pipe()
        self._theirs = (source, sink)
        self._engines: list[Engine] = []
        super().__init__(os.fdopen(from_relay, "rb"), os.fdopen(to_relay, "wb"))
        self.engines: queue.Queue[socket.socket | None] = queue.Queue()
        self.reason = ""
        """Why no engine can be had."""
        self.ended = threading.Event()
        relay = Relay(self._reached, source, sink, lambda _: self.ended.set())
        self._thread = threading.Thread(target=relay.run, daemon=True)
        self._thread.start()

    def _reached(self) -> socket.socket:
        if not self.reason and (engine := self.engines.get()) is not None:
            return engine
        raise EngineUnavailable(self.reason)

    def engine(self) -> "Engine":
        ours, theirs = socket.socketpair()
        self.engines.put(theirs)
        self._engines.append(Engine(ours))
        return self._engines[-1]

    def leave(self) -> None:
        self._write.close()

    def close(self) -> None:
        self.leave()
        for engine in self._engines:
            engine.close()
        self.engines.put(None)
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._read.close()
        for end in self._theirs:
            os.close(end)


class Engine(Wire):
    def __init__(self, side: socket.socket) -> None:
        self.side = side
        super().__init__(side.makefile("rb"), side.makefile("wb"))

    def die(self) -> None:
        self.side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for side in (self._read, self._write, self.side):
            side.close()


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()


def test_a_request_that_is_no_utf_8_is_answered_with_its_id(client: Client) -> None:
    client.say(b'{"jsonrpc":"2.0","id":"a","method":"tools/list","params":{"cursor":"\xff"}}')
    answer = client.hear()
    assert (answer["id"], answer["error"]["code"]) == ("a", -32700)
    client.say(b'{"id":1,\xff')
    assert client.hear()["id"] is None


def test_messages_pass_both_ways_as_they_are(client: Client) -> None:
    engine = client.engine()
    client.say(ask("ein Ü"))
    assert engine.hear() == ask("ein Ü")
    engine.say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}, result("ein Ü", n=1))
    assert client.hear()["method"] == "notifications/progress"
    assert client.hear() == result("ein Ü", n=1)


def test_what_is_asked_before_there_is_an_engine_reaches_it_in_order(client: Client) -> None:
    client.say(HANDSHAKE, READY, ask(1), call(2))
    engine = client.engine()
    assert [engine.hear().get("method") for _ in range(4)] == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
    ]


@pytest.mark.parametrize("era", ["handshake", "stateless"])
def test_a_call_that_an_engine_takes_along_gets_an_error_that_says_to_ask_again(client: Client, era: str) -> None:
    engine = client.engine()
    if era == "handshake":
        client.say(HANDSHAKE)
        engine.hear()
    client.say(call(7))
    engine.hear()
    engine.die()
    told = client.hear()
    assert told["id"] == 7
    assert told["result"]["isError"]
    assert "Ask again" in told["result"]["content"][0]["text"]
    assert ("resultType" in told["result"]) is (era == "stateless")


def test_the_next_engine_gets_the_handshake_and_the_client_does_not_hear_of_it(client: Client) -> None:
    first = client.engine()
    client.say(HANDSHAKE)
    first.hear()
    first.say(result(0, server="first"))
    assert client.hear() == result(0, server="first")
    client.say(READY)
    first.hear()
    first.die()
    second = client.engine()
    assert (second.hear(), second.hear()) == (HANDSHAKE, READY)
    second.say(result(0, server="second"))
    client.say(call(1))
    assert second.hear() == call(1)
    second.say(result(1))
    assert client.hear() == result(1)


def test_what_can_be_asked_twice_is_asked_of_the_next_engine(client: Client) -> None:
    first = client.engine()
    client.say(HANDSHAKE)
    first.hear()
    first.die()
    second = client.engine()
    assert second.hear() == HANDSHAKE
    second.say(result(0))
    assert client.hear() == result(0)
    client.say(ask(1))
    second.hear()
    second.die()
    third = client.engine()
    assert (third.hear(), third.hear()) == (HANDSHAKE, ask(1))
    third.say(result(0), result(1, tools=[]))
    assert client.hear() == result(1, tools=[])


def test_without_an_engine_each_request_hears_why_and_the_next_one_tries_again(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    client.reason = "The folder is somebody else's."
    client.engine().die()
    client.say(ask(1))
    assert client.hear()["error"]["message"] == "The folder is somebody else's."
    client.reason = "Still somebody else's."
    client.say(call(2))
    told = client.hear()
    assert (told["id"], told["result"]["content"][0]["text"]) == (2, "Still somebody else's.")
    client.reason = ""
    client.say(ask(3))
    assert client.engine().hear() == ask(3)
    assert "somebody else's" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"{", -32700), (b"[" * 20_000, -32700), (b"\xff\xfe", -32700), (b"[]", -32600), (b'"hello"', -32600)],
    ids=["cut", "20,000 brackets", "not UTF-8", "a batch", "a string"],
)
def test_what_is_no_message_is_refused_and_the_connection_goes_on(client: Client, line: bytes, code: int) -> None:
    engine = client.engine()
    client.say(line)
    refused = client.hear()
    assert (refused["id"], refused["error"]["code"]) == (None, code)
    client.say(ask(1))
    assert engine.hear() == ask(1)


def test_a_client_that_waits_for_too_much_is_told_so(client: Client) -> None:
    engine = client.engine()
    client.say(*(call(number) for number in range(MAX_PENDING_REQUESTS)))
    assert [engine.hear()["id"] for _ in range(MAX_PENDING_REQUESTS)] == list(range(MAX_PENDING_REQUESTS))
    client.say(call("one more"))
    told = client.hear()
    assert told["id"] == "one more"
    assert told["result"]["content"][0]["text"].startswith("Busy:")
    engine.say(result(0))
    assert client.hear() == result(0)
    client.say(call("now"))
    assert engine.hear() == call("now")


def test_a_cancelled_call_is_not_answered_for_a_dead_engine(client: Client) -> None:
    engine = client.engine()
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    client.say(call(1))
    engine.hear()
    client.say(cancel, call(2))
    assert [engine.hear()["method"] for _ in range(2)] == ["notifications/cancelled", "tools/call"]
    engine.die()
    assert client.hear()["id"] == 2
    second = client.engine()
    client.say(ask(3))
    second.hear()
    second.say(result(3))
    assert client.hear() == result(3)


def test_engines_that_die_at_once_are_not_started_for_ever(client: Client) -> None:
    for _ in range(5):
        client.engine().die()
    sixth = client.engine()
    client.say(ask(1))  # only this one has it looked for
    assert sixth.hear() == ask(1)


def test_the_end_of_stdin_reaches_the_engine(client: Client) -> None:
    engine = client.engine()
    client.say(call(1))
    engine.hear()
    client.leave()
    assert engine.side.recv(1) == b""


def test_ids_and_reasons_that_are_no_utf8_are_passed_on(client: Client) -> None:
    client.reason = os.fsdecode(b"/caf\xe9: no engine")
    client.say(call("\ud800"), ask(2))
    client.engines.put(None)
    heard = [client.hear(), client.hear()]
    assert [each["id"] for each in heard] == ["\ud800", 2]
    assert heard[0]["result"]["content"][0]["text"] == heard[1]["error"]["message"] == client.reason


def test_a_handshake_without_an_id_is_not_repeated(client: Client) -> None:
    client.say({"jsonrpc": "2.0", "method": "initialize"}, ask(1))
    engine = client.engine()
    while (heard := engine.hear()).get("id") != 1:
        pass
    engine.say(result(1))
    assert client.hear() == result(1)
    assert heard == ask(1)


def test_a_client_that_closed_our_stderr_still_hears_why_there_is_no_engine(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Mock(write=Mock(side_effect=BrokenPipeError)))
    client.reason = "no engine"
    client.say(ask(1))
    client.engines.put(None)
    assert client.hear()["error"]["message"] == "no engine"
