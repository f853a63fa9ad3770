"""What a person asked for, as it was written: options, then `MMRETRIEVAL_*`, then a TOML file.

Standard library only: a front passes it on to the engine without knowing what it means. `settings` knows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from mcp_mmretrieval.errors import BadArgument

PREFIX = "MMRETRIEVAL_"
ASIDE = frozenset({"config", "http_token"})
"""Names in the environment that are no settings: where the file is, and a secret that goes nowhere else."""

PATHS = frozenset({"library"})
LISTED_PATHS = frozenset({"roots"})


def configuration(options: Mapping[str, object] | None = None) -> dict[str, object]:
    """The settings that were given, by name; None among the options is not given. Paths become absolute here.

    Raises BadArgument for a file that cannot be read.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and value
    }
    file = _from_file(str(given.pop("config", None) or environment.get("config") or ""))
    merged: dict[str, object] = {**file, **environment, **given}
    return {name: _absolute(name, value) for name, value in merged.items() if name not in ASIDE}


def _from_file(name: str) -> dict[str, object]:
    if not name:
        return {}
    import tomllib  # only where there is a file

    try:
        with open(os.path.expanduser(name), "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise BadArgument(f"{name}: cannot be read as TOML: {error}.") from error


def _absolute(name: str, value: object) -> object:
    if name in LISTED_PATHS:
        listed = value.split(os.pathsep) if isinstance(value, str) else value
        if isinstance(listed, list | tuple):
            return [absolute(part) for part in listed if str(part)]
    return absolute(value) if name in PATHS and isinstance(value, str | os.PathLike) and str(value) else value


def absolute(path: object) -> str:
    """A path from the root of the file system; `~` is the person's home."""
    return os.path.abspath(os.path.expanduser(str(path)))


def default_library() -> str:
    """Where the library lies unless something else is said."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(base, "mcp-mmretrieval", "library")
