import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_mmretrieval.adding.cluster import driver
from mcp_mmretrieval.errors import ClusterUnavailable


def test_an_address_where_nothing_listens_is_one_line_with_what_to_do() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ClusterUnavailable, match=f"{address}: no Ray cluster is reached there"):
            driver.check_reached(address)
        bound.listen()
        driver.check_reached(address)


def test_a_token_is_there_and_for_nobody_else(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with pytest.raises(ClusterUnavailable, match="No such file or directory"):
        driver.check_token(token)
    token.write_text("0" * 64)
    token.chmod(0o644)
    with pytest.raises(ClusterUnavailable, match=f"chmod 600 {token}"):
        driver.check_token(token)
    token.chmod(0o600)
    driver.check_token(token)


def test_a_ray_of_another_version_is_told_with_what_to_do() -> None:
    said = "Version mismatch: The cluster was started with:\n    Ray: 2.58.0\n    Python: 3.11.7\nThis process ..."
    told = driver.told_of(RuntimeError(said), "head:6379", Path("/token"), "2.60.0")
    assert told.startswith("head:6379: the cluster has another version of Ray or Python than this machine (Ray 2.60.0")
    assert "Ray: 2.58.0 Python: 3.11.7" in told
    told = driver.told_of(ConnectionError("no node"), "head:6379", Path("/token"), "2.60.0")
    assert "/token must hold the cluster's token" in told
    assert "ray start --address=head:6379 --num-cpus=0" in told


def nodes(*given: tuple[str, float, bool]) -> Any:
    table = [
        {"NodeID": id, "NodeManagerAddress": f"at {id}", "Alive": alive, "Resources": {"CPU": cpus} if cpus else {}}
        for id, cpus, alive in given
    ]
    return SimpleNamespace(nodes=lambda: table)


def test_files_go_where_the_least_is_to_do_by_the_processors() -> None:
    listed = driver.NodeList(nodes(("large", 3, True), ("small", 1, True), ("head", 0, True), ("dead", 8, False)))
    taken = [listed.take((), ()) for _ in range(8)]
    assert sorted(node.id for node in taken if node) == ["large"] * 6 + ["small"] * 2
    small = next(node for node in taken if node and node.id == "small")
    listed.give_back(small)
    assert listed.take((), ()) == small


def test_a_node_that_refused_is_not_asked_and_one_that_lost_the_file_only_if_there_is_no_other() -> None:
    listed = driver.NodeList(nodes(("a", 1, True), ("b", 1, True)))
    assert {node and node.id for node in (listed.take((), {"a"}) for _ in range(5))} == {"b"}
    assert (one := listed.take({"b"}, {"a"})) and one.id == "a"
    assert listed.take({"a", "b"}, ()) is None
