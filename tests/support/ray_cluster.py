"""Ray on this machine alone: a head without processors, and nodes that can be killed, blind to a folder, or strangers.

Ray listens on all interfaces, so it runs only where there are none but loopback: in a network of its own.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 180.0
PORT = 6399
MARK = "TEST_RAY_NODE"


def why_not() -> str:
    """Why there can be no cluster here; empty where there can."""
    if importlib.util.find_spec("ray") is None:
        return "the extra [ray] is not installed"
    lines = Path("/proc/net/dev").read_text().splitlines()[2:] if Path("/proc/net/dev").exists() else ["?"]
    others = [line.partition(":")[0].strip() for line in lines if not line.strip().startswith("lo:")]
    return f"Ray would listen on {', '.join(others)}: run .ci/run ray" if others else ""


class RayNode:
    """One `ray start`, with all that it starts."""

    def __init__(self, cluster: RayCluster, *told: str, hidden: Path | None = None) -> None:
        """`hidden`: a folder that is empty for this node."""
        self._mark = secrets.token_hex(8)
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--object-store-memory=80000000"]
        command = [*ray, "--disable-usage-stats", *told]
        if hidden is not None:
            mounted = f'mount -t tmpfs none "{hidden}" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", mounted, "sh", *command]
        environment = {**os.environ, **cluster.variables, MARK: self._mark}
        with cluster.folder.joinpath(f"node-{self._mark}.log").open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, cwd="/", stdout=log, stderr=log)

    def processes(self, name: str = "") -> list[int]:
        """Ids of what runs of it, and has this in its command line."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    mine = f"{MARK}={self._mark}".encode() in entry.joinpath("environ").read_bytes()
                    if mine and name.encode() in entry.joinpath("cmdline").read_bytes():
                        found.append(int(entry.name))
        return found

    def kill(self) -> None:
        """As a machine that loses its power."""
        while found := self.processes():
            for pid in found:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        self.process.kill()
        self.process.wait()


class RayCluster:
    """A head, and the nodes that were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{PORT}"
        self.token = folder / "token"
        self.token.write_text(secrets.token_hex(32))
        self.token.chmod(0o600)
        self.variables = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_health_check_failure_threshold": "3",
            "RAY_health_check_period_ms": "1000",
        }
        self._nodes: list[RayNode] = []
        session = f"--temp-dir={folder}"
        self.head = RayNode(self, "--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false", session)
        self._wait(1)

    def start(self, cpus: int = 1, *, hidden: Path | None = None) -> RayNode:
        """One more node."""
        before = self._alive()
        node = RayNode(self, f"--address={self.address}", f"--num-cpus={cpus}", hidden=hidden)
        self._nodes.append(node)
        self._wait(before + 1)
        return node

    def kill_nodes(self) -> None:
        """All but the head."""
        while self._nodes:
            self._nodes.pop().kill()
        self._wait(1)

    def close(self) -> None:
        for node in self._nodes:
            node.kill()
        self.head.kill()

    def _wait(self, nodes: int) -> None:
        """Until so many nodes are alive."""
        end = time.monotonic() + PATIENCE
        while self._alive() != nodes:
            assert time.monotonic() < end, [path.read_text() for path in self.folder.glob("node-*.log")]
            time.sleep(0.5)

    def _alive(self) -> int:
        """As the head says, asked by a process of its own."""
        ask = (
            "import sys; from ray._raylet import GcsClient; "
            "print(sum(node.state == 0 for node in GcsClient(address=sys.argv[1]).get_all_node_info().values()))"
        )
        environment = {**os.environ, **self.variables}
        told = subprocess.run(
            [sys.executable, "-c", ask, self.address], env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        return int(told.stdout) if told.returncode == 0 else -1
