"""How long a client waits from starting its server to the list of tools, against a server of the bare SDK.

    python benchmarks/starting.py [rounds]

Each round starts, in turn: a server of the SDK with one tool; ours without an engine (cold); ours with one (warm); ours
in one process (--solo). Prints medians in seconds, their ratios to the SDK's, and the memory of a front (Pss).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mcp_mmretrieval.front.endpoint import Endpoint

BARE = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
@server.tool()
def echo(text: str) -> str:
    return text
server.run()
"""
HANDSHAKE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("mcp-mmretrieval")), *arguments]


def listed(server: list[str]) -> tuple[float, subprocess.Popen[bytes]]:
    """Seconds until the tools are listed, and the server."""
    began = time.perf_counter()
    process = subprocess.Popen(
        server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/"
    )
    ask(process, 1, "initialize", HANDSHAKE)
    tell(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    tools = ask(process, 2, "tools/list", {})["tools"]
    assert tools
    return time.perf_counter() - began, process


def tell(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def ask(process: subprocess.Popen[bytes], id: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    tell(process, {"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    assert process.stdout is not None
    result: dict[str, Any] = json.loads(process.stdout.readline())["result"]
    return result


def end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait(20)


def end_engine(library: str) -> None:
    pid = Endpoint(library).state().get("pid")
    if isinstance(pid, int):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(library, ignore_errors=True)


def pss(pid: int) -> float:
    """Proportional set size in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:"))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    seconds: dict[str, list[float]] = {"bare SDK": [], "cold": [], "warm": [], "solo": []}
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            library = f"{folder}/{number}"
            for name, server in {
                "bare SDK": [sys.executable, "-c", BARE],
                "cold": command("--library", library),
                "warm": command("--library", library),
                "solo": command("--solo", "--library", f"{folder}/solo"),
            }.items():
                took, process = listed(server)
                seconds[name].append(took)
                if name == "warm":
                    memory.append(pss(process.pid))
                end(process)
            end_engine(library)
            time.sleep(0.5)
    bare = statistics.median(seconds["bare SDK"])
    print("| spawn to tools/list | median s | of the bare SDK | all |\n|---|---|---|---|")
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        print(f"| {name} | {middle:.3f} | {middle / bare:.2f} | {' '.join(f'{one:.3f}' for one in sorted(taken))} |")
    print(f"\nA front's Pss: {statistics.median(memory):.1f} MB (at most {max(memory):.1f}).")


if __name__ == "__main__":
    main()
