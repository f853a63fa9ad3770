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

NAME = "mmretrieval"
"""As clients list the server."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a client starts the server."""

    command: str
    arguments: tuple[str, ...]

    def at(self, folder: str) -> Launch:
        """The same with this folder as its root."""
        return Launch(self.command, (*self.arguments, "--root", folder))

    @property
    def entry(self) -> dict[str, object]:
        """As it stands in a client's JSON."""
        return {"command": self.command, "args": list(self.arguments)}


PACKAGE = "mcp-mmretrieval"
"""On PyPI, and the command that it installs."""
WITH_MODELS = f"{PACKAGE}[builtin]"
"""The package with the built-in models."""
PUBLISHED = Launch("uvx", ("--from", WITH_MODELS, PACKAGE))
"""Runs the released package without installing it first."""

_UVX_MAKES = ("archive-v", "environments-v", "builds-v")
"""How the folders in uv's cache begin that hold its passing environments."""

FOLDER = "/path/to/your/folder"
"""Stands for the reader's own folder."""


def here() -> Launch:
    """How a client starts what runs now, with absolute paths: desktop clients know no PATH and no virtual environment.

    An environment that uvx made is thrown away some day: there it is uvx again.
    """
    if any(part.startswith(_UVX_MAKES) for part in Path(sys.prefix).parts):
        return Launch(shutil.which(PUBLISHED.command) or PUBLISHED.command, PUBLISHED.arguments)
    beside = shutil.which(PACKAGE, path=str(Path(sys.executable).parent))
    return Launch(beside, ()) if beside else Launch(sys.executable, ("-m", "mcp_mmretrieval"))


def mcp_servers(launch: Launch) -> str:
    """The form that most clients read."""
    return as_json({"mcpServers": {NAME: launch.entry}})


def vscode(launch: Launch) -> str:
    """VS Code's own form."""
    return as_json({"servers": {NAME: {"type": "stdio", **launch.entry}}})


def codex(launch: Launch) -> str:
    """Codex's TOML. It waits 10 seconds for a server by default, too short for a first start."""
    lines = [
        f"[mcp_servers.{NAME}]",
        f"command = {json.dumps(launch.command)}",
        f"args = {json.dumps(list(launch.arguments))}",
        "startup_timeout_sec = 60",
    ]
    return "\n".join(lines) + "\n"


def command_line(launch: Launch) -> str:
    """The one line that adds the server to Claude Code."""
    return f"claude mcp add {NAME} -- {shlex.join((launch.command, *launch.arguments))}"


def as_json(value: object) -> str:
    """As people write it, with a newline at its end."""
    return json.dumps(value, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Client:
    """One client, the file here, where its content belongs, and how it is written."""

    name: str
    file: str
    place: str
    write: Callable[[Launch], str]
    folder: str = FOLDER


CLIENTS = (
    Client(
        "Claude Desktop",
        "claude-desktop.json",
        "`claude_desktop_config.json` (Settings, Developer, Edit Config)",
        mcp_servers,
    ),
    Client("Claude Code", "claude-code.json", "`.mcp.json` in the project", mcp_servers),
    Client("Cursor", "cursor.json", "`~/.cursor/mcp.json`, or `.cursor/mcp.json` in the project", mcp_servers),
    Client("VS Code", "vscode.json", "`.vscode/mcp.json` in the workspace", vscode, "${workspaceFolder}"),
    Client("Codex", "codex.toml", "`~/.codex/config.toml`", codex),
    Client("Gemini CLI", "gemini-cli.json", "`~/.gemini/settings.json`", mcp_servers),
    Client("LM Studio", "lm-studio.json", "`mcp.json` (Program, Install, Edit mcp.json)", mcp_servers),
)


def files() -> dict[str, str]:
    """Name and content of every file in manifests/clients/."""
    return {
        **{client.file: client.write(PUBLISHED.at(client.folder)) for client in CLIENTS},
        "README.md": _readme(),
    }


def _readme() -> str:
    rows = [f"| {client.name} | [{client.file}]({client.file}) | {client.place} |" for client in CLIENTS]
    return "\n".join(
        (
            "# Configuration for MCP clients",
            "",
            "Merge the file's content into your client's own, and put your folder's absolute path where it says",
            f"`{FOLDER}`. Repeat `--root` for more folders.",
            "",
            "| client | file | goes into |",
            "|---|---|---|",
            *rows,
            "",
            "Claude Code also takes it on its command line:",
            "",
            "```sh",
            command_line(PUBLISHED.at(FOLDER)),
            "```",
            "",
            "The first start downloads the models' libraries, which takes longer than most clients wait. Do it once in",
            "a terminal, and see at the same time that everything works:",
            "",
            "```sh",
            shlex.join((PUBLISHED.command, *PUBLISHED.arguments, "demo")),
            "```",
            "",
            "Desktop clients may not find `uvx`: give its absolute path, or install the package and use the lines that",
            "`mcp-mmretrieval demo` prints at its end.",
            "",
            "Generated by `python -m mcp_mmretrieval.cli.manifests --write`.",
            "",
        )
    )
