"""The process that talks to Ray, for one engine. Run as a program by `process.ClusterProcess`.

Ray ends a process that is connected to it where the cluster goes away, so the engine itself is not connected. This
process ends when the engine hangs up, and Ray then ends its tasks.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import stat
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mcp_mmretrieval.adding.cluster.messages import ClusterAnswer, ClusterNode, NodeUnfit, NoNode, ReadOrder, TaskLost
from mcp_mmretrieval.adding.cluster.task import read_file
from mcp_mmretrieval.errors import ClusterUnavailable, first_error_line

REACH_SECONDS = 5.0
"""Seconds in which the head takes a connection, before Ray is asked, which would try for minutes."""
NODES_SECONDS = 1.0
"""Seconds for which the list of nodes counts."""
LET_GO_SECONDS = 10.0
"""Seconds after the engine has hung up in which Ray lets go."""


def connected_ray(address: str, token_file: Path) -> Any:
    """Ray, connected to the cluster. Raises ClusterUnavailable: the reason, and what to do."""
    try:
        import ray
    except ImportError as error:
        raise ClusterUnavailable("Ray is not installed here. Run: pip install 'mcp-mmretrieval[ray]'.") from error
    check_token(token_file)
    check_reached(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # whatever Ray says of a cluster that does not fit
        raise ClusterUnavailable(told_of(error, address, token_file, ray.__version__)) from error
    return ray


def check_token(file: Path) -> None:
    """Raise ClusterUnavailable where there is no token, or others could read it: who has it runs code on each node."""
    try:
        state = file.stat()
    except OSError as error:
        raise ClusterUnavailable(
            f"{file}: cannot be read ({error.strerror}), and Ray is used with a token only. Copy the cluster's there, "
            "or name its file in MMRETRIEVAL_RAY_TOKEN_FILE."
        ) from error
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ClusterUnavailable(
            f"{file}: others on this machine may read it, and who has it runs code on each node. Run: chmod 600 {file}"
        )


def check_reached(address: str) -> None:
    """Raise ClusterUnavailable where nothing listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except OSError as error:
        raise ClusterUnavailable(
            f"{address}: no Ray cluster is reached there ({first_error_line(error)}). Give the address of its head, as "
            "`ray start --head` printed it, and look whether it runs."
        ) from error


def told_of(error: Exception, address: str, token_file: Path, version: str) -> str:
    """Why Ray did not connect, and what to do, in one line. Of a wrong token Ray says only that it does not connect."""
    said = " ".join(str(error).split())
    if "ersion mismatch" in said:
        return (
            f"{address}: the cluster has another version of Ray or Python than this machine (Ray {version}, Python "
            f"{sys.version.partition(' ')[0]}). Install the same on both. Ray says: {said[:300]}"
        )
    return (
        f"{address}: Ray does not connect ({said[:300].rstrip('.')}). {token_file} must hold the cluster's token, and "
        f"this machine must be one of its nodes: run `ray start --address={address} --num-cpus=0` here."
    )


