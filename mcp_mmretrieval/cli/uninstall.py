"""`uninstall`: what of this program lies where and how large it is; with `--yes` what is only ours goes.

A person's files are never touched, nor the models in the Hub's cache, which other programs use too, nor a client's
configuration: of these it is said where they lie.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_OK, clients, log_to_stderr, read_settings, show
from mcp_mmretrieval.cli.added_folders import LOG_NAME
from mcp_mmretrieval.config.profiles import EMBEDDERS, RERANKERS
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import ENGINE_LOG_NAME, engine_kept_away
from mcp_mmretrieval.front.token import TOKEN_FILE_NAME
from mcp_mmretrieval.models.device.lost_gpu import LOSSES_FILE_NAME
from mcp_mmretrieval.models.download.fetch import cached_model_folder
from mcp_mmretrieval.store.lock import LOCK_FILE_NAME
from mcp_mmretrieval.store.recovery import CATALOG_NAME, INDEX_NAME

_OURS = (
    f"{Path(CATALOG_NAME).stem}.*", INDEX_NAME, f"{INDEX_NAME}[.-]*", f"{ENGINE_LOG_NAME}*", f"{LOSSES_FILE_NAME}*",
    LOG_NAME, LOCK_FILE_NAME, TOKEN_FILE_NAME,
)  # fmt: skip
"""Names in a library's folder that this program gives, as globs."""
_OURS_IN_CACHE = ("efficientnet-????????", "minilm*-????????", "whisper-base-????????", "sums")
"""Names in the cache of what is made of the built-in weights."""

CLIENT_FILES = (
    "~/Library/Application Support/Claude/claude_desktop_config.json",
    "~/.config/Claude/claude_desktop_config.json",
    "~/.claude.json",
    "~/.cursor/mcp.json",
    "~/.codex/config.toml",
    "~/.gemini/settings.json",
    "~/.lmstudio/mcp.json",
    "./.mcp.json",
    "./.cursor/mcp.json",
    "./.vscode/mcp.json",
)
"""Where clients keep their servers."""


@dataclass(frozen=True, slots=True)
class Lying:
    """Something of this program on the disk."""

    what: str
    path: str
    bytes: int
    ours: bool
    """Whether `--yes` removes it."""
    how: str = ""
    """How a person removes it, where this command does not."""


def uninstall_command(arguments: argparse.Namespace) -> int:
    """Say what lies where; with `--yes` end the engine and remove what is ours. Exit code 1 where something stays."""
    log_to_stderr()
    wanted = read_settings(arguments)
    found = [*_lying(wanted)]
    out = show.stdout_console()
    if arguments.json:
        show.print_json([asdict(one) for one in found])
    else:
        out.print(_table(found, removing=arguments.yes))
    if not arguments.yes:
        if not arguments.json and any(one.ours for one in found):
            show.tell("Nothing was removed. To remove the library and the cache: mcp-mmretrieval uninstall --yes")
        return EXIT_OK
    with engine_kept_away(endpoint_of(str(wanted.library))):
        stays = [*_remove(wanted.library, _in_library(wanted.library)), *_remove(wanted.cache, _in_cache(wanted.cache))]
    for path in stays:
        show.tell(f"{path}: stays, since it is not ours or cannot be removed.")
    return EXIT_FAILURE if stays else EXIT_OK


def _lying(wanted: Settings) -> Iterator[Lying]:
    if library := _in_library(wanted.library):
        yield Lying("library", str(wanted.library), _size(library), ours=True)
    if cache := _in_cache(wanted.cache):
        yield Lying("cache", str(wanted.cache), _size(cache), ours=True)
    for model in sorted({spec.model for specs in (EMBEDDERS, RERANKERS) for spec in specs.values()}):
        folder = cached_model_folder(model)
        if folder.is_dir():
            yield Lying("model", str(folder), _size([folder]), ours=False, how=f"rm -r '{folder}'")
    for name in CLIENT_FILES:
        file = Path(name).expanduser().absolute()
        with suppress(OSError):
            if clients.PACKAGE_NAME in (text := file.read_text(encoding="utf-8", errors="replace")):
                how = f"take {clients.SERVER_KEY} out of it" if clients.SERVER_KEY in text else "take it out there"
                yield Lying("configuration", str(file), file.stat().st_size, ours=False, how=how)
    how = f"pip uninstall {clients.PACKAGE_NAME}, or delete its environment"
    yield Lying("program", sys.prefix, 0, ours=False, how=how)


def _in_library(folder: Path) -> list[Path]:
    """What is ours in a library's folder; nothing where it holds no library."""
    if not (folder / CATALOG_NAME).is_file():
        return []
    return [path for path in sorted(folder.iterdir()) if _called(path, _OURS)]


def _in_cache(folder: Path) -> list[Path]:
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in there if _called(path, _OURS_IN_CACHE)]


def _called(path: Path, names: Sequence[str]) -> bool:
    return any(fnmatchcase(path.name, name) for name in names)


def _remove(folder: Path, paths: list[Path]) -> list[Path]:
    """Remove these, and the folder if nothing is left in it. What stays."""
    if not paths:
        return []
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # what stays is told
                path.unlink()
    with suppress(OSError):  # something else lies in it
        folder.rmdir()
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _size(paths: list[Path]) -> int:
    """Bytes of files, and of all in folders; links count nothing."""
    found = 0
    for path in paths:
        for one in (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,):
            with suppress(OSError):
                found += one.lstat().st_size if one.is_file() and not one.is_symlink() else 0
    return found


def _table(found: list[Lying], *, removing: bool) -> RenderableType:
    lines = []
    for one in found:
        size = f"  {show.format_bytes(one.bytes)}" if one.bytes else ""
        verb = "removed" if removing else "removed with --yes"
        lines.append(Text.assemble((one.what, "bold"), size, (f"  {verb if one.ours else 'stays'}", "dim")))
        lines.append(Text(f"  {one.path}", overflow="fold"))
        if one.how:
            lines.append(Text(f"  To remove it: {one.how}", style="dim", overflow="fold"))
    return Group(*lines)
