"""What a library found for each question, under each way of asking; saved as JSON, to be compared later."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from mcp_mmretrieval.answers import Match
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.errors import BadArgument

RUN_FORMAT = 1
"""Raised when a saved run of before can no longer be read."""
ALL_LANES_RUN = "all"
"""The way of asking that a person's search is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What one search found."""

    ranked: tuple[str, ...]
    """Files, or pages of them, each once, best first; as the question names what answers it."""
    match: Match | None = None
    """How far the first hit is to be trusted; None where there is no hit."""
    elapsed_ms: Mapping[str, int] = field(default_factory=dict)
    """By stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question of a set, and what each way of asking found."""

    set: str
    question: JudgedQuestion
    found: Mapping[str, Ranking]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRun:
    """All that was asked of one library."""

    version: str
    settings: Mapping[str, str]
    """What the answers depend on: the profile, the models."""
    documents: int
    segments: int
    asked: tuple[AskedQuestion, ...]
    absent: tuple[Ranking, ...] = ()
    """What was found for questions that nothing there answers."""

    @property
    def sets(self) -> list[str]:
        """The names of the sets, in order."""
        return list(dict.fromkeys(one.set for one in self.asked))

    def ways(self, name: str) -> list[str]:
        """The ways in which the questions of a set were asked, in order."""
        return list(dict.fromkeys(way for one in self.asked if one.set == name for way in one.found))


def run_as_json(run: EvaluationRun) -> dict[str, Any]:
    """The run as plain values."""
    asked = [
        {"set": one.set, **one.question.as_json(), "found": {way: asdict(found) for way, found in one.found.items()}}
        for one in run.asked
    ]
    return {
        "format": RUN_FORMAT,
        "version": run.version,
        "settings": dict(run.settings),
        "documents": run.documents,
        "segments": run.segments,
        "asked": asked,
        "absent": [asdict(found) for found in run.absent],
    }


def save_run(run: EvaluationRun, path: Path) -> None:
    """Write a run; the file is whole at any time."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        made.write_text(json.dumps(run_as_json(run), ensure_ascii=False) + "\n", encoding="utf-8")
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def load_run(path: Path) -> EvaluationRun:
    """A saved run. Raises BadArgument for what is none."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        if row["format"] != RUN_FORMAT:
            raise BadArgument(f"{path}: was saved by another version, which wrote it otherwise. Measure again.")
        return EvaluationRun(
            version=row["version"],
            settings=row["settings"],
            documents=row["documents"],
            segments=row["segments"],
            asked=tuple(map(_asked, row["asked"])),
            absent=tuple(map(_found, row["absent"])),
        )
    except OSError as error:
        raise BadArgument(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadArgument(f"{path}: is no run that eval --json saved.") from error


def _asked(row: Mapping[str, Any]) -> AskedQuestion:
    grades = {
        f"{one['file']}#page={one['page']}" if "page" in one else one["file"]: one["grade"] for one in row["relevant"]
    }
    question = JudgedQuestion(id=row["id"], query=row["query"], group=row["group"], grades=grades)
    return AskedQuestion(
        set=row["set"], question=question, found={way: _found(one) for way, one in row["found"].items()}
    )


def _found(row: Mapping[str, Any]) -> Ranking:
    match = row["match"]
    if match is not None and match not in get_args(Match):
        raise ValueError(match)
    return Ranking(ranked=tuple(row["ranked"]), match=match, elapsed_ms=row["elapsed_ms"])


def same_questions(
    one: EvaluationRun, other: EvaluationRun, name: str, way: str
) -> Sequence[tuple[Ranking, Ranking, JudgedQuestion]]:
    """What both runs found for the questions that both asked, of one set in one way."""
    theirs = {asked.question.id: asked for asked in other.asked if asked.set == name and way in asked.found}
    pairs = [
        (asked, theirs[asked.question.id])
        for asked in one.asked
        if asked.set == name and way in asked.found and asked.question.id in theirs
    ]
    return [(mine.found[way], its.found[way], mine.question) for mine, its in pairs if mine.question == its.question]
