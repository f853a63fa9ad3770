import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval import cli
from mcp_mmretrieval.cli import clients

ROOT = Path(__file__).parents[2]


FOLDER = ROOT / "manifests"


def entry(text: str, file: str) -> dict[str, Any]:
    """How the client starts the server, out of its configuration."""
    read = tomllib.loads(text) if file.endswith(".toml") else json.loads(text)
    servers = next(read[key] for key in ("mcpServers", "servers", "mcp_servers") if key in read)
    (name, found), *others = servers.items()
    assert (name, others) == (clients.SERVER_KEY, [])
    return dict(found)


@pytest.mark.parametrize("client", clients.CLIENT_CONFIGS, ids=lambda client: client.name)
def test_each_client_starts_the_server_with_options_that_it_has(client: clients.ClientConfig) -> None:
    found = entry((FOLDER / "clients" / client.file).read_text(encoding="utf-8"), client.file)
    package, command, *options = found["args"][1:]
    assert (found["command"], found["args"][0]) == ("uvx", "--from")
    assert (package, command) == ("mcp-mmretrieval[builtin]", "mcp-mmretrieval")
    parsed = cli.command_parser().parse_args(cli.with_default_command(options))
    assert (parsed.run, parsed.root) == ("serving:serve_command", [client.folder])


@pytest.mark.parametrize("client", clients.CLIENT_CONFIGS, ids=lambda client: client.name)
def test_awkward_paths_survive_every_form(client: clients.ClientConfig) -> None:
    launch = clients.LaunchCommand("/opt/my tools/mcp", ()).at('/home/a/"quoted" \\ füße')
    found = entry(client.write(launch), client.file)
    assert (found["command"], found["args"]) == (launch.command, list(launch.arguments))


def test_this_installation_starts_by_an_absolute_path() -> None:
    launch = clients.this_installation()
    assert Path(launch.command).is_absolute()
    assert os.access(launch.command, os.X_OK)


def test_in_a_passing_environment_of_uvx_it_is_uvx_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/home/anna/.cache/uv/archive-v0/Xy12")
    assert clients.this_installation().arguments == clients.PUBLISHED_COMMAND.arguments
