"""What a person asked for, as it was written: options, then `MMRETRIEVAL_*`, then a TOML file.

Standard library only: a front passes it on to the engine without knowing what it means. `settings` knows.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from mcp_mmretrieval.errors import BadArgument

ENV_PREFIX = "MMRETRIEVAL_"
NON_SETTING_NAMES = frozenset({"config", "http_token"})
"""Names in the environment that are no settings: where the file is, and a secret that goes nowhere else."""

_BETWEEN_FOLDERS = re.compile(rf"(?<!^file)(?<!{os.pathsep}file){os.pathsep}", re.IGNORECASE)
_FOLDER_URI = re.compile(r"file:(?://(?:localhost)?(?=/))?(?=/)", re.IGNORECASE)

PATH_SETTINGS = frozenset({"library", "cache", "index_ca", "ray_token_file"})
PATH_LIST_SETTINGS = frozenset({"roots"})


def settings_from_sources(options: Mapping[str, object] | None = None) -> dict[str, object]:
    """The settings that were given, by name; None and an empty text are not. Paths become absolute here.

    Raises BadArgument for a file that cannot be read.
    """
    given = _filled(options or {})
    environment = _filled(
        {
            name.removeprefix(ENV_PREFIX).lower(): value
            for name, value in os.environ.items()
            if name.startswith(ENV_PREFIX)
        }
    )
    file = _from_file(str(given.pop("config", None) or environment.get("config") or ""))
    merged: dict[str, object] = {**file, **environment, **given}
    return {name: _absolute(name, value) for name, value in merged.items() if name not in NON_SETTING_NAMES}


def _filled(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _from_file(name: str) -> dict[str, object]:
    if not name:
        return {}
    import tomllib  # only where there is a file

    try:
        with open(os.path.expanduser(name), "rb") as file:
            return _filled(tomllib.load(file))
    except (OSError, ValueError) as error:
        raise BadArgument(f"{name}: cannot be read as TOML: {error}.") from error


def _absolute(name: str, value: object) -> object:
    if name in PATH_LIST_SETTINGS:
        listed = _BETWEEN_FOLDERS.split(value) if isinstance(value, str) else value
        if isinstance(listed, list | tuple):
            return [folder_path(part) for part in listed if str(part).strip()]
    return absolute_path(value) if name in PATH_SETTINGS and isinstance(value, str | os.PathLike) else value


def folder_path(path: object) -> str:
    """The absolute path of a folder, also where it was written as a `file:` URI or with quotes or blanks around it."""
    written = str(path)
    if os.path.isdir(os.path.expanduser(written)):
        return absolute_path(written)  # whatever it looks like
    bare = written.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'`":
        bare = bare[1:-1].strip()
    if uri := _FOLDER_URI.match(bare):
        from urllib.parse import unquote  # only where there is one

        bare = unquote(bare[uri.end() :])
    return absolute_path(bare or written)


def absolute_path(path: object) -> str:
    """A path from the root of the file system; `~` is the person's home."""
    return os.path.abspath(os.path.expanduser(str(path)))


def default_library_path() -> str:
    """Where the library lies unless something else is said."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(base, "mcp-mmretrieval", "library")


def default_cache_path() -> str:
    """Where lies what can be made again, for all libraries of a person, unless something else is said."""
    usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(usual)
    return os.path.join(base, "mcp-mmretrieval")
