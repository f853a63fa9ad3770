import json
import os
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from mcp_mmretrieval import __version__, cli
from mcp_mmretrieval.cli import clients, manifests
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.create import create_server

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "manifests"


def read(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / name).read_text(encoding="utf-8")))


def entry(text: str, file: str) -> dict[str, Any]:
    """How the client starts the server, out of its configuration."""
    read = tomllib.loads(text) if file.endswith(".toml") else json.loads(text)
    servers = next(read[key] for key in ("mcpServers", "servers", "mcp_servers") if key in read)
    (name, found), *others = servers.items()
    assert (name, others) == (clients.NAME, [])
    return dict(found)


def test_the_files_are_what_the_source_says() -> None:
    assert manifests.stale(FOLDER) == []


def test_what_is_written_by_hand_is_there() -> None:
    assert all((FOLDER / name).is_file() for name in manifests.BY_HAND)


def test_a_changed_a_missing_and_a_foreign_file_are_told(tmp_path: Path) -> None:
    assert manifests.main(["--write", str(tmp_path)]) == 0
    (tmp_path / "clients" / "cursor.json").write_text("{}")
    (tmp_path / "server.json").unlink()
    (tmp_path / "mcpb" / "other.json").write_text("{}")
    assert manifests.stale(tmp_path) == ["clients/cursor.json", "mcpb/other.json", "server.json"]
    assert manifests.main(["--check", str(tmp_path)]) == 1


def test_the_registry_knows_the_package_by_the_name_in_readme() -> None:
    server = read("server.json")
    assert f"<!-- mcp-name: {server['name']} -->" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(server["description"]) <= 100
    assert server["version"] == server["packages"][0]["version"] == __version__


def test_what_the_registry_lets_people_set_exists() -> None:
    (package,) = read("server.json")["packages"]
    flags = [argument["name"] for argument in package["packageArguments"]]
    parsed = cli.parser().parse_args(cli.with_command([part for flag in flags for part in (flag, "/a")]))
    assert (parsed.run, parsed.root) == ("serving:serve", ["/a"])
    assert all(
        variable["name"].removeprefix("MMRETRIEVAL_").lower() in Settings.model_fields
        for variable in package["environmentVariables"]
    )


def test_the_bundle_names_the_tools_of_the_server() -> None:
    def never() -> Library:
        raise AssertionError

    async def listed() -> list[str]:
        async with Client(create_server(never, Settings())) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert [tool["name"] for tool in read("mcpb/manifest.json")["tools"]] == anyio.run(listed)


def test_the_bundle_installs_this_version_and_starts_a_file_that_it_holds() -> None:
    manifest = read("mcpb/manifest.json")
    project = tomllib.loads((FOLDER / "mcpb" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"mcp-mmretrieval[builtin]=={__version__}"]
    assert manifest["version"] == project["version"] == __version__
    assert manifest["server"]["entry_point"] in manifest["server"]["mcp_config"]["args"]
    assert (FOLDER / "mcpb" / manifest["server"]["entry_point"]).is_file()


@pytest.mark.parametrize("client", clients.CLIENTS, ids=lambda client: client.name)
def test_each_client_starts_the_server_with_options_that_it_has(client: clients.Client) -> None:
    found = entry((FOLDER / "clients" / client.file).read_text(encoding="utf-8"), client.file)
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
