"""Eight assistants started at once on one empty library: how many engines, how much memory, what is left of them.

    python benchmarks/sharing.py [clients]

With the built-in models. Prints what each client's calls took, the memory of fronts and engine (Pss), the number of
engines and of copies of the text model, and the seconds from the last client's end until no process is left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.starting import HANDSHAKE, command, end, pss
from mcp_mmretrieval.demo_media import make_samples

IDLE = 2.0


class Assistant(threading.Thread):
    """Lists the tools, adds the root, searches by words, and by meaning once the models are there."""

    def __init__(self, root: Path, library: Path, start: threading.Barrier) -> None:
        super().__init__()
        self._arguments = command("--root", str(root), "--library", str(library))
        self._start = start
        self._count = 0
        self.seconds: dict[str, float] = {}
        self.engine = 0

    def run(self) -> None:
        self._start.wait()
        began = time.perf_counter()
        self.process = subprocess.Popen(
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "MMRETRIEVAL_ENGINE_IDLE_S": str(IDLE)},
        )
        self.ask("initialize", HANDSHAKE)
        self.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.ask("tools/list", {})
        self.seconds["tools/list"] = time.perf_counter() - began
        while self.call("add_documents")["state"] == "running":
            pass
        self.seconds["added"] = time.perf_counter() - began
        assert self.call("search_media", query="passengers")["hits"]
        self.seconds["found by words"] = time.perf_counter() - began
        while True:
            health = self.call("status")
            if health["models_state"] == "ready" and not health["pending_vectors"]:
                break
            time.sleep(0.1)
        self.engine = int(health["engine"].split()[1].rstrip(","))
        lanes = self.call("search_media", query="how many people travelled")["hits"][0]["lanes"]
        assert "text" in lanes
        self.seconds["found by meaning"] = time.perf_counter() - began

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        self.tell({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        assert self.process.stdout is not None
        result: dict[str, Any] = json.loads(self.process.stdout.readline())["result"]
        return result

    def tell(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


def processes(library: Path) -> list[str]:
    """Processes that work for the library, by their command lines; workers are children of its engine."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()[1:]]
    ours = {row[0] for row in rows if str(library) in row[3] and "Z" not in row[2]}
    return [" ".join(row) for row in rows if (row[0] in ours or row[1] in ours) and "Z" not in row[2]]


def main() -> None:
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        root, library = folder / "files", folder / "library"
        make_samples(root)
        start = threading.Barrier(clients)
        assistants = [Assistant(root, library, start) for _ in range(clients)]
        for assistant in assistants:
            assistant.start()
        for assistant in assistants:
            assistant.join()
        engines = {assistant.engine for assistant in assistants}
        fronts = [pss(assistant.process.pid) for assistant in assistants]
        print(f"| seconds from the start, {clients} clients at once | first | last |\n|---|---|---|")
        for what in assistants[0].seconds:
            taken = [assistant.seconds[what] for assistant in assistants]
            print(f"| {what} | {min(taken):.2f} | {max(taken):.2f} |")
        print(
            f"\nEngines: {len(engines)}, {pss(engines.copy().pop()):.0f} MB. Fronts: at most {max(fronts):.1f} MB each."
        )
        log = (library / "engine.log").read_text()
        print(f"Text model loaded {log.count('text model loaded')} time(s).")
        for assistant in assistants:
            end(assistant.process)
        gone = time.perf_counter()
        while left := processes(library):
            if time.perf_counter() > gone + 60:
                print(*left, sep="\n")
                break
            time.sleep(0.1)
        print(f"Nothing left {time.perf_counter() - gone:.1f} s after the last client ended (idle time {IDLE:g} s).")


if __name__ == "__main__":
    main()
