"""Prompts: what a person picks in an assistant instead of explaining how to search. Each names tools in their order.

MCP, Prompts: https://modelcontextprotocol.io/specification/draft/server/prompts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.prompts import Prompt
from mcp_types import INVALID_PARAMS
from pydantic import Field

_UNDER = Field(description="A folder or file to stay within; empty: everywhere.")
_CITE = (
    "Say after each statement where it stands, with the `citation` of the hit. If nothing in the files answers, say "
    "so, with what the notes of the search say, instead of answering from memory."
)


def prompts() -> Iterator[Prompt]:
    """All of them."""
    offered: tuple[tuple[str, str, Callable[..., str]], ...] = (
        ("find-and-cite", "Answer from my files, with citations", _find_and_cite),
        ("compare-charts", "Compare charts and tables in my files", _compare_charts),
        ("what-was-said", "Find what was said or shown in a recording", _what_was_said),
    )
    for name, title, ask in offered:
        yield Prompt.from_function(ask, name=name, title=title, description=ask.__doc__)


async def explain_wrong_request(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: who asks for a prompt that is none, or leaves out what it needs, hears which there are."""
    try:
        return await call_next(ctx)
    except ValueError as error:
        if ctx.method != "prompts/get":
            raise
        there = ", ".join(f"{one.name} (needs {one.arguments[0].name})" for one in prompts() if one.arguments)
        raise MCPError(INVALID_PARAMS, f"{error}. The prompts are: {there}.") from error


def _find_and_cite(
    question: Annotated[str, Field(description="What you want to know.")], under: Annotated[str, _UNDER] = ""
) -> str:
    """Searches your files, opens what it finds, and checks each quotation before it answers."""
    return "\n".join(
        [
            f"Answer this from my files: {question}",
            "",
            f"1. Ask {_search(under)}. Where its notes find nothing strong, ask again in other words.",
            "2. Open the hits that you rely on with open_media, and look at their pages and pictures.",
            "3. Before you quote words, check them: open_media with the `citation` and the words as `quote`.",
            f"4. Answer. {_CITE}",
        ]
    )


def _compare_charts(
    what: Annotated[str, Field(description="Which figures, of what.")], under: Annotated[str, _UNDER] = ""
) -> str:
    """Finds the charts and tables on something, reads the values off each picture, and sets them side by side."""
    return "\n".join(
        [
            f"Compare what the charts and tables in my files show of: {what}",
            "",
            f"1. Ask {_search(under)} for the charts, then for the tables, in pages and pictures too.",
            "2. Open each with open_media and read values, units, axes and the time that it covers off the picture. "
            "`region` shows a part closer.",
            "3. Set them side by side in a table, a row for each source. Say where scales or units differ, and which "
            "values you estimated from a drawing.",
            f"4. {_CITE}",
        ]
    )


def _what_was_said(
    about: Annotated[str, Field(description="What it was about, or words that you remember.")],
    recording: Annotated[str, Field(description="The file or folder, if you know it; empty: all.")] = "",
) -> str:
    """Finds the moments of recordings and films, with the seconds, the words, and what was shown then."""
    return "\n".join(
        [
            f"Find in my recordings and films what was said or shown about: {about}",
            "",
            f"1. Ask {_search(recording)} with `modality` audio, then video.",
            "2. Open the moments with open_media, and what comes just before and after where a sentence is cut off.",
            "3. Tell in order of time what was said, in the words of the transcript, and what was shown meanwhile. "
            "Transcripts are a machine's: mark what sounds misheard.",
            f"4. {_CITE} A citation of a recording holds its seconds.",
        ]
    )


def _search(under: str) -> str:
    return f"search_media with `under` {under!r}" if under.strip() else "search_media"
