"""What the commands of the terminal and the page in a browser ask the library beside MCP, each by its name.

Each has one answer, as JSON; what comes from a person's files in it is sanitized.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval import __version__
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.front.reaching import JsonMessage
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.server.tools import results
from mcp_mmretrieval.server.tools.quote_check import checked_quote, quote_text
from mcp_mmretrieval.server.tools.sanitize import sanitize_name

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Outcome
    from mcp_mmretrieval.library import Library


@dataclass(frozen=True)
class EngineQuestion:
    """A question and what it is asked of."""

    library: Library
    """The whole of it, whatever roots who asks may see."""
    roots: tuple[Path, ...]
    """Of who asks."""
    hello: JsonMessage
    """What came, with the question's own fields."""
    handed: list[int]
    """Descriptors of open files that are to go along with the answer join these."""

    @property
    def within(self) -> Library:
        """The library as who asks may see it."""
        return self.library.within(Roots(self.roots))

    def text(self, name: str) -> str:
        """A field of the question."""
        return str(self.hello.get(name))


Answering = Callable[[EngineQuestion], JsonMessage]


def answer_of(name: str) -> Answering:
    """What answers a question of this name, in a thread; it may take a while, and raises RetrievalError.

    Raises RetrievalError where there is none.
    """
    if (answering := _QUESTIONS.get(name)) is None:
        raise RetrievalError(f"{name}: the engine (version {__version__}) does not know this question.")
    return answering


def _jobs(asked: EngineQuestion) -> JsonMessage:
    return _told(asked.library.jobs())


def _cancel(asked: EngineQuestion) -> JsonMessage:
    return _told([asked.library.cancel(asked.text("job"))])


def _told(outcomes: list[Outcome]) -> JsonMessage:
    return {"jobs": [results.plain_dict(results.add_result(outcome)) for outcome in outcomes]}


def _profile(asked: EngineQuestion) -> JsonMessage:
    chosen = asked.hello.get("name")
    return {"profile": asdict(asked.library.choose(str(chosen)) if chosen else asked.library.profile())}


def _restore(asked: EngineQuestion) -> JsonMessage:
    paths = asked.hello.get("paths")
    restored = asked.library.restore(list(map(str, paths))) if isinstance(paths, list) and paths else []
    return {"restored": list(map(asdict, restored)), "vanished": list(map(asdict, asked.library.vanished()))}


def _look(asked: EngineQuestion) -> JsonMessage:
    return {"look": dict(results.look_result(asked.within.look(asked.text("target"), content=False)))}


def _quote(asked: EngineQuestion) -> JsonMessage:
    result = checked_quote(asked.within, [asked.text("target")], asked.text("quote"))
    return {"quote": dict(result), "told": quote_text(result)}


def _recording(asked: EngineQuestion) -> JsonMessage:
    recording = asked.within.recording(asked.text("target"))
    asked.handed.append(recording.file.fd)
    return {"recording": {"media_type": recording.media_type, "bytes": recording.file.size}}


def _outside(asked: EngineQuestion) -> JsonMessage:
    files, folder = asked.within.outside()
    return {"outside": {"files": files, "under": sanitize_name(folder)}}


_QUESTIONS: dict[str, Answering] = {
    "jobs": _jobs,
    "cancel": _cancel,
    "profile": _profile,
    "restore": _restore,
    "look": _look,
    "quote": _quote,
    "recording": _recording,
    "outside": _outside,
}
