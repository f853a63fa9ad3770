"""What registries and clients read about the server, all of it from one source: `manifests/` holds what this writes.

python -m mcp_mmretrieval.cli.manifests --write    bring manifests/ up to date
python -m mcp_mmretrieval.cli.manifests --check    say which files are out of date, and exit with 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import metadata
from pathlib import Path
from typing import NoReturn

import anyio
from mcp import Client
from mcp.types import Tool

from mcp_mmretrieval import __version__
from mcp_mmretrieval.cli import clients
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.config.sources import ENV_PREFIX
from mcp_mmretrieval.server.create import SERVER_TITLE, create_server

REGISTRY_NAME = "io.github.mcp-mmretrieval/mcp-mmretrieval"
"""In the MCP registry. README names it too: so the registry knows that the package on PyPI is ours."""
SERVER_SUMMARY = "Finds the PDF page, picture, moment of sound or film, or passage that answers, with its citation."
"""The registry takes at most 100 characters."""

HANDWRITTEN_FILES = frozenset(
    {
        "mcpb/server.py",
        "docker/Dockerfile",
        "docker/compose.yaml",
        "docker/compose.chroma.yaml",
        "kubernetes/mcp-mmretrieval.yaml",
        "kubernetes/chroma.yaml",
        "kubernetes/kustomization.yaml",
    }
)
"""Files of manifests/ that are not written here."""

JsonObject = dict[str, object]


def registry_manifest() -> JsonObject:
    """server.json of the MCP registry.

    Clients build `uvx RUNTIME-ARGUMENTS mcp-mmretrieval@VERSION PACKAGE-ARGUMENTS` of it. uvx refuses a version behind
    `--from`, so the extra comes in by `--with`. They ask for every argument that is described and may pass an empty
    one on, hence the optional ones are variables: an empty variable counts as none.
    """
    package = {
        "registryType": "pypi",
        "identifier": clients.PACKAGE_NAME,
        "version": __version__,
        "runtimeHint": "uvx",
        "runtimeArguments": [{"type": "named", "name": "--with", "value": clients.PACKAGE_WITH_MODELS}],
        "transport": {"type": "stdio"},
        "packageArguments": [
            {
                "type": "named",
                "name": "--root",
                "description": "A folder that may be read, with all that is in it.",
                "format": "filepath",
                "placeholder": clients.FOLDER_PLACEHOLDER,
                "isRequired": True,
                "isRepeated": True,
            }
        ],
        "environmentVariables": [_variable("library", format="filepath"), _variable("profile")],
    }
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": REGISTRY_NAME,
        "title": SERVER_TITLE,
        "description": SERVER_SUMMARY,
        "version": __version__,
        "packages": [package],
    }


def _variable(setting: str, **more: str) -> JsonObject:
    """A setting as an environment variable that may be left empty."""
    field = Settings.model_fields[setting]
    default = {} if field.default_factory else {"default": str(field.default)}
    return {"name": ENV_PREFIX + setting.upper(), "description": str(field.description), **more, **default}


def bundle_manifest(tools: Sequence[Tool]) -> JsonObject:
    """manifest.json of an MCP bundle: the host asks for the folders, and uv installs the package at first start.

    A list that a host fills in becomes arguments of their own, which `server.py` turns into roots.
    """
    about = metadata(clients.PACKAGE_NAME)
    return {
        "manifest_version": "0.4",
        "name": clients.PACKAGE_NAME,
        "display_name": SERVER_TITLE,
        "version": __version__,
        "description": SERVER_SUMMARY,
        "author": {"name": "The mcp-mmretrieval contributors"},
        "license": about["License-Expression"],
        "keywords": sorted(about["Keywords"].split(",")),
        "server": {
            "type": "uv",
            "entry_point": "server.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "server.py", "${user_config.folders}"],
                "env": {f"{ENV_PREFIX}READ_ONLY": "${user_config.read_only}"},
            },
        },
        "tools": [{"name": tool.name, "description": _first_sentence(tool.description or "")} for tool in tools],
        "compatibility": {"platforms": ["darwin", "linux"], "runtimes": {"python": about["Requires-Python"]}},
        "user_config": {
            "folders": {
                "type": "directory",
                "title": "Folders",
                "description": "Folders that may be read, with all that is in them. Nothing else is.",
                "multiple": True,
                "required": True,
            },
            "read_only": {
                "type": "boolean",
                "title": "Read only",
                "description": str(Settings.model_fields["read_only"].description),
                "default": False,
            },
        },
    }


def _project() -> str:
    """pyproject.toml beside the bundle's manifest: what uv installs."""
    lines = (
        "[project]",
        f'name = "{clients.PACKAGE_NAME}-bundle"',
        f'version = "{__version__}"',
        f'requires-python = "{metadata(clients.PACKAGE_NAME)["Requires-Python"]}"',
        f'dependencies = ["{clients.PACKAGE_WITH_MODELS}=={__version__}"]',
        "",
        "[tool.uv]",
        "package = false",
        "",
    )
    return "\n".join(lines)


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].removesuffix(".") + "."


async def _tools() -> list[Tool]:
    """As the server lists them."""

    def never() -> NoReturn:
        raise AssertionError("Listing tools opens no library.")

    async with Client(create_server(never, Settings())) as client:
        return (await client.list_tools()).tools


def manifest_files() -> dict[str, str]:
    """Path under manifests/ and content of every file there."""
    return {
        "server.json": clients.as_json(registry_manifest()),
        "mcpb/manifest.json": clients.as_json(bundle_manifest(anyio.run(_tools))),
        "mcpb/pyproject.toml": _project(),
        **{f"clients/{name}": content for name, content in clients.client_files().items()},
    }


def stale_files(folder: Path) -> list[str]:
    """Paths in the folder that are not what they should be: changed, missing, or not ours."""
    wanted = manifest_files()
    there = (path for path in folder.rglob("*") if path.is_file())
    held = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in there}
    return sorted(
        name for name in wanted.keys() | held.keys() - HANDWRITTEN_FILES if wanted.get(name) != held.get(name)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check manifests/."""
    command = "python -m mcp_mmretrieval.cli.manifests"
    parser = argparse.ArgumentParser(prog=command, description=main.__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="bring the files up to date")
    action.add_argument("--check", action="store_true", help="exit with 1 when a file is out of date")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("manifests"))
    arguments = parser.parse_args(argv)
    if arguments.write:
        for name, content in manifest_files().items():
            (arguments.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (arguments.folder / name).write_text(content, encoding="utf-8")
    names = stale_files(arguments.folder)
    for name in names:
        sys.stderr.write(f"{arguments.folder / name}: out of date, or not ours. Run {command} --write.\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
