"""A library compared with itself and with the person's files: what is missing or damaged, and can be repaired."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.roots import changed_ns
from mcp_mmretrieval.store import Catalog, LibraryLock, Scope
from mcp_mmretrieval.store.catalog_file import RESTORE_COMMAND
from mcp_mmretrieval.store.index_check import discard_index, examine_index
from mcp_mmretrieval.store.recovery import CATALOG_NAME, INDEX_NAME, Recovery

BRING_BACK = f"Bring a backup back with {RESTORE_COMMAND}, or move the folder away and add the files again."

Part = Literal["catalog", "index", "files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found out."""

    part: Part
    text: str
    paths: tuple[str, ...] = ()
    """The files that it is about."""
    wrong: bool = False
    """Whether it should not be so, and still is."""


def check_library(folder: Path, *, repair: bool) -> list[Finding]:
    """Compare the catalog, the index and the files. An engine may run, but then the index is not looked at.

    `repair`: make anew what can be made from the rest; raises LibraryUnavailable where a process has the library open.
    Raises it too where there is no library.
    """
    path = folder / CATALOG_NAME
    if not folder.is_dir():
        raise LibraryUnavailable(f"{folder}: holds no library. Name the one to check with --library.")
    lock = _locked(folder, needed=repair)
    try:
        if not os.path.lexists(path):
            return [Finding(part="catalog", text=f"{path} is gone. {BRING_BACK}", wrong=True)]
        found = []
        if lock is not None:
            found = [Finding(part="catalog", text=text) for text in Recovery(folder).problems()]
        try:
            with closing(Catalog(path)) as catalog:
                return [*found, *_findings(folder, catalog, alone=lock is not None, repair=repair)]
        except LibraryUnavailable as error:
            return [*found, Finding(part="catalog", text=str(error), wrong=True)]
    finally:
        if lock is not None:
            lock.close()


def _locked(folder: Path, *, needed: bool) -> LibraryLock | None:
    """The library's lock; None where another process has it and it is not `needed`."""
    if needed:
        return LibraryLock(folder)
    with suppress(LibraryUnavailable):
        return LibraryLock(folder)
    return None


def _findings(folder: Path, catalog: Catalog, *, alone: bool, repair: bool) -> Iterator[Finding]:
    yield from _of_catalog(catalog, repair=repair)
    if alone:
        yield from _of_index(folder / INDEX_NAME, catalog, repair=repair)
    else:
        text = "not looked at, for a server has it open. `mcp-mmretrieval stop` ends that one."
        yield Finding(part="index", text=text)
    yield from _of_files(catalog)


def _of_catalog(catalog: Catalog, *, repair: bool) -> Iterator[Finding]:
    faults = catalog.check()
    if repair:
        if faults:
            yield from (Finding(part="catalog", text=text) for text in (*faults, *catalog.repair()))
            faults = catalog.check()
        if not faults and catalog.compact():
            yield Finding(part="catalog", text="it was written anew, without what had been removed")
        if again := catalog.embed_unfilled_again():
            yield Finding(part="catalog", text=f"{again:,} documents without vectors wait for them once more")
    yield from (Finding(part="catalog", text=text, wrong=True) for text in faults)
    if faults:
        advice = BRING_BACK if repair else "`mcp-mmretrieval check --repair` mends what it can."
        yield Finding(part="catalog", text=advice)
    else:
        counts = catalog.active_counts(Scope(None))
        yield Finding(part="catalog", text=f"{counts.documents:,} documents, {counts.segments:,} places: sound")
    if unfilled := catalog.unfilled():
        text = f"{unfilled:,} documents have no vectors, as where a model sees nothing in them"
        yield Finding(part="catalog", text=text)
    if pending := catalog.active_counts(Scope(None)).pending:
        yield Finding(part="catalog", text=f"{pending:,} documents wait for their vectors")


def _of_index(folder: Path, catalog: Catalog, *, repair: bool) -> Iterator[Finding]:
    try:
        found = examine_index(folder, catalog)
    except LibraryUnavailable as error:
        yield Finding(part="index", text=str(error), wrong=True)
        return
    if found.sound or not repair:
        yield Finding(part="index", text=found.text, wrong=not found.sound)
        return
    discard_index(folder, catalog)
    yield Finding(part="index", text=f"{found.text}. It was removed, and is made anew when the library is opened")


def _of_files(catalog: Catalog) -> Iterator[Finding]:
    gone, hidden, changed, same = list[str](), list[str](), list[str](), 0
    for file in catalog.files_under(os.sep):
        try:
            state = Path(file.path).stat()
        except (FileNotFoundError, NotADirectoryError):
            gone.append(file.path)
        except (OSError, ValueError):
            hidden.append(file.path)
        else:
            if (state.st_size, changed_ns(state)) == (file.size, file.mtime_ns):
                same += 1
            else:
                changed.append(file.path)
    yield Finding(part="files", text=f"{same:,} as they were added")
    if gone:
        text = "gone: bring them back, or remove them from the library"
        yield Finding(part="files", text=f"{len(gone):,} {text}", paths=tuple(gone), wrong=True)
    if hidden:
        text = "out of reach: check their permissions, or mount what they lie on"
        yield Finding(part="files", text=f"{len(hidden):,} {text}", paths=tuple(hidden), wrong=True)
    if changed:
        text = "changed since: `mcp-mmretrieval add` with their folder reads them again"
        yield Finding(part="files", text=f"{len(changed):,} {text}", paths=tuple(changed))
