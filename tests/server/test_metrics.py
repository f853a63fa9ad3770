"""What is counted, and what may become a label."""

from __future__ import annotations

import subprocess
import sys
import threading

import anyio
import pytest
from mcp import Client

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, Busy
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.server.metrics import BUCKETS, TOOLS, Metrics
from tests.server.conftest import until
from tests.server.fake import FakeLibrary, as_library

pytestmark = pytest.mark.anyio

PREFIX = "mmretrieval_"


def lines(metrics: Metrics) -> dict[str, float]:
    """Our own samples by name and labels."""
    body, kind = metrics.render()
    assert kind.startswith("text/plain")
    samples = [line.rpartition(" ") for line in body.decode().splitlines() if line.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): float(value) for name, _, value in samples}


def counted(metrics: Metrics) -> dict[str, float]:
    return {name: value for name, value in lines(metrics).items() if name.startswith("calls_total")}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_calls_are_counted_by_tool_and_by_what_they_came_to(library: FakeLibrary, mode: str) -> None:
    metrics = Metrics()
    server = create_server(lambda: as_library(library), Settings(), metrics=metrics)
    async with Client(server, mode=mode) as client:
        await client.list_tools()
        await client.call_tool("search_media", {"query": "a"})
        await client.call_tool("search_media", {"query": "a", "limt": 1})
        for failure in (BadArgument("No."), Busy(3, 1.0), ZeroDivisionError()):
            library.failure = failure
            await client.call_tool("search_media", {"query": "a"})
        for name in ("nothing_of_ours", "drop table", "search_media\n"):
            await client.call_tool(name, {})
        await client.call_tool("status", {})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "search_media", {"query": "wait"})
            await until(lambda: library.asked.get("query") == "wait")
            tasks.cancel_scope.cancel()
        await until(lambda: 'calls_total{outcome="cancelled",tool="search_media"}' in counted(metrics))
        library.hold.set()
    assert counted(metrics) == {
        'calls_total{outcome="ok",tool="search_media"}': 1,
        'calls_total{outcome="error",tool="search_media"}': 3,
        'calls_total{outcome="busy",tool="search_media"}': 1,
        'calls_total{outcome="cancelled",tool="search_media"}': 1,
        'calls_total{outcome="error",tool="unknown"}': 3,
        'calls_total{outcome="ok",tool="status"}': 1,
    }


async def test_our_own_tools_may_be_labels_and_no_others(library: FakeLibrary) -> None:
    async with Client(create_server(lambda: as_library(library), Settings())) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS


def test_seconds_fall_into_buckets_that_count_all_shorter_ones() -> None:
    metrics = Metrics()
    for seconds in (0.005, 0.01, 0.011, 3.0, 100.0):
        metrics.count("rerank", "ok", seconds)
    found = lines(metrics)
    held = [found[f'call_seconds_bucket{{le="{limit}",tool="rerank"}}'] for limit in (*BUCKETS, "+Inf")]
    assert held == [2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5]
    assert found['call_seconds_count{tool="rerank"}'] == 5
    assert found['call_seconds_sum{tool="rerank"}'] == pytest.approx(103.026)


async def test_those_that_run_and_wait_are_told_of_all_admissions_together() -> None:
    one, other = Admission(1, 5), Admission(1, 5)
    metrics = Metrics(one)
    metrics.admissions.append(other)
    metrics.connections = 7

    async def hold(admission: Admission, client: str) -> None:
        async with admission.turn(client):
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        for client in "aabb":
            tasks.start_soon(hold, one, client)
        tasks.start_soon(hold, other, "a")
        await until(lambda: one.waiting == 3 and other.running == 1)
        found = lines(metrics)
        tasks.cancel_scope.cancel()
    assert found == {"running": 2, "waiting": 3, "clients_waiting": 2, "connections": 7}
    assert lines(metrics) == {"running": 0, "waiting": 0, "clients_waiting": 0, "connections": 7}


def test_what_is_watched_is_asked_with_each_reading_and_one_that_fails_does_not_hide_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    values = [3, 4]
    metrics.watch("documents", "Documents in the library.", lambda: values.pop(0))
    metrics.watch("jobs", "Jobs that run.", lambda: 1)
    assert lines(metrics)["documents"] == 3
    assert lines(metrics)["documents"] == 4
    found = lines(metrics)
    assert "documents" not in found
    assert found["jobs"] == 1
    assert "documents was not measured" in caplog.text


def test_counting_while_another_thread_reads_loses_nothing() -> None:
    metrics = Metrics()
    names = sorted(TOOLS)

    def count() -> None:
        for number in range(5_000):
            metrics.count(names[number % len(names)], "ok", number / 100)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metrics.render()
    assert sum(counted(metrics).values()) == 20_000


def test_the_process_is_measured_too() -> None:
    body, _ = Metrics().render()
    assert b"process_resident_memory_bytes" in body
    assert b"python_info" in body


def test_a_server_that_nobody_asks_for_numbers_does_not_import_what_writes_them() -> None:
    code = """
import sys
from mcp_mmretrieval.server.metrics import Metrics
metrics = Metrics()
metrics.count("status", "ok", 0.1)
assert "prometheus_client" not in sys.modules
metrics.render()
assert "prometheus_client" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
