"""The Python API as most tests call it: add and wait, search and keep the citations."""

from pathlib import Path

from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.library import Library

PATIENCE = 60.0


def add(library: Library, *paths: str | Path, **options: object) -> Outcome:
    outcome = library.add([str(path) for path in paths], **options).wait(PATIENCE)  # type: ignore[arg-type]
    assert outcome.state == "done", outcome
    assert library.settle(PATIENCE)
    return outcome


def cited(library: Library, query: str = "", **options: object) -> list[str]:
    return [hit.citation for hit in library.search(query, **options).hits]  # type: ignore[arg-type]
