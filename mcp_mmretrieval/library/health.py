"""How a library fares: what it holds and lacks, what its models, index and jobs are at, and what is wrong."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mcp_mmretrieval import __version__
from mcp_mmretrieval.answers import Status
from mcp_mmretrieval.library.opened import OpenedLibrary
from mcp_mmretrieval.store import IndexStatus
from mcp_mmretrieval.targets import ConnectionView


def read_status(opened: OpenedLibrary, view: ConnectionView) -> Status:
    """The library's health, within the roots of one connection."""
    shared, roots = opened.shared, view.roots
    catalog, library = shared.catalog, shared.settings.library
    scope = view.scope()
    counts = catalog.active_counts(scope)
    index = shared.store.index.status()
    state, message = shared.rollout.state, shared.rollout.message
    problems = [
        *shared.store.recovery.problems(),
        opened.embedding.problem,
        shared.rollout.problem,
        "" if state == "loading" else message,
    ]
    if (alone := shared.models.alone) and not any(alone in problem for problem in problems):
        problems.append(alone)
    if index.state == "failed":
        problems.append(
            f"The vector index in {library} cannot be used ({index.note}). Searches compare with each vector instead, "
            "which takes longer in a large library. It is tried again; `mcp-mmretrieval check` says more."
        )
    if index.state == "away":
        problems.append(
            f"The server of the vector index is away: {index.note} Words answer, and vectors are compared one by one "
            "while they are few. It is asked again, at the latest after a minute; nothing is lost."
        )
    problems += [
        f"The allowed folder {folder} does not exist, so nothing in it can be read. Correct --root, or make it."
        for folder in roots.missing
    ]
    problems += opened.watcher.problems(roots)
    if not roots.folders:
        problems.append("No folder is allowed, so nothing can be read. Start the server with --root FOLDER.")
    return Status(
        version=__version__,
        library=str(library),
        roots=roots.folders,
        documents=catalog.modalities(scope),
        segments=counts.segments,
        bytes=_size(library),
        pending_vectors=counts.pending,
        unread_figures=catalog.count_unread_figures(scope),
        models={**shared.models.status_lines(), **shared.rollout.lines()},
        models_state=state,
        index=_index_line(index),
        sandbox=shared.workers.sandbox,
        watching=opened.watcher.told(roots),
        jobs=tuple(opened.jobs.latest(roots)),
        problems=tuple(dict.fromkeys(text for text in problems if text)),
    )


def _index_line(index: IndexStatus) -> str:
    """How far the index is, in words."""
    if index.state == "unneeded":
        return f"not needed: each of {index.total} vectors is compared"
    where, note = f" on {index.server}" * bool(index.server), f" ({index.note})" * bool(index.note)
    return f"{index.state}: {index.followed} of {index.total} vectors{where}{note}"


def _size(folder: Path) -> int:
    """Bytes of the files in the folder. Those that go away meanwhile, as SQLite's and the index's do, count nothing."""
    found = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found += Path(parent, name).lstat().st_size
    return found
