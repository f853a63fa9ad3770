"""Runs that are written down, so that their figures can be worked out by hand."""

from collections.abc import Sequence

from mcp_mmretrieval.answers import Match
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.bench.evaluation.runs import AskedQuestion, EvaluationRun, Ranking


def found(*ranked: str, match: Match | None = "strong", total: int = 10) -> Ranking:
    return Ranking(ranked=ranked, match=match if ranked else None, elapsed_ms={"words": 1, "total": total})


def asked(name: str, words: Ranking, every: Ranking, group: str = "") -> AskedQuestion:
    """A question that `right` answers best, and `also` a little."""
    question = JudgedQuestion(id=name, query=f"What is {name}?", group=group, grades={"right": 2, "also": 1})
    return AskedQuestion(set="made", question=question, found={"all": every, "words": words})


def run(questions: Sequence[AskedQuestion], absent: Sequence[Ranking] = ()) -> EvaluationRun:
    return EvaluationRun(
        version="1",
        settings={"profile": "builtin"},
        documents=3,
        segments=9,
        asked=tuple(questions),
        absent=tuple(absent),
    )


BEFORE = run(
    [
        asked("one", found("right", "also"), found("right", "also"), group="easy"),
        asked("two", found("other"), found("other", "right", match="weak", total=30), group="hard"),
        asked("three", found(), found("also", "other", "right", match="fair"), group="hard"),
    ],
    absent=[found("other", match="weak"), found("other", match="fair"), found()],
)
AFTER = run(
    [
        asked("one", found("right", "also"), found("right", "also"), group="easy"),
        asked("two", found("other"), found("right", "other"), group="hard"),
        asked("four", found(), found("right"), group="hard"),
    ]
)
