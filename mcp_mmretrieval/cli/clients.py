"""How MCP clients start the server: their configuration, and that of the installation that runs now.

`manifests` writes it to manifests/clients/.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SERVER_KEY = "mmretrieval"
"""The name under which clients list the server."""


@dataclass(frozen=True, slots=True)
class LaunchCommand:
    """How a client starts the server."""

    command: str
    arguments: tuple[str, ...]

    def at(self, folder: str) -> LaunchCommand:
        """The same with this folder as its root."""
        return LaunchCommand(self.command, (*self.arguments, "--root", folder))

    @property
    def entry(self) -> dict[str, object]:
        """As it stands in a client's JSON."""
        return {"command": self.command, "args": list(self.arguments)}


PACKAGE_NAME = "mcp-mmretrieval"
"""On PyPI, and the command that it installs."""
PACKAGE_WITH_MODELS = f"{PACKAGE_NAME}[builtin]"
"""The package with the built-in models."""
PUBLISHED_COMMAND = LaunchCommand("uvx", ("--from", PACKAGE_WITH_MODELS, PACKAGE_NAME))
"""Runs the released package without installing it first."""

_UVX_FOLDER_PREFIXES = ("archive-v", "environments-v", "builds-v")
"""Prefixes of the folders in uv's cache that hold temporary environments."""

FOLDER_PLACEHOLDER = "/path/to/your/folder"
"""Stands for the reader's own folder."""


def this_installation() -> LaunchCommand:
    """How a client starts what runs now, with absolute paths: desktop clients know no PATH and no virtual environment.

    An environment that uvx made is thrown away some day: there it is uvx again.
    """
    if any(part.startswith(_UVX_FOLDER_PREFIXES) for part in Path(sys.prefix).parts):
        return LaunchCommand(
            shutil.which(PUBLISHED_COMMAND.command) or PUBLISHED_COMMAND.command, PUBLISHED_COMMAND.arguments
        )
    beside = shutil.which(PACKAGE_NAME, path=str(Path(sys.executable).parent))
    return LaunchCommand(beside, ()) if beside else LaunchCommand(sys.executable, ("-P", "-m", "mcp_mmretrieval"))


def mcp_servers_json(launch: LaunchCommand) -> str:
    """The form that most clients read."""
    return as_json({"mcpServers": {SERVER_KEY: launch.entry}})


def vscode_json(launch: LaunchCommand) -> str:
    """VS Code's own form."""
    return as_json({"servers": {SERVER_KEY: {"type": "stdio", **launch.entry}}})


def codex_toml(launch: LaunchCommand) -> str:
    """Codex's TOML. It waits 10 seconds for a server by default, too short for a first start."""
    lines = [
        f"[mcp_servers.{SERVER_KEY}]",
        f"command = {json.dumps(launch.command)}",
        f"args = {json.dumps(list(launch.arguments))}",
        "startup_timeout_sec = 60",
    ]
    return "\n".join(lines) + "\n"


def claude_command_line(launch: LaunchCommand) -> str:
    """The one line that adds the server to Claude Code."""
    return f"claude mcp add {SERVER_KEY} -- {shlex.join((launch.command, *launch.arguments))}"


def as_json(value: object) -> str:
    """As people write it, with a newline at its end."""
    return json.dumps(value, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One client, the file here, where its content belongs, and how it is written."""

    name: str
    file: str
    place: str
    write: Callable[[LaunchCommand], str]
    folder: str = FOLDER_PLACEHOLDER


CLIENT_CONFIGS = (
    ClientConfig(
        "Claude Desktop",
        "claude-desktop.json",
        "`claude_desktop_config.json` (Settings, Developer, Edit Config)",
        mcp_servers_json,
    ),
    ClientConfig("Claude Code", "claude-code.json", "`.mcp.json` in the project", mcp_servers_json),
    ClientConfig(
        "Cursor", "cursor.json", "`~/.cursor/mcp.json`, or `.cursor/mcp.json` in the project", mcp_servers_json
    ),
    ClientConfig("VS Code", "vscode.json", "`.vscode/mcp.json` in the workspace", vscode_json, "${workspaceFolder}"),
    ClientConfig("Codex", "codex.toml", "`~/.codex/config.toml`", codex_toml),
    ClientConfig("Gemini CLI", "gemini-cli.json", "`~/.gemini/settings.json`", mcp_servers_json),
    ClientConfig("LM Studio", "lm-studio.json", "`mcp.json` (Program, Install, Edit mcp.json)", mcp_servers_json),
)


def client_files() -> dict[str, str]:
    """Name and content of every file in manifests/clients/."""
    return {
        **{client.file: client.write(PUBLISHED_COMMAND.at(client.folder)) for client in CLIENT_CONFIGS},
        "README.md": _readme(),
    }


def _readme() -> str:
    rows = [f"| {client.name} | [{client.file}]({client.file}) | {client.place} |" for client in CLIENT_CONFIGS]
    return "\n".join(
        (
            "# Configuration for MCP clients",
            "",
            "Merge the file's content into your client's own, and put your folder's absolute path where it says",
            f"`{FOLDER_PLACEHOLDER}`. Repeat `--root` for more folders.",
            "",
            "| client | file | goes into |",
            "|---|---|---|",
            *rows,
            "",
            "Claude Code also takes it on its command line:",
            "",
            "```sh",
            claude_command_line(PUBLISHED_COMMAND.at(FOLDER_PLACEHOLDER)),
            "```",
            "",
            "The first start downloads the models' libraries, which takes longer than most clients wait. Do it once in",
            "a terminal, and see at the same time that everything works:",
            "",
            "```sh",
            shlex.join((PUBLISHED_COMMAND.command, *PUBLISHED_COMMAND.arguments, "demo")),
            "```",
            "",
            "Desktop clients may not find `uvx`: give its absolute path, or install the package and use the lines that",
            "`mcp-mmretrieval demo` prints at its end.",
            "",
            "Generated by `python -m mcp_mmretrieval.cli.manifests --write`.",
            "",
        )
    )
