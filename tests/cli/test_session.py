"""A session, with servers whose answers are given."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from mcp import Client
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from mcp_mmretrieval.cli.session import Session, path_for_server
from mcp_mmretrieval.errors import RetrievalError

T = TypeVar("T")


def server_of(**answers: Any) -> MCPServer[None]:
    """A server whose tools answer with these, one after the other, or raise."""

    def tool(name: str) -> Tool:
        left = iter(answers[name])

        async def answer(context: Context[Any, Any]) -> dict[str, Any]:
            await context.report_progress(1, 2, "[a]/b.pdf")
            given = next(left)
            if isinstance(given, Exception):
                raise given
            return dict(given)

        return Tool.from_function(answer, name=name)

    return MCPServer("server of tests", tools=[tool(name) for name in answers])


def asked(server: MCPServer[None], work: Callable[[Session], Awaitable[T]]) -> T:
    async def ask() -> T:
        with anyio.fail_after(60):
            async with Client(server) as client:
                return await work(Session(client))

    return anyio.run(ask)


def test_adding_asks_again_until_the_job_has_ended_and_hears_of_progress() -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    server = server_of(add_documents=[{"state": "running"}, {"state": "running"}, {"state": "done", "added": 2}])
    assert asked(server, lambda session: session.add((), hear)) == {"state": "done", "added": 2}
    assert told == [(1, 2, "[a]/b.pdf")] * 3


def test_waiting_for_vectors_ends_when_none_are_missing() -> None:
    ready = {"models_state": "ready"}
    server = server_of(status=[{**ready, "pending_vectors": left} for left in (2, 2, 1, 0)])
    assert asked(server, lambda session: session.settled()) == 0


def test_without_models_nobody_waits_for_vectors() -> None:
    server = server_of(status=[{"models_state": "missing", "pending_vectors": 3}] * 2)
    assert asked(server, lambda session: session.settled()) == 3


def test_waiting_for_models_ends_when_they_are_missing() -> None:
    server = server_of(status=[{"models_state": "loading"}, {"models_state": "missing"}])
    assert asked(server, lambda session: session.models_ready()) == "missing"


def test_nobody_waits_longer_for_models_than_was_said() -> None:
    server = server_of(status=[{"models_state": "loading"}])
    assert asked(server, lambda session: session.models_ready(within=0.0)) == "loading"


def test_what_a_tool_refuses_is_our_error_with_its_words() -> None:
    server = server_of(status=[ToolError("The library is locked. Close the other one.")])
    with pytest.RaisesGroup(pytest.RaisesExc(RetrievalError, match="library is locked"), flatten_subgroups=True):
        asked(server, lambda session: session.call("status"))


def test_a_path_is_made_absolute_also_one_that_begins_with_a_tilde_and_no_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert path_for_server("~$report.docx") == str(tmp_path / "~$report.docx")
    assert path_for_server("~/a.pdf") == "/home/me/a.pdf"
