import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval import cli
from mcp_mmretrieval.cli import clients

FOLDER = Path(__file__).parent.parent / "manifests" / "clients"


def entry(text: str, file: str) -> dict[str, Any]:
    """How the client starts the server, out of its configuration."""
    read = tomllib.loads(text) if file.endswith(".toml") else json.loads(text)
    servers = next(read[key] for key in ("mcpServers", "servers", "mcp_servers") if key in read)
    (name, found), *others = servers.items()
    assert (name, others) == (clients.NAME, [])
    return dict(found)


def test_the_files_are_what_the_source_says() -> None:
    assert clients.stale(FOLDER) == []


def test_a_changed_a_missing_and_a_foreign_file_are_told(tmp_path: Path) -> None:
    assert clients.main(["--write", str(tmp_path)]) == 0
    (tmp_path / "cursor.json").write_text("{}")
    (tmp_path / "codex.toml").unlink()
    (tmp_path / "other.json").write_text("{}")
    assert clients.stale(tmp_path) == ["codex.toml", "cursor.json", "other.json"]
    assert clients.main(["--check", str(tmp_path)]) == 1


@pytest.mark.parametrize("client", clients.CLIENTS, ids=lambda client: client.name)
def test_each_client_starts_the_server_with_options_that_it_has(client: clients.Client) -> None:
    found = entry((FOLDER / client.file).read_text(encoding="utf-8"), client.file)
    package, command, *options = found["args"][1:]
    assert (found["command"], found["args"][0]) == ("uvx", "--from")
    assert (package, command) == ("mcp-mmretrieval[builtin]", "mcp-mmretrieval")
    parsed = cli.parser().parse_args(cli.with_command(options))
    assert (parsed.run, parsed.root) == ("serving:serve", [client.folder])


@pytest.mark.parametrize("client", clients.CLIENTS, ids=lambda client: client.name)
def test_awkward_paths_survive_every_form(client: clients.Client) -> None:
    launch = clients.Launch("/opt/my tools/mcp", ()).at('/home/a/"quoted" \\ füße')
    found = entry(client.write(launch), client.file)
    assert (found["command"], found["args"]) == (launch.command, list(launch.arguments))


def test_this_installation_starts_by_an_absolute_path() -> None:
    launch = clients.here()
    assert Path(launch.command).is_absolute()
    assert os.access(launch.command, os.X_OK)


def test_in_a_passing_environment_of_uvx_it_is_uvx_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/home/anna/.cache/uv/archive-v0/Xy12")
    assert clients.here().arguments == clients.PUBLISHED.arguments
