import anyio
import pytest
from mcp import Client

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.server.create import create_server
from tests.server.conftest import Connect, data_of, text_of, until
from tests.support.library import FakeLibrary, as_library, until_stopped

pytestmark = pytest.mark.anyio


async def test_who_waits_for_a_model_hears_how_far_it_is(connect: Connect, library: FakeLibrary) -> None:
    library.loading = "embedder: fetching for 3 s, 0.40 of 1.50 GB"
    told: list[tuple[float, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))
        if len(told) == 2:
            library.hold.set()

    async with connect() as client:
        await client.call_tool("search_media", {"query": "wait"}, progress_callback=tell)
    assert [message for _, message in told] == [library.loading] * len(told)
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})


async def test_adding_reports_progress_that_grows(connect: Connect, library: FakeLibrary) -> None:
    library.work = until_stopped
    told: list[tuple[float, float | None, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connect(call_budget_s=1.5) as client:
        await client.call_tool("add_documents", {"paths": "/data"}, progress_callback=tell)
    values = [progress for progress, _, _ in told]
    assert len(values) >= 2
    assert values == sorted(set(values))
    assert told[-1][1] == 100
    assert str(told[-1][2]).endswith(".pdf")


async def test_a_long_job_goes_on_after_the_call_and_the_same_call_waits_for_it(
    connect: Connect, library: FakeLibrary
) -> None:
    library.work = until_stopped
    async with connect(call_budget_s=1.0) as client:
        first = await client.call_tool("add_documents", {"paths": "/data"})
        again = await client.call_tool("add_documents", {"paths": "/data"})
        assert data_of(first)["state"] == "running"
        assert data_of(first)["job"] == data_of(again)["job"]
        assert data_of(again)["added"] >= data_of(first)["added"]
        assert f"status with job={data_of(first)['job']}" in text_of(first)
        assert not library.jobs_started[0].stop.is_set()


async def test_a_client_that_runs_out_of_time_leaves_the_job_running(library: FakeLibrary) -> None:
    library.work = until_stopped
    server = create_server(lambda: as_library(library), Settings())
    async with Client(server, mode="legacy") as client:
        with pytest.raises(Exception, match="timed out"):
            await client.call_tool("add_documents", {"paths": "/data"}, read_timeout_seconds=1)
        data_of(await client.call_tool("status", {}))
        assert not library.jobs_started[0].stop.is_set()


async def test_a_cancelled_call_ends_the_job_that_it_started(library: FakeLibrary) -> None:
    library.work = until_stopped
    with anyio.fail_after(60):
        async with Client(create_server(lambda: as_library(library), Settings()), mode="legacy") as client:
            async with anyio.create_task_group() as call:
                call.start_soon(client.call_tool, "add_documents", {"paths": "/data"})
                await until(lambda: bool(library.jobs_started))
                call.cancel_scope.cancel()
            await until(lambda: library.jobs_started[0].outcome.state == "cancelled")


async def test_a_cancelled_call_leaves_a_job_that_another_call_waits_for(library: FakeLibrary) -> None:
    library.work = until_stopped
    states: list[str] = []
    server = create_server(lambda: as_library(library), Settings(call_budget_s=2.0))

    async def wait(client: Client) -> None:
        states.append(data_of(await client.call_tool("add_documents", {"paths": "/data"}))["state"])

    with anyio.fail_after(60):
        async with (
            Client(server, mode="legacy") as client,
            anyio.create_task_group() as tasks,
            anyio.create_task_group() as first,
        ):
            first.start_soon(client.call_tool, "add_documents", {"paths": "/data"})
            await until(lambda: len(library.jobs_started) == 1)
            tasks.start_soon(wait, client)
            await until(lambda: library.jobs_started[0]._waiting == 2)
            first.cancel_scope.cancel()
    assert library.jobs_started[0] is library.jobs_started[1]
    assert states == ["running"]
