"""What a proof found: each fact, each figure, and what of it differs from what should be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval import __version__
from mcp_mmretrieval.bench.proof.comparing import Agreement
from mcp_mmretrieval.bench.proof.facts import Fact
from mcp_mmretrieval.bench.proof.ranking import PairFigure

if TYPE_CHECKING:
    from mcp_mmretrieval.bench.report import MachineInfo


@dataclass(slots=True, kw_only=True)
class Proof:
    """All of it, as far as it came."""

    profile: str
    facts: list[Fact] = field(default_factory=list)
    found: list[PairFigure] = field(default_factory=list)
    agreement: list[Agreement] = field(default_factory=list)
    items_per_second: dict[str, float] = field(default_factory=dict)
    """By the kind of thing that is embedded, and for `question`."""
    identity: Mapping[str, Any] = field(default_factory=dict)
    """What the vectors of the embedder depend on."""
    reranker: str = ""
    loading_s: float = 0.0
    memory_mb: float = 0.0
    """That the process held at the worst."""
    gpu_mb: float = 0.0
    machine: MachineInfo | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    """What could not be looked at, and why."""

    def differences(self) -> Iterator[tuple[str, str]]:
        """What is not as it should be: what it is, and what was expected and found. None: the profile is proven."""
        for fact in self.facts:
            if fact.differs:
                yield f"{fact.model} {fact.what}", f"expected {fact.expected}, found {fact.found} ({fact.file})"
        for one in self.agreement:
            if not one.near:
                told = f"{one.worst:.4f} beside the authors' call at the worst, {one.needed:g} needed"
                yield f"{one.model} {one.what}", told
        for pair in self.found:
            if not pair.found:
                yield pair.pair, f"nDCG@10 {pair.ndcg:.2f}, which may be chance; more than {pair.needed:.2f} needed"
        yield from self.problems

    def as_json(self, private: Sequence[Path] = ()) -> str:
        """Plain values, with nothing of the person in them. `private`: folders whose names say who or where."""
        made = {
            "version": __version__,
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "differences": dict(self.differences()),
            **asdict(self),
        }
        written = json.dumps(made, ensure_ascii=False, indent=2, default=str)
        for folder in sorted({*private, Path.home()}, key=lambda place: -len(str(place))):
            if folder != folder.parent:
                written = written.replace(json.dumps(str(folder), ensure_ascii=False)[1:-1], "FOLDER")
        return written + "\n"
