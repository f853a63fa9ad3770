"""Fronts and engines as processes, over a library with the models of `tests.support.models`.

Run as a script: the engine. `python -m tests.support.engines serve ...`: a front that starts such engines.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mcp_mmretrieval.front.endpoint import Endpoint

if TYPE_CHECKING:
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library

ENGINE = (sys.executable, "-P", "-m", "tests.support.engines")
HANDSHAKE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
STATELESS = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class ToolFailed(Exception):
    """A tool's own error text."""


class Front:
    """One assistant: a front process, spoken to line by line in one of the two eras."""

    def __init__(
        self,
        library: Path,
        *roots: Path,
        stateless: bool = False,
        module: str = "tests.support.engines",
        arguments: tuple[str, ...] = (),
        cwd: Path | None = None,
        **environment: str,
    ) -> None:
        given = [part for root in roots for part in ("--root", str(root))]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, "serve", "--library", str(library), *given, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, "MMRETRIEVAL_ENGINE_IDLE_S": "1", "MMRETRIEVAL_WORKERS": "1", **environment},
        )
        self.pid = self.process.pid
        self._stateless = stateless
        self._count = 0
        if not stateless:
            try:
                self.send("initialize", **HANDSHAKE)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> int:
        """Close stdin, as a client does that goes; the exit code."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def _stdin(self) -> Any:
        return self.process.stdin

    def send(self, method: str, **params: Any) -> int:
        """Ask without waiting; the request's id."""
        self._count += 1
        if self._stateless:
            params["_meta"] = {**STATELESS, **params.get("_meta", {})}
        self.write({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        if method == "initialize":
            self.hear(self._count)
            self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self._count

    def write(self, message: dict[str, Any]) -> None:
        self._stdin.write(json.dumps(message).encode() + b"\n")
        self._stdin.flush()

    def hear(self, id: int) -> dict[str, Any]:
        """The answer to a request; what else comes is let go."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == id and "method" not in message:
                return message
        assert self.process.stderr is not None
        raise AssertionError(f"the front ended: {self.process.stderr.read().decode()}")

    def hear_method(self, method: str) -> dict[str, Any]:
        """The next message of this method; what else comes is let go."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("method") == method:
                return message
        raise AssertionError("the front ended")

    def tools(self) -> list[str]:
        return [tool["name"] for tool in self.hear(self.send("tools/list"))["result"]["tools"]]

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool, or its content. Raises ToolFailed."""
        return self.answer(self.send("tools/call", name=tool, arguments=arguments))

    def answer(self, id: int) -> dict[str, Any]:
        message = self.hear(id)
        if "error" in message:
            raise ToolFailed(message["error"]["message"])
        result: dict[str, Any] = message["result"]
        if result.get("isError"):
            raise ToolFailed(result["content"][0]["text"])
        return dict(result.get("structuredContent") or result)

    def engine(self) -> int:
        """The pid of the engine that serves this front."""
        return int(self.call("status")["engine"].split()[1].rstrip(","))

    def paths(self, query: str, **arguments: Any) -> list[str]:
        """File names of the hits, best first."""
        hits = self.call("search_media", query=query, **arguments)["hits"]
        return [Path(hit["path"]).name for hit in hits if "path" in hit]


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for what other processes bring about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether anything of a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return (
            state != "Z" or len([*Path(f"/proc/{pid}/task").iterdir()]) > 1
        )  # the first thread may end before the others
    except OSError:
        return False


@contextlib.contextmanager
def ended_engine(library: Path) -> Iterator[Endpoint]:
    """The library's endpoint; in the end its engine is gone, by itself or by us."""
    endpoint = Endpoint(str(library))
    try:
        yield endpoint
    finally:
        pid = endpoint.state().get("pid")
        if isinstance(pid, int) and alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            until(lambda: not alive(pid), 30)


def opened(settings: Settings) -> Library:
    """The library, with the models of `tests.support.models`."""
    from mcp_mmretrieval.library import Library  # heavy: a front does without it
    from tests.support.models import ModelsByHand

    return Library.open(settings=settings, models=ModelsByHand(settings))


def main() -> int:
    if sys.argv[1:2] == ["serve"]:
        from mcp_mmretrieval.cli import exit_code_of
        from mcp_mmretrieval.cli.serving import serve_command
        from mcp_mmretrieval.front.options import serve_parser

        if "--solo" in sys.argv:
            from mcp_mmretrieval.server import solo

            solo._open = opened
        return exit_code_of(lambda: serve_command(serve_parser().parse_args(sys.argv[2:]), ENGINE))
    from mcp_mmretrieval.server import __main__

    return __main__.main(open_library=opened)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
