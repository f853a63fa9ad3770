"""`prove`: whether a profile's models are what their records say, on a machine that has their weights.

It loads the models itself, in this process, asks them for made things, and writes what it found to a file that can be
sent to those who keep the records. It sends nothing.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.bench.proof.proof import Proof
from mcp_mmretrieval.bench.proof.running import prove
from mcp_mmretrieval.bench.running import selected_profile, with_auto_resolved
from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_OK, log_to_stderr, read_settings, show
from mcp_mmretrieval.cli.download import fetch_models
from mcp_mmretrieval.config.profiles import PROFILES, ModelSpec
from mcp_mmretrieval.config.resolve import trusted_spec
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.hub_packages import require_hub_packages


def prove_command(arguments: argparse.Namespace) -> int:
    """Compare, and print. Exit code 0 where the profile is proven, 1 where something differs."""
    log_to_stderr()
    threads.set_thread_environment()
    given = read_settings(arguments)
    if arguments.name:
        given = given.model_copy(update={"profile": arguments.name})
    given = with_auto_resolved(given)
    profile = selected_profile(given)
    models: dict[str, ModelSpec | None] = {"embedder": profile.embedder, "reranker": profile.reranker}
    folders = dict(_folders(arguments, models))
    named = profile.name if profile.name in PROFILES else "own"
    written = Path(arguments.json or f"proof-{named}.json")
    if not written.absolute().parent.is_dir():
        raise BadArgument(f"--json {written}: its folder is not there. Make it, or name another file.")
    if profile.models:
        require_hub_packages(profile.name)
        fetch_models([trusted_spec(spec, given) for role, spec in models.items() if spec and role not in folders])
    proof = prove(profile, given, folders, on_step=lambda step: show.tell(f"{step} ..."))
    private = [*folders.values(), *(Path(spec.model) for spec in profile.models if spec.in_folder)]
    written.write_text(proof.as_json(private), encoding="utf-8")
    show.tell_written(str(written))
    out = show.stdout_console()
    out.print(Group(*_told(proof)))
    differences = [what for what, _ in proof.differences()]
    out.print(Text(f"differs: {', '.join(differences)}" if differences else "proven", style="bold"), soft_wrap=True)
    return EXIT_FAILURE if differences else EXIT_OK


def _folders(arguments: argparse.Namespace, models: dict[str, ModelSpec | None]) -> Iterator[tuple[str, Path]]:
    for role in models:
        if named := getattr(arguments, role):
            if models[role] is None:
                raise BadArgument(f"--{role} {named}: this profile has no {role} of its own. Leave the option out.")
            yield role, Path(named).expanduser().absolute()


def _told(proof: Proof) -> Iterator[RenderableType]:
    yield _facts(proof)
    if proof.found:
        yield ""
        yield _table(
            ("what finds what", "questions", "among", "nDCG@10", "by chance"),
            [
                (pair.pair, f"{pair.questions}", f"{pair.candidates}", f"{pair.ndcg:.2f}", f"{pair.chance:.2f}")
                for pair in proof.found
            ],
        )
    if proof.agreement:
        yield ""
        yield _table(
            ("beside the authors' call", "", "items", "worst", "median"),
            [(one.model, one.what, f"{one.items}", f"{one.worst:.4f}", f"{one.median:.4f}") for one in proof.agreement],
        )
    yield ""
    yield from show.render_notes(f"{what}: {told}" for what, told in proof.differences())


def _facts(proof: Proof) -> show.Facts:
    told = Counter("not told" if not fact.found else "differ" if fact.differs else "right" for fact in proof.facts)
    rows = show.Facts()
    rows.add_row("profile", proof.profile)
    rows.add_row("facts", f"{told['right']} right, {told['differ']} differ, {told['not told']} not told by the files")
    if proof.machine is not None:
        memory = f"{proof.memory_mb / 1e3:.1f} GB" + (f", on the card {proof.gpu_mb / 1e3:.1f} GB" * bool(proof.gpu_mb))
        rows.add_row("machine", f"{proof.machine.name}, {proof.machine.dtype}")
        rows.add_row("memory", memory)
        rows.add_row("a second", ", ".join(f"{kind} {rate:,.1f}" for kind, rate in proof.items_per_second.items()))
    return rows


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in head:
        made.add_column(name, justify="left" if name in ("", head[0]) else "right", no_wrap=True)
    for row in rows:
        made.add_row(*map(Text, row))
    return made
