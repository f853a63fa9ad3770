"""What the server answers, as a person reads it on a terminal, and as a program reads it from a pipe."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.types import MODALITY_TRAITS

if TYPE_CHECKING:
    from mcp_mmretrieval.server.tools.results import (
        AddResult,
        Found,
        Listed,
        ListResult,
        LookResult,
        RemoveResult,
        SearchResult,
        StatusResult,
    )
    from mcp_mmretrieval.types import Modality

UNWRAPPED_COLUMNS = 10_000
"""Wider than any path, so that whoever greps for one finds it in one piece."""
SHOWN_SNIPPET_CHARACTERS = 160
"""Characters of what matched that a terminal shows."""
MIN_COLUMNS_FOR_TABLE = 72
"""Columns of a terminal from which on facts stand beside their names, and not below."""

_WRITTEN_OUT = re.compile(r"%(?:2[0-246-9A-C]|3[ABD]|40|5B|5D|60|7[BD])", re.IGNORECASE)
"""Blanks and signs that a citation encodes and that may stand as they are: not `%`, `#`, `?`, and nothing unseen."""


def stdout_console() -> Console:
    """The console for the answer. Where no terminal but a program or a file takes it, its lines are not wrapped."""
    out = Console()
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = UNWRAPPED_COLUMNS
    return out


def stderr_console() -> Console:
    """The console for everything but the answer, which goes to stdout."""
    return Console(stderr=True)


def has_bars(out: Console) -> bool:
    """Whether something that moves can be drawn there."""
    return out.is_terminal and not out.is_dumb_terminal and sys.stderr.isatty()


def tell(line: str, out: Console | None = None) -> None:
    """Say something on stderr, in one line."""
    (out or stderr_console()).print(line, markup=False, highlight=False, soft_wrap=True)


def tell_written(file: str) -> None:
    """Say on stderr that a file was written."""
    tell(f"Wrote {file}")


def print_json(answer: object) -> None:
    """The answer as JSON on stdout; letters that the terminal's encoding lacks are escaped."""
    text = json.dumps(answer, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(answer, indent=2)
    sys.stdout.write(f"{text}\n")


def print_text(text: str) -> None:
    """A text on stdout, as it is."""
    sys.stdout.write(f"{text}\n")


def print_records(records: Iterable[Iterable[object]]) -> None:
    """A line each on stdout, with tabs between its fields: for `cut`, `awk` and `while read`."""
    for record in records:
        sys.stdout.write("\t".join(" ".join(str(field).split()) for field in record) + "\n")


def format_bytes(count: int) -> str:
    """Bytes, for a person."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """A spinner on stderr. Silent where stderr is no terminal."""
    out = stderr_console()
    if not has_bars(out):
        yield
        return
    with out.status(what):
        yield


def written_out(citation: str) -> str:
    """A citation as a person reads it, with its blanks and brackets. It names the same place."""
    path, mark, place = citation.rpartition("#")
    readable = _WRITTEN_OUT.sub(lambda found: chr(int(found[0][1:], 16)), path if mark else citation)
    return f"{readable}#{place}" if mark else readable


def cited_file(one: Mapping[str, Any]) -> str:
    """The whole path of what an answer names, with the place, as `open` takes it; of a text without a file its id."""
    place = str(one["id"]).partition("#")[2]
    if not one.get("path"):
        return str(one["id"])
    return f"{one['path']}#{place}" if place else str(one["path"])


def render_hits(result: SearchResult) -> RenderableType:
    """Hits, best first: where, what kind, how far to trust it, and the words that matched."""
    if not result["hits"]:
        return Group(Text("Nothing found.", style="bold"), *render_notes(result.get("notes", ())))
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for rank, hit in enumerate(result["hits"], 1):
        told = [f"{hit['match']} {hit['score']:.2f}", _date(hit)]
        if more := hit.get("more_in_document"):
            told.append(f"{more} more in it")
        if same := hit.get("duplicates"):
            told.append(f"the same in {hit['duplicates_at'][0]}{f' and {same - 1} more' if same > 1 else ''}")
        below = Text.assemble(render_modality(hit), (" · ".join(["", *filter(None, told)]), "dim"))
        table.add_row(str(rank), Group(render_citation(hit), below, *_words(hit)))
    return Group(table, *render_notes(result.get("notes", ())))


def hit_records(result: SearchResult) -> Iterator[tuple[object, ...]]:
    """A hit a record: file and place, kind, trust, score, date, words."""
    for hit in result["hits"]:
        yield cited_file(hit), hit["modality"], hit["match"], f"{hit['score']:.2f}", _date(hit), hit.get("snippet", "")


def render_modality(hit: Mapping[str, Any]) -> Text:
    """The modality of a hit or document, each in its own colour."""
    return Text(str(hit["modality"]), style=MODALITY_TRAITS[hit["modality"]].colour)


def render_citation(hit: Mapping[str, Any]) -> Text:
    """The citation, as a link to the file where the terminal knows links."""
    cited = Text(written_out(hit["citation"]), style="bold", overflow="fold")
    if hit.get("path"):
        cited.stylize(f"link file://{quote(str(hit['path']), errors='replace')}")
    return cited


def _date(one: Mapping[str, Any]) -> str:
    """The day of a hit or document: its own, or else its file's."""
    return str(one.get("dated") or one.get("modified") or "")[:10]


def _words(hit: Found) -> Iterator[Text]:
    if snippet := hit.get("snippet"):
        cut = snippet if len(snippet) <= SHOWN_SNIPPET_CHARACTERS else f"{snippet[: SHOWN_SNIPPET_CHARACTERS - 1]}…"
        yield Text(cut, style="dim")


def render_list(result: ListResult) -> RenderableType:
    """Documents: where, and below it what kind, how large, from when."""
    lines: list[RenderableType] = []
    for document in result["documents"]:
        lines.append(render_citation(document))
        extent = " · ".join(["", *filter(None, (_extent(document), _date(document), document.get("title", "")))])
        waits = "" if document["embedded"] else " · found by words only so far"
        lines.append(Padding(Text.assemble(render_modality(document), (f"{extent}{waits}", "dim")), (0, 0, 0, 2)))
    total = result["total"]
    shown = len(result["documents"])
    counted = _counted(total, "document") if shown == total else f"{shown:,} of {_counted(total, 'document')}"
    return Group(*lines, Text(f"{counted}.", style="bold"), *render_notes(result.get("notes", ())))


def list_records(result: ListResult) -> Iterator[tuple[object, ...]]:
    """A document a record: file, kind, extent, date, title."""
    for one in result["documents"]:
        yield cited_file(one), one["modality"], _extent(one), _date(one), one.get("title", "")


def _extent(document: Listed) -> str:
    if "pages" in document:
        return _counted(document["pages"], "page")
    if "seconds" in document:
        return f"{int(document['seconds']) // 60}:{int(document['seconds']) % 60:02}"
    return f"{max(1, round(document['bytes'] / 1000)):,} kB"


def render_look(look: LookResult) -> RenderableType:
    """The text of one place, below its path and citation."""
    table = Facts()
    table.add_row("file", Text(look.get("path", "a text without a file")))
    table.add_row("citation", render_citation(look))
    if title := look.get("title"):
        table.add_row("title", Text(title))
    table.add_row("kind", render_modality(look))
    if date := _date(look):
        table.add_row("date", date)
    text = Text(look["text"]) if look["text"] else Text("No text: --picture FILE writes what it looks like.", "dim")
    return Group(table, *render_notes(look.get("notes", ())), Text(""), text)


def render_removal(result: RemoveResult) -> RenderableType:
    """What was, or would be, taken out of the library."""
    verb = "Would take out" if result.get("dry_run") else "Took out"
    counts = f"{verb} {_counted(result['files'], 'file')} ({_counted(result['documents'], 'document')})."
    unknown = [] if result.get("notes") else [f"{name}: not in the library." for name in result.get("unknown", ())]
    kept = [Text("On disk they stay.", style="dim")] if result["files"] else []
    return Group(Text(counts, style="bold"), *kept, *render_notes([*result.get("notes", ()), *unknown]))


def render_add_result(result: AddResult) -> RenderableType:
    """How many files came in, what did not and why."""
    counts = [
        f"{result[name]} {name}"
        for name in ("added", "replaced", "moved", "unchanged")
        if result[name] or name == "added"
    ]
    if removed := result.get("removed"):
        counts.append(f"{removed} taken out, gone from their folder or ignored by now")
    failed = result.get("failed_in_all", len(result["failed"]))
    if failed:
        counts.append(f"{failed} failed")
    style = {"done": "bold green", "failed": "bold red"}.get(result["state"], "bold yellow")
    lines = [Text.assemble((result["state"].capitalize(), style), ": " + ", ".join(counts))]
    lines += [Text(f"  skipped {count}: {rule}", style="dim") for rule, count in result["skipped"].items()]
    lines += [_failure(one["path"], one["reason"]) for one in result["failed"]]
    if error := result.get("error"):
        lines.append(Text(error, style="red"))
    if pending := result["pending_vectors"]:
        lines.append(Text(f"{_counted(pending, 'document')} without vectors so far, found by words only.", style="dim"))
    return Group(*lines, *render_notes(result.get("notes", ())))


def _failure(path: str, reason: str) -> Text:
    """The reason mostly begins with the file's name; the folder is added where it does not."""
    line = reason if path.rpartition("/")[2] in reason else f"{path}: {reason}"
    return Text.assemble(("  ✗ ", "red"), line)


def render_status(result: StatusResult) -> RenderableType:
    """The library's health, a line each."""
    table = Facts()
    table.add_row("version", result.get("version", ""))
    table.add_row("library", Text(result.get("library", "")))
    folders = "\n".join(result.get("roots", ())) or "none added yet. Run: mcp-mmretrieval add FOLDER"
    table.add_row("folders", Text(folders))
    if outside := cast("Mapping[str, Any]", result).get("outside"):
        table.add_row("elsewhere", outside_line(outside))
    held = [
        f"{count} {traits.plural if count > 1 else traits.noun}"
        for modality, count in result.get("documents", {}).items()
        if count and (traits := MODALITY_TRAITS[cast("Modality", modality)])
    ]
    table.add_row("documents", ", ".join(held) or "none yet")
    table.add_row("places", f"{result.get('segments', 0):,}")
    table.add_row("size", format_bytes(result.get("bytes", 0)))
    if pending := result.get("pending_vectors"):
        table.add_row("without vectors", f"{_counted(pending, 'document')}, found by words only so far")
    if unread := result.get("unread_figures"):
        table.add_row("to be read", f"the pictures of {_counted(unread, 'page')}, once nothing else is to be done")
    table.add_row("models", result.get("models_state", ""))
    for part, line in result.get("models", {}).items():
        table.add_row(f"  {part}", Text(line))
    table.add_row("index", Text(result.get("index", "")))
    table.add_row("parsers", Text(result.get("sandbox", "")))
    table.add_row("engine", Text(result.get("engine", "")))
    for job in result["jobs"]:
        table.add_row(f"job {job['job']}", render_add_result(cast("AddResult", job)))
    problems = [Text.assemble(("✗ ", "red"), problem) for problem in result.get("problems", ())]
    return Group(table, *problems)


def outside_line(outside: Mapping[str, Any]) -> Text:
    """How many files of the library lie outside of what is seen, and how they are seen."""
    files = f"{_counted(outside['files'], 'file')} of this library lie{'s' if outside['files'] == 1 else ''} elsewhere"
    return Text(f"{files}. To see them: --root {shlex.quote(str(outside['under']))}")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


class Facts:
    """Names, and beside each what is the case; below it on a narrow terminal, where a path needs the whole line."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, RenderableType]] = []

    def add_row(self, name: str, fact: RenderableType) -> None:
        """One more fact."""
        self._rows.append((name, Text(fact) if isinstance(fact, str) else fact))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < MIN_COLUMNS_FOR_TABLE:
            for name, fact in self._rows:
                yield Text(name.strip(), style="dim")
                yield Padding(fact, (0, 0, 0, 2))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        yield table


def render_notes(texts: Iterable[str]) -> Iterator[Text]:
    """What else to know, a line each."""
    for text in texts:
        yield Text(f"• {text}", style="yellow")