class NodeList:
    """The nodes that have processors, and how many files each has been given."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._guard = threading.Lock()
        self._given = Counter[str]()
        self._known: list[tuple[ClusterNode, float]] = []
        self._looked = float("-inf")

    def take(self, refused: Collection[str], lost: Collection[str]) -> ClusterNode | None:
        """Of those not `refused`, and if there are others not `lost`, the one with the least to do by its processors.

        None where no node is left. `give_back` it.
        """
        with self._guard:
            left = [(node, cpus) for node, cpus in self._nodes() if node.id not in refused]
            left = [(node, cpus) for node, cpus in left if node.id not in lost] or left
            if not left:
                return None
            random.shuffle(left)
            node, _ = min(left, key=lambda one: self._given[one[0].id] / one[1])
            self._given[node.id] += 1
            return node

    def give_back(self, node: ClusterNode) -> None:
        """It has one file less."""
        with self._guard:
            self._given[node.id] -= 1

    def look_again(self) -> None:
        """One may have gone."""
        self._looked = float("-inf")

    def _nodes(self) -> list[tuple[ClusterNode, float]]:
        if time.monotonic() > self._looked + NODES_SECONDS:
            self._known = [
                (ClusterNode(one["NodeID"], one["NodeManagerAddress"]), float(one["Resources"]["CPU"]))
                for one in self._ray.nodes()
                if one["Alive"] and one["Resources"].get("CPU", 0) >= 1
            ]
            self._looked = time.monotonic()
        return self._known


class TaskRunner:
    """Has files read by plain tasks, one thread a file. Ray tries nothing again: the engine counts."""

    def __init__(self, ray: Any, link: Connection) -> None:
        self._ray = ray
        self._link = link
        self._nodes = NodeList(ray)
        self._task = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(read_file)
        self._guard = threading.Lock()
        self._running: dict[int, Any] = {}
        self._cancelled: set[int] = set()

    def begin(self, number: int, order: ReadOrder, refused: Collection[str], lost: Collection[str]) -> None:
        """Have a file read; the answers go to the engine, with its number."""
        self._running[number] = None
        threading.Thread(target=self._read, args=(number, order, refused, lost), daemon=True).start()

    def cancel(self, number: int) -> None:
        """End the task, if it runs. What it says from now on is not passed on."""
        with self._guard:
            if number not in self._running:
                return
            self._cancelled.add(number)
            task = self._running[number]
        if task is not None:
            self._ray.cancel(task)

    def leave(self) -> None:
        """Let go of the cluster, which ends the tasks."""
        self._ray.shutdown()

    def _read(self, number: int, order: ReadOrder, refused: Collection[str], lost: Collection[str]) -> None:
        node = self._nodes.take(refused, lost)
        if node is None:
            self._tell(number, None, NoNode())
            return
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        try:
            there = NodeAffinitySchedulingStrategy(node.id, soft=False)
            with self._guard:
                if number in self._cancelled:
                    return
                task = self._running[number] = self._task.options(scheduling_strategy=there).remote(order)
            for part in task:
                self._tell(number, node, self._ray.get(part))
        except Exception as error:  # noqa: BLE001 each of Ray's errors says how a task ended
            self._nodes.look_again()
            self._tell(number, node, self._ended(error))
        finally:
            self._nodes.give_back(node)
            with self._guard:
                self._running.pop(number, None)
                self._cancelled.discard(number)

    def _ended(self, error: Exception) -> ClusterAnswer:
        """How a task ended that gave no answer."""
        if isinstance(error, self._ray.exceptions.RayTaskError):  # raised there: the package is missing, or another
            said = first_error_line(error.cause if isinstance(error.cause, Exception) else error)
            return NodeUnfit(f"cannot do the task: {said}. Install the engine's mcp-mmretrieval there.", True)
        if isinstance(error, self._ray.exceptions.OutOfMemoryError):
            return TaskLost("its node ran short of memory")
        if isinstance(error, self._ray.exceptions.TaskUnschedulableError):
            return TaskLost("its node went away before it began", begun=False)
        return TaskLost(f"its process ended ({type(error).__name__})")

    def _tell(self, number: int, node: ClusterNode | None, answer: ClusterAnswer) -> None:
        with self._guard:
            if number not in self._cancelled:
                self._link.send((number, node, answer))


def main() -> None:
    """Serve until the engine hangs up. Tells first why it cannot, or None."""
    link = Connection(int(sys.argv[1]))
    address, token_file = link.recv()
    try:
        runner = TaskRunner(connected_ray(address, Path(token_file)), link)
    except ClusterUnavailable as error:
        link.send(str(error))
        return
    link.send(None)
    try:
        while True:
            what, *given = link.recv()
            (runner.begin if what == "read" else runner.cancel)(*given)
    except (EOFError, OSError):
        threading.Timer(LET_GO_SECONDS, os._exit, (1,)).start()
        runner.leave()
    os._exit(0)


if __name__ == "__main__":
    main()
