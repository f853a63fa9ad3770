import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def command(*arguments: str) -> list[str]:
    return ["-m", "tests.support.library", *arguments]


@contextmanager
def server(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *command(*arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def send(process: subprocess.Popen[str], *messages: dict[str, Any]) -> None:
    assert process.stdin is not None
    for message in messages:
        process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str], id: int) -> dict[str, Any]:
    """The answer to a request; each line until then must be a message of the protocol."""
    assert process.stdout is not None
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        if message.get("id") == id:
            return message
    raise AssertionError("the server ended")


def call(id: int, name: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_is_served(mode: str) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=command("20"))
    with anyio.fail_after(60):
        async with Client(parameters, mode=mode) as client:
            assert len((await client.list_tools()).tools) == 7
            result = await client.call_tool("add_documents", {"paths": "/data"})
            assert result.structured_content is not None
            assert result.structured_content["added"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_cancelled_call_ends_its_job_and_a_timed_out_one_does_not(mode: str) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=command("20", "endless"))
    with anyio.fail_after(60):
        async with Client(parameters, mode=mode) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "add_documents", {"paths": "/data"})
                await until_jobs_are(client, "running")
                tasks.cancel_scope.cancel()
            await until_jobs_are(client, "cancelled")
            with pytest.raises(Exception, match="timed out"):
                await client.call_tool("add_documents", {"paths": "/data"}, read_timeout_seconds=1)
            await until_jobs_are(client, "running", "cancelled")
            await until_jobs_are(client, "running", "cancelled")


async def until_jobs_are(client: Client, *states: str) -> None:
    """All jobs, newest first, are in these states."""
    while True:
        result = await client.call_tool("status", {})
        assert result.structured_content is not None
        if [job["state"] for job in result.structured_content["jobs"]] == list(states):
            return
        await anyio.sleep(0.05)


def test_only_the_protocol_goes_to_stdout_and_the_end_of_stdin_ends_the_server() -> None:
    with server("20") as process:
        send(process, HELLO, READY, LIST)
        assert len(answer(process, 2)["result"]["tools"]) == 7
        send(process, call(3, "status"))  # opens the library, which prints
        assert answer(process, 3)["result"]["structuredContent"]["version"]
        began = time.monotonic()
        rest, log = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")
        assert "prints to stdout" in log
        assert log.rstrip().endswith("closed")
        assert time.monotonic() - began < 15  # of the 20 that a call may take


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_library_and_ends_the_server(number: signal.Signals) -> None:
    with server("20", "endless") as process:
        send(process, HELLO, READY, call(2, "status"))
        answer(process, 2)
        send(process, call(3, "add_documents", paths="/data"))
        send(process, call(4, "status"))
        answer(process, 4)
        os.kill(process.pid, number)
        assert process.wait(60) == 0


def test_the_end_of_stdin_ends_a_server_that_waits_for_a_job() -> None:
    with server("20", "endless") as process:
        send(process, HELLO, READY, call(2, "add_documents", paths="/data"))
        send(process, call(3, "status"))
        answer(process, 3)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_request_that_cannot_be_encoded_is_answered_with_its_id() -> None:
    with server("20") as process:
        send(process, HELLO)
        answer(process, 1)
        send(process, READY, {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"cursor": "\ud800"}}, LIST)
        assert answer(process, 7)["error"]["code"] == -32600
        assert "result" in answer(process, 2)
