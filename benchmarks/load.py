"""Many HTTP clients at once, while a large add runs: answers, BUSY, fairness, memory.

    python benchmarks/load.py [--clients 64] [--seconds 20] [--notes 3000]

Starts `serve --http` with a library of its own and the built-in models, and measures in one run: the idle p50 of a
search; the rate that the server alone sustains (each client asks again as soon as it has its answer); then, while
thousands of notes are added, half that rate and twice that rate, offered evenly by all clients whether or not earlier
questions were answered. All questions are different. Clients and server share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

WORDS = [
    "pump",
    "valve",
    "harbour",
    "ferry",
    "timetable",
    "revenue",
    "region",
    "gearbox",
    "menu",
    "lighthouse",
    "rescue",
    "boat",
    "diesel",
    "price",
    "report",
    "crew",
    "meeting",
    "impeller",
    "rotor",
    "cooling",
    "leak",
    "pressure",
    "storm",
    "anchor",
    "deck",
    "cargo",
    "ticket",
    "passenger",
    "delay",
    "engine",
    "fog",
    "signal",
]
MODERN = "2026-07-28"
FRESH = itertools.count()


def sentence(chance: random.Random, length: int) -> str:
    return " ".join(chance.choices(WORDS, k=length)) + f" item {next(FRESH)}."


@dataclass
class Server:
    host: str
    port: int
    token: str

    def request(self, tool: str, **arguments: object) -> bytes:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: Bearer {self.token}\r\n"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Connection:
    """One kept-alive connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, tool: str, **arguments: object) -> tuple[str, dict[str, object]]:
        """Outcome (ok, busy, error) and result."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._server.host, self._server.port)
        reader, writer = self._streams
        writer.write(self._server.request(tool, **arguments))
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else await self._chunks(reader)
        text = body.decode()
        line = text if text.startswith("{") else [one for one in text.splitlines() if one.startswith("data: ")][-1][6:]
        message = json.loads(line)
        result = message.get("result") or {}
        if "error" in message or " 200 " not in head.splitlines()[0]:
            return "error", message
        if result.get("isError"):
            return ("busy" if result["content"][0]["text"].startswith("Busy") else "error"), result
        return "ok", result.get("structuredContent") or {}

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


@dataclass
class Tally:
    """What clients got, by client."""

    outcomes: dict[int, Counter[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def note(self, client: int, outcome: str, seconds: float, result: dict[str, object]) -> None:
        self.outcomes.setdefault(client, Counter())[outcome] += 1
        if outcome == "ok":
            self.seconds.append(seconds)
        if outcome == "error":
            self.errors[json.dumps(result)[:200]] += 1

    def row(self, name: str, took: float) -> str:
        total = sum(self.outcomes.values(), Counter[str]())
        answered = [counts["ok"] for counts in self.outcomes.values()]
        cuts = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        mean = statistics.mean(answered)
        return (
            f"| {name} | {sum(total.values()) / took:.1f} | {total['ok'] / took:.1f} | {total['busy']} | "
            f"{total['error']} | {cuts[49] * 1000:.0f} | {cuts[94] * 1000:.0f} | {cuts[98] * 1000:.0f} | "
            f"{max(answered) / mean if mean else 0:.2f} |"
        )


async def timed(connection: Connection, tally: Tally, client: int, chance: random.Random) -> None:
    began = time.perf_counter()
    outcome, result = await connection.call("search_media", query=sentence(chance, 5))
    tally.note(client, outcome, time.perf_counter() - began, result)


async def closed(server: Server, clients: int, seconds: float) -> tuple[Tally, float]:
    """Each client asks as soon as it was answered."""
    tally, end = Tally(), time.perf_counter() + seconds

    async def client(number: int) -> None:
        connection, chance = Connection(server), random.Random(number)
        while time.perf_counter() < end:
            await timed(connection, tally, number, chance)
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    return tally, time.perf_counter() - began


async def offered(server: Server, clients: int, seconds: float, rate: float) -> tuple[Tally, float]:
    """Each client asks at its own even pace, on as many connections as it then needs."""
    tally = Tally()

    async def client(number: int) -> None:
        chance = random.Random(number)
        idle: list[Connection] = []

        async def one() -> None:
            connection = idle.pop() if idle else Connection(server)
            try:
                await timed(connection, tally, number, chance)
                idle.append(connection)
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                tally.note(number, "error", 0.0, {"lost": repr(error)})

        async with asyncio.TaskGroup() as asked:
            began, gap = time.perf_counter(), clients / rate
            for count in range(int(seconds / gap)):
                await asyncio.sleep(max(0.0, began + (count + number / clients) * gap - time.perf_counter()))
                asked.create_task(one())
        for connection in idle:
            connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    return tally, time.perf_counter() - began


@asynccontextmanager
async def serving(folder: Path, root: Path, python: Path = Path(sys.executable)) -> AsyncIterator[tuple[Server, int]]:
    """A server of the product that `python` has, and the pid of its engine."""
    library = folder / "library"
    command = [str(python), "-m", "mcp_mmretrieval", "serve", "--http", "127.0.0.1:0"]
    environment = {**os.environ, "MMRETRIEVAL_ENGINE_IDLE_S": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, "--root", str(root), "--library", str(library), stderr=subprocess.PIPE, env=environment, cwd="/"
    )
    assert process.stderr is not None
    try:
        while not (found := re.search(rb"http://([\d.]+):(\d+)/", line := await process.stderr.readline())):
            if not line:
                raise EOFError("The server ended before it served.")
        server = Server(found[1].decode(), int(found[2]), (library / "http-token").read_text().strip())
        connection = Connection(server)
        _, health = await connection.call("status")
        yield server, int(str(health["engine"]).split()[1].rstrip(","))
        connection.close()
    finally:
        process.terminate()
        await process.wait()


async def settled(connection: Connection) -> None:
    while True:
        _, health = await connection.call("status")
        if health["models_state"] == "ready" and not health["pending_vectors"]:
            return
        await asyncio.sleep(1.0)


def memory(pid: int) -> float:
    """Resident MB of the engine."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]


