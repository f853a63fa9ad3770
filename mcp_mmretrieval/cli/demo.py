"""`demo`: makes files of every kind, asks the real server for what is in them, and shows what it found."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import anyio
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_OK, clients, log_to_stderr, progress, show
from mcp_mmretrieval.cli.session import Session, stdio_session
from mcp_mmretrieval.demo_media import make_another_photograph, make_media
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.front.child import module_command

if TYPE_CHECKING:
    from mcp_mmretrieval.server.tools.results import AddResult, Found, StatusResult

DEMO_TOP_K = 3
"""The right answer has to stand among this many."""

SNAPSHOT_FILE = "snapshot.jpg"
"""The picture that one question asks with; it is not in the library."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the file that answers."""

    asked: str
    answer: str
    """How the right citation begins."""
    like: bool = False
    """Whether `asked` names a picture."""


QUESTIONS = (
    Question("Why were departures cancelled?", "annual-report.pdf#page=3"),
    Question("price of diesel during the year", "charts/diesel-price.png"),
    Question("what share of the cost of a crossing are harbour fees", "charts/cost-of-a-crossing.png"),
    Question("the gearbox was too hot", "engine-log.wav"),
    Question("how is the rescue boat lowered", "safety-drill.mp4"),
    Question("what is new on the café's menu", "crew-meeting.md"),
    Question("a lighthouse at sunset", "photos/lighthouse.jpg"),
    Question(SNAPSHOT_FILE, "photos/lighthouse.jpg", like=True),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to a question."""

    question: Question
    hits: list[Found]
    seconds: float
    refused: str = ""
    """Why there is no answer at all."""

    @property
    def rank(self) -> int | None:
        """Where the right answer stands, from 1; None where it is not among the first."""
        cited = [hit["citation"].startswith(self.question.answer) for hit in self.hits]
        return cited.index(True) + 1 if True in cited else None


def demo_command(arguments: argparse.Namespace) -> int:
    """Run it. Exit code 1 where an answer is missing: it is a self-test too."""
    log_to_stderr()
    out = show.stdout_console()
    with _place(arguments.folder) as folder:
        log = folder / "server.log"
        try:
            with log.open("w", encoding="utf-8") as stream:
                replies, picture = anyio.run(_run, folder, stream, out)
        except BaseException:
            _print_log(log)
            raise
    if picture:
        _keep(picture, _sheet(arguments), out)
    right = sum(reply.rank is not None for reply in replies)
    style = "bold green" if right == len(replies) else "bold red"
    out.print(
        Text(f"\n{right} of {len(replies)} questions found their answer among the first {DEMO_TOP_K}.", style=style)
    )
    _print_configuration(out)
    return EXIT_OK if right == len(replies) else EXIT_FAILURE


async def _run(folder: Path, log: TextIO, out: Console) -> tuple[list[Reply], bytes | None]:
    """The replies, and the best answers side by side as JPEG."""
    media, library = folder / "media", folder / "library"
    started = time.perf_counter()
    with show.spinner("Drawing, speaking and filming"):
        files = await anyio.to_thread.run_sync(_fresh_media, media)
    names = ", ".join(path.name for path in files)
    _step(out, started, f"Made the {len(files)} files of a small ferry company: {names}")
    server = module_command("mcp_mmretrieval", "serve", "--solo")
    async with stdio_session((*server, "--root", str(media), "--library", str(library)), log) as session:
        await _add(session, out, started)
        await anyio.to_thread.run_sync(make_another_photograph, media / SNAPSHOT_FILE)
        replies = [await _ask(session, question, media) for question in QUESTIONS]
        out.print(reply_table(replies))
        best = [reply.hits[0]["id"] for reply in replies if reply.hits]
        _, pictures = await session.look(list(dict.fromkeys(best))) if best else ("", [])
        return replies, next(iter(pictures), None)


def _fresh_media(media: Path) -> list[Path]:
    """Make the files; the picture to ask with is made later, so that it is not added."""
    (media / SNAPSHOT_FILE).unlink(missing_ok=True)
    make_media(media)
    return [path for path in sorted(media.rglob("*")) if path.is_file()]


async def _add(session: Session, out: Console, started: float) -> None:
    """Add the root, and wait for the models, so that the questions meet a library that is ready."""
    _step(out, started, "The server runs, as an assistant would start it, and reads them")
    with progress.progress_bar("Reading, listening, looking") as report:
        result = cast("AddResult", await session.add((), report))
    with progress.progress_bar("Embedding", "documents") as report:
        pending = await session.settled(report)
        models = await session.models_ready()
    out.print(show.render_add_result(result))
    if result["state"] == "done" and not result["failed"] and not pending and models == "ready":
        _step(out, started, "Everything is in the library")
        return
    out.print(show.render_status(cast("StatusResult", await session.call("status"))))
    out.print(
        Text("Not everything is in the library: run mcp-mmretrieval doctor. Asking all the same.", style="bold red")
    )


async def _ask(session: Session, question: Question, media: Path) -> Reply:
    words: dict[str, Any] = {"like": str(media / question.asked)} if question.like else {"query": question.asked}
    started = time.perf_counter()
    try:
        result = await session.call("search_media", limit=DEMO_TOP_K, **words)
    except RetrievalError as error:
        return Reply(question, [], time.perf_counter() - started, str(error))
    return Reply(question, result["hits"], time.perf_counter() - started)


def reply_table(replies: list[Reply]) -> Table:
    """Each question with its best answer, and the first words of it."""
    table = Table(box=None, padding=(1, 2, 0, 0), show_header=False)
    table.add_column(ratio=2)
    table.add_column(ratio=3, overflow="fold")
    table.add_column(justify="right", style="dim")
    for reply in replies:
        asked = f"a picture like {reply.question.asked}" if reply.question.like else f"“{reply.question.asked}”"
        table.add_row(Text(asked), Group(*_best(reply)), f"{reply.seconds * 1000:.0f} ms")
    return table


def _best(reply: Reply) -> Iterator[RenderableType]:
    """The best hit, what stands there, and the right answer where that is another."""
    if reply.hits:
        best = reply.hits[0]
        mark = ("✓ ", "green") if reply.rank == 1 else ("✗ ", "red")
        yield Text.assemble(mark, show.render_modality(best), "  ", show.render_citation(best))
        shown = _short(best.get("snippet", ""), 110) or f"no words in it; found by its {' and '.join(best['lanes'])}"
        yield _indented(Text(shown, style="dim"))
    if reply.refused:
        yield Text.assemble(("✗ ", "red"), reply.refused)
    if reply.rank is None:
        yield _indented(Text(f"expected {reply.question.answer}, not among the first {DEMO_TOP_K}", style="red"))
    elif reply.rank > 1:
        yield _indented(Text(f"expected {reply.question.answer}, which is number {reply.rank}", style="yellow"))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2))


def _short(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"


def _step(out: Console, started: float, text: str) -> None:
    line = Table.grid(padding=(0, 2))
    line.add_column(justify="right", width=6, style="dim")
    line.add_column()
    line.add_row(f"{time.perf_counter() - started:.1f} s", text)
    out.print(line)


def _print_configuration(out: Console) -> None:
    """The lines for an assistant, with the absolute path of this very installation."""
    mine = clients.this_installation().at(str(Path.home() / "Documents"))
    out.print(Text("\nTo let Claude Desktop use it, add this to claude_desktop_config.json:", style="bold"))
    out.print(clients.mcp_servers_json(mine), highlight=False, markup=False, soft_wrap=True, end="")
    out.print(Text("Claude Code:", style="bold"))
    out.print(clients.claude_command_line(mine), highlight=False, markup=False, soft_wrap=True)


def _print_log(log: Path) -> None:
    """The end of the server's log, for whoever has to find out what went wrong."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
    sys.stderr.write("".join(f"server: {line}\n" for line in lines))


@contextmanager
def _place(folder: str | None) -> Iterator[Path]:
    """The folder to work in: the given one, kept, or a temporary one."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as made:
            yield Path(made).resolve()
        return
    kept = Path(folder).expanduser().resolve()
    kept.mkdir(parents=True, exist_ok=True)
    yield kept


def _keep(picture: bytes, sheet: Path, out: Console) -> None:
    sheet.write_bytes(picture)
    out.print(
        Text.assemble("\nThe best answers side by side: ", (str(sheet), f"link {sheet.as_uri()}")), soft_wrap=True
    )


def _sheet(arguments: argparse.Namespace) -> Path:
    """Where the contact sheet goes: it outlives the temporary folder."""
    if arguments.sheet:
        return Path(arguments.sheet).expanduser().absolute()
    if arguments.folder:
        return Path(arguments.folder).expanduser().absolute() / "contact-sheet.jpg"
    handle, name = tempfile.mkstemp(prefix="mcp-mmretrieval-", suffix=".jpg")
    os.close(handle)
    return Path(name)
