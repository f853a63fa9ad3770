"""Looks up what a question points at: which document is meant, and where in it the page or figure is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mcp_mmretrieval.searching.fusion import FusedHit
from mcp_mmretrieval.searching.naming import DocumentName, NameIndex
from mcp_mmretrieval.searching.pointing import pointed_places
from mcp_mmretrieval.searching.run import SearchRun
from mcp_mmretrieval.store import Catalog, HeldPlace
from mcp_mmretrieval.targets import ConnectionView
from mcp_mmretrieval.types import SHORT_ID_DIGITS

GUESSED_DOCUMENTS = 3
"""Documents that a question without a name may mean, at most."""
GUESS_SHARE = 0.5
"""What a pointed place counts for in a document that is only the likeliest one."""
GUESS_STEEPNESS = 2.0
"""How fast that falls with the evidence for the document's best hit."""
NAMED_EVIDENCE = 0.5
"""What the hits of a document count for that the question names."""


class PointedLookup:
    """Finds what questions point at, for one connection."""

    def __init__(self, catalog: Catalog, view: ConnectionView) -> None:
        self._catalog = catalog
        self._view = view
        self._index: tuple[object, NameIndex] | None = None
        """Of the names that the catalog gave last: it gives the same ones until something is committed."""

    def evidence(self, run: SearchRun, found: Sequence[FusedHit]) -> dict[int, float]:
        """What places count for because the question of `run` points at them, by key.

        `found` is what the lanes found, best first, and `run.held` its places. Where the question points and nobody
        says into which document, the notes of `run` name the likeliest.
        """
        pointers = run.query.pointers
        if not pointers.phrases:
            return {}
        names = self._catalog.names(run.scope)
        if len(names) == 1 or (len(names) <= GUESSED_DOCUMENTS and run.scope.filters.under):
            return self._places(run, dict.fromkeys(names, 1.0))
        if self._index is None or self._index[0] is not names:
            self._index = names, NameIndex({id: DocumentName(*name) for id, name in names.items()})
        named = self._index[1].named(run.query.text)
        if 0 < len(named) <= GUESSED_DOCUMENTS:
            evidence = {key: NAMED_EVIDENCE for key, held in run.held.items() if held.document in named}
            for key, value in self._places(run, dict.fromkeys(named, 1.0)).items():
                evidence[key] = NAMED_EVIDENCE + value
            return evidence
        likely = _likely(found, run.held)
        if note := self._note(run, {id: names[id] for id in likely if id in names}):
            run.notes.append(note)
        return self._places(run, likely)

    def _places(self, run: SearchRun, documents: Mapping[str, float]) -> dict[int, float]:
        """The places that are pointed at in documents, each by how likely it is meant."""
        evidence = {
            key: share * value
            for id, share in documents.items()
            for key, value in pointed_places(run.query.pointers, self._catalog.segments_of(id)).items()
        }
        visible = self._catalog.visible(evidence, run.scope)
        return {key: value for key, value in evidence.items() if key in visible}

    def _note(self, run: SearchRun, likely: Mapping[str, tuple[str, str]]) -> str:
        """Which documents may be meant, and how to ask again; empty where nothing is likely.

        `likely`: title and path by id. A text without a path is named by its id.
        """
        names = [
            (self._view.roots.citation(path) if path else id[:SHORT_ID_DIGITS], title)
            for id, (title, path) in likely.items()
        ]
        if not names:
            return ""
        listed = "; ".join(
            f"{name} ({json.dumps(title, ensure_ascii=False)})" if title else name for name, title in names
        )
        pointed = ", ".join(f"`{phrase}`" for phrase in run.query.pointers.phrases[:3])
        return (
            f"The question points into a document ({pointed}) and names none. Likeliest: {listed}. Ask again with "
            f'document="{names[0][0]}" (or another one): only there such a place can be looked up for certain.'
        )


def _likely(found: Sequence[FusedHit], held: Mapping[int, HeldPlace]) -> dict[str, float]:
    """The documents of the best hits and how likely each is meant, in [0, 1]."""
    best: dict[str, float] = {}
    for hit in found:
        if hit.key in held:
            best.setdefault(held[hit.key].document, hit.evidence)
        if len(best) == GUESSED_DOCUMENTS:
            break
    most = max(best.values(), default=1.0)
    return {id: GUESS_SHARE * (value / most) ** GUESS_STEEPNESS for id, value in best.items()}
