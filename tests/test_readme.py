"""What README says is what the code does."""

import ast
import json
import re
from pathlib import Path

import pytest
from mcp import Client

from mcp_mmretrieval.cli import parser, with_command
from mcp_mmretrieval.configuration import PREFIX
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    table = README.split(heading, 1)[1].split("\n\n| ", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def unquoted(cell: str) -> str:
    return cell.strip("`")


@pytest.mark.anyio
async def test_the_tools_are_those_of_the_server() -> None:
    def never() -> Library:
        raise AssertionError

    async with Client(create_server(never, Settings())) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {unquoted(name) for name, _ in rows("## Use it")} == tools


def test_the_settings_are_those_of_the_code() -> None:
    documented = {unquoted(name): meaning for name, _, meaning in rows("## Settings")}
    assert documented == {PREFIX + name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_the_defaults_are_those_of_the_code() -> None:
    for name, default, _ in rows("## Settings"):
        field = Settings.model_fields[unquoted(name).removeprefix(PREFIX).lower()]
        if default and not field.default_factory:
            assert default == str(field.default), name


def test_the_client_configuration_is_valid_and_names_our_command_and_flag() -> None:
    (block,) = blocks("json")
    server = json.loads(block)["mcpServers"]["mmretrieval"]
    assert server["command"] == "mcp-mmretrieval"
    assert parser().parse_args(with_command(server["args"])).root


def test_the_python_example_uses_what_exists() -> None:
    (block,) = blocks("python")
    called = {node.attr for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Attribute)}
    assert {"open", "add", "search"} <= called
    assert all(hasattr(Library, name) for name in ("open", "add", "search"))


def test_both_commands_install_what_the_project_file_offers() -> None:
    offered = re.search(r"\[project.optional-dependencies\](.*?)\n\[", (ROOT / "pyproject.toml").read_text(), re.DOTALL)
    assert offered
    extras = set(re.findall(r"^([\w-]+) = \[", offered[1], re.MULTILINE))
    groups = re.findall(r"'(?:\.|mcp-mmretrieval)\[([\w,-]+)\]'", README)
    named = {extra for group in groups for extra in group.split(",")}
    assert {"builtin", "dev"} <= named <= extras


def test_every_linked_file_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