async def run(arguments: argparse.Namespace, folder: Path) -> None:
    root, chance = folder / "files", random.Random(1)
    (root / "first").mkdir(parents=True)
    (root / "more").mkdir()
    for number in range(300):
        (root / "first" / f"{number}.md").write_text(f"# Note {number}\n\n" + sentence(chance, 120))
    for number in range(arguments.notes):
        (root / "more" / f"{number}.md").write_text(f"# Log {number}\n\n" + sentence(chance, 300))
    async with serving(folder, root) as (server, engine):
        connection = Connection(server)
        while (await connection.call("add_documents", paths=[str(root / "first")]))[1]["state"] == "running":
            pass
        await settled(connection)
        idle = Tally()
        for _ in range(60):
            await timed(connection, idle, 0, chance)
        quiet = statistics.median(idle.seconds[10:])
        print("| phase | asked/s | answered/s | busy | errors | p50 ms | p95 ms | p99 ms | most / mean |")
        print("|---|---|---|---|---|---|---|---|---|")
        print(idle.row("one client, idle", sum(idle.seconds)))
        alone, took = await closed(server, arguments.clients, arguments.seconds)
        print(alone.row(f"{arguments.clients} clients, server alone", took))
        rate = sum(sum(counts.values()) for counts in alone.outcomes.values()) / took
        adding = asyncio.create_task(connection.call("add_documents", paths=[str(root / "more")]))
        await asyncio.sleep(3.0)
        before, _ = memory(engine), await progress(server)
        for name, share in (("half", 0.5), ("twice", 2.0)):
            had, resident = await progress(server), memory(engine)
            tally, took = await offered(server, arguments.clients, arguments.seconds, share * rate)
            print(tally.row(f"{name} the rate, while adding", took))
            now = await progress(server)
            print(
                f"  {name}: p99 / idle p50 = {statistics.quantiles(tally.seconds, n=100)[98] / quiet:.1f}; "
                f"read {now[0] - had[0]} and embedded {now[1] - had[1]} more documents; "
                f"{resident:.0f} to {memory(engine):.0f} MB"
            )
            for error, count in tally.errors.most_common(3):
                print(f"  {count} errors: {error}")
        print(f"\nEngine: {before:.0f} MB when the add began, {memory(engine):.0f} MB at the end.")
        await adding
        connection.close()


async def progress(server: Server) -> tuple[int, int]:
    """Documents read, and of these embedded."""
    connection = Connection(server)
    _, health = await connection.call("status")
    connection.close()
    read = sum(dict(health["documents"]).values())  # type: ignore[call-overload]
    return read, read - int(str(health["pending_vectors"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--notes", type=int, default=3000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(arguments, Path(folder).resolve()))


if __name__ == "__main__":
    main()
