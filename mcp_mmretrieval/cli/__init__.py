"""The command `mcp-mmretrieval`. Starting `serve` imports nothing heavy: each command imports what it needs."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from mcp_mmretrieval import __version__
from mcp_mmretrieval.errors import BadArgument, RetrievalError
from mcp_mmretrieval.front import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_mmretrieval.config.settings import Settings

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
"""Exit codes. EXIT_USAGE: an option or a setting makes no sense."""

_EPILOG = """\
Without a command it serves. Settings come from the options, then from MMRETRIEVAL_* in the environment, then from the
file that --config names. Exit codes: 0 done, 1 failed, 2 misused, 130 interrupted."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # letters that the terminal does not know
    return run_command(command_parser().parse_args(with_default_command(list(sys.argv[1:] if argv is None else argv))))


def run_command(arguments: argparse.Namespace) -> int:
    """Do what a parsed command line says; returns the exit code."""
    module, _, function = arguments.run.partition(":")
    return exit_code_of(lambda: getattr(importlib.import_module(f"{__name__}.{module}"), function)(arguments))


def exit_code_of(command: Callable[[], int]) -> int:
    """The command's exit code; an error of ours, or of the system, becomes one line on stderr and the code for it."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        return EXIT_INTERRUPTED
    except (RetrievalError, ExceptionGroup) as error:
        ours = first_of_ours(error)
        if ours is None:
            raise
        _tell(str(ours))
        return EXIT_USAGE if isinstance(ours, BadArgument) else EXIT_FAILURE
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # else whoever reads the answer has seen enough
            where = f"{error.filename}: " if error.filename else ""
            _tell(f"{where}{error.strerror or error}")
        _end_output()
        return EXIT_FAILURE


def _tell(error: str) -> None:
    """Say what went wrong, in a person's words; nothing of a name in it reaches the terminal unseen."""
    from mcp_mmretrieval.cli.wording import for_person
    from mcp_mmretrieval.server.tools.sanitize import sanitize_text

    line = f"mcp-mmretrieval: {sanitize_text(for_person(error))}"
    if sys.stderr.isatty():  # else whoever greps finds it in one line
        import shutil
        import textwrap

        width = shutil.get_terminal_size().columns
        line = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    sys.stderr.write(f"{line}\n")


def _end_output() -> None:
    """Write what still waits for stdout, or drop it where it cannot be: the end of the process would try again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_settings(arguments: argparse.Namespace) -> Settings:
    """The settings that the options ask for, over those of the environment and the file. Raises BadArgument."""
    from mcp_mmretrieval.config.settings import Settings

    return Settings.read(**options.option_values(arguments))


def given_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings as they were given, for an engine. Raises BadArgument for those that make no sense."""
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.config.sources import settings_from_sources

    given = settings_from_sources(options.option_values(arguments))
    Settings.of(given)
    return given


def log_to_stderr() -> None:
    """Log errors alone: the command itself says what the person should know."""
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")


def with_default_command(argv: list[str]) -> list[str]:
    """The arguments with `serve` in front where they name no command."""
    return ["serve", *argv] if options.is_serve_command(argv) and argv[:1] != ["serve"] else argv


def first_of_ours(error: BaseException) -> RetrievalError | None:
    """The deliberate error in a group: the SDK's task groups wrap what goes through them."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(first_of_ours, error.exceptions)), None)
    return error if isinstance(error, RetrievalError) else None


def command_parser() -> argparse.ArgumentParser:
    """The options of every command."""
    whole = argparse.ArgumentParser(
        prog="mcp-mmretrieval",
        description="Finds the PDF page, chart, photo, stretch of sound or film, or passage that answers.",
        epilog=_EPILOG,
    )
    whole.add_argument("--version", action="version", version=f"mcp-mmretrieval {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    common = _common()

    def command(name: str, run: str, summary: str) -> argparse.ArgumentParser:
        description = summary[0].upper() + summary[1:] + "."
        made = commands.add_parser(name, help=summary, description=description, parents=[common])
        made.set_defaults(run=run)
        return made

    options.add_serve_options(command("serve", "serving:serve_command", options.SERVE_SUMMARY))
    _demo(command("demo", "demo:demo_command", "make a few files of every kind, search them, and show what was found"))
    _add(command("add", "add:add_command", "add files and folders to the library, and wait until they can be searched"))
    _search(command("search", "asking:search_command", "search what was added"))
    _list(command("list", "asking:list_command", "list what was added"))
    _open(command("open", "asking:open_command", "show the text at one place, or write what it looks like"))
    _browse(command("browse", "browse:browse_command", "search and look in your browser, by a page on this machine"))
    _remove(command("remove", "asking:remove_command", "take files out of the library; on disk they stay"))
    _json(command("status", "asking:status_command", "what the library holds and how it is"))
    _jobs(command("jobs", "jobs:jobs_command", "what is being added, and was; or end a job"))
    restore = command(
        "restore",
        "restore:restore_command",
        "what vanished from its folder in the last 30 days; or let it be found again",
    )
    restore.add_argument(
        "paths", nargs="*", metavar="PATH", help="a file or folder that vanished; without any: list all"
    )
    _json(restore)
    command("stop", "jobs:stop_command", "end the engine of the library; jobs go on when it is started again")
    _profile(command("profile", "profile:profile_command", "which models serve the library; or choose others"))
    _download(
        command("download", "download:download_command", "fetch the models of a profile, going on where it was cut off")
    )
    _bench(
        command(
            "bench", "bench:bench_command", "measure how fast the models are on this machine, and what each cap costs"
        )
    )
    _prove(command("prove", "prove:prove_command", "compare a profile's models with their records and their authors"))
    _eval(command("eval", "eval:eval_command", "measure how well the library answers, by questions with known answers"))
    _backup(
        command("backup", "backup:backup_command", "copy the library's catalog while it is in use; or put one back")
    )
    _check(command("check", "check:check_command", "compare catalog, index and files; repair what can be made anew"))
    completion = command(
        "completion", "completion:completion_command", "print what completes commands in bash, zsh or fish"
    )
    completion.add_argument("shell", choices=["bash", "zsh", "fish"], help="such as: completion fish | source")
    _uninstall(command("uninstall", "uninstall:uninstall_command", "say what lies where, and remove what is ours"))
    _json(command("doctor", "doctor:doctor_command", "check that everything needed is there and works"))
    return whole


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    options.add_library_options(common)
    return common


def _add(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "paths", nargs="*", metavar="PATH", help="a file or folder, which later commands see; without any: the roots"
    )
    add.add_argument("--ray", metavar="HOST:PORT", help="have the files read by the nodes of this Ray cluster")
    _json(add)


def _list(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("folder", nargs="?", metavar="PATH", help="only in this folder or file")
    _filters(listing)
    listing.add_argument("--order", choices=["path", "date"], default="path", help="by path, or the newest first")
    listing.add_argument("--limit", type=int, metavar="N", help="documents at most; all unless told")
    _json(listing)


def _open(opening: argparse.ArgumentParser) -> None:
    opening.add_argument("target", metavar="WHERE", help="a path, a citation such as report.pdf#page=7, or a hit's id")
    showing = opening.add_mutually_exclusive_group()
    showing.add_argument("--picture", metavar="FILE", help="also write what it looks like, as JPEG")
    showing.add_argument("--quote", metavar="WORDS", help="only tell whether these words stand there; 1 where not")
    _json(opening)


def _browse(browsing: argparse.ArgumentParser) -> None:
    browsing.add_argument("--port", type=int, default=0, metavar="N", help="of 127.0.0.1; a free one unless told")
    browsing.add_argument("--no-open", action="store_true", help="only print the address, which is good for one tab")
    browsing.add_argument(
        "--stay", action="store_true", help="go on until Ctrl-C, also when no tab has been open for long"
    )


def _remove(remove: argparse.ArgumentParser) -> None:
    remove.add_argument("targets", nargs="+", metavar="PATH", help="a file, a folder, an id or a citation")
    remove.add_argument("--dry-run", action="store_true", help="only say what would be taken out")
    _json(remove)


def _uninstall(uninstall: argparse.ArgumentParser) -> None:
    uninstall.add_argument("--yes", action="store_true", help="remove the library and what was made for it")
    _json(uninstall)


def _filters(command: argparse.ArgumentParser) -> None:
    from typing import get_args

    from mcp_mmretrieval.types import Modality

    command.add_argument(
        "--kind", "--modality", action="append", dest="modality", choices=get_args(Modality), metavar="KIND",
        help=f"only these: {', '.join(get_args(Modality))}; repeatable",
    )  # fmt: skip
    command.add_argument("--under", metavar="PATH", help="only in this folder or file")
    command.add_argument("--after", metavar="DATE", help="only from then on: 2026-03-02, 2026-03, last month")
    command.add_argument("--before", metavar="DATE", help="only earlier than that")


def _search(search: argparse.ArgumentParser) -> None:
    search.add_argument("words", nargs="*", metavar="WORDS", help="what to look for")
    search.add_argument(
        "--like", action="append", metavar="X",
        help="a file, a hit's id or a citation: what looks or sounds like it; repeatable, for what is like all of them",
    )  # fmt: skip
    search.add_argument(
        "--avoid", "--not", action="append", metavar="X",
        help="such an example, or words: what to stay away from; repeatable",
    )  # fmt: skip
    _filters(search)
    search.add_argument(
        "--document",
        metavar="X",
        help="only in this document: a path, an id or a citation; with #t=60,120 in these seconds of it",
    )
    search.add_argument("--limit", type=int, metavar="N", help="hits at most; 8 unless told")
    search.add_argument("--open", metavar="FILE", help="write what the best hit looks like, as JPEG")
    search.add_argument("--sheet", metavar="FILE", help="write the hits side by side, as JPEG")
    _json(search)


def _demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--folder", metavar="DIR", help="keep files and library here instead of in a temporary folder")
    demo.add_argument("--sheet", metavar="FILE", help="write the contact sheet here")


def _backup(backup: argparse.ArgumentParser) -> None:
    backup.add_argument("target", nargs="?", metavar="FILE", help="the file to make; nothing is replaced")
    backup.add_argument(
        "--restore", metavar="FILE",
        help="put this backup in the catalog's place, which is kept under another name; the engine ends first",
    )  # fmt: skip


def _check(check: argparse.ArgumentParser) -> None:
    check.add_argument("--repair", action="store_true", help="repair what can be, without the engine meanwhile")
    _json(check)


def _profile(profile: argparse.ArgumentParser) -> None:
    profile.add_argument("name", nargs="?", metavar="NAME", help="a profile, a folder, owner/name@commit, or auto")
    _json(profile)


def _download(download: argparse.ArgumentParser) -> None:
    download.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a profile, a model or owner/name@commit; without: what the settings name",
    )
    download.add_argument("--dry-run", action="store_true", help="only show what would be fetched")


def _jobs(jobs: argparse.ArgumentParser) -> None:
    jobs.add_argument("action", nargs="?", choices=["list", "cancel"], default="list", help="list them, or cancel one")
    jobs.add_argument("job", nargs="?", metavar="ID", help="which job to cancel")
    _json(jobs)


def _bench(bench: argparse.ArgumentParser) -> None:
    effort = bench.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="everything at its cap only, and for a moment")
    effort.add_argument("--full", action="store_true", help="more sizes, and for longer")
    bench.add_argument("--seconds", type=float, metavar="N", help="measure each row for about so long")
    bench.add_argument("--json", nargs="?", const="-", metavar="FILE", help="write JSON there, or plain JSON on stdout")
    bench.add_argument(
        "--random-weights", nargs="?", const="", metavar="NAME",
        help="time untrained models of the same size: the profile's, those of another, or one architecture",
    )  # fmt: skip
    bench.add_argument("--plot", metavar="FILE", help="draw it, as .svg or .png")


def _prove(prove: argparse.ArgumentParser) -> None:
    prove.add_argument("name", nargs="?", metavar="PROFILE", help="as a setting names it; without: what they name")
    for role in ("embedder", "reranker"):
        prove.add_argument(f"--{role}", metavar="DIR", help=f"where its {role} lies, instead of fetching it")
    prove.add_argument("--json", metavar="FILE", help="write what was found there, not to proof-PROFILE.json")


_EVAL_EPILOG = """\
PATH is a folder with queries.jsonl and files/, a folder of such folders, a
folder of BEIR (queries.jsonl, qrels/, corpus.jsonl), or a file of questions to
your own library. Without PATH, questions are made from your library itself.

A line of a question file:
  {"id": "1", "query": "pump failures in August", "group": "reports",
   "relevant": [{"file": "report.pdf", "page": 7, "grade": 1}]}
With an empty "relevant" nothing in the library answers it.

examples:
  mcp-mmretrieval eval                        your library, known items
  mcp-mmretrieval eval my.jsonl --json a.json your questions, saved
  mcp-mmretrieval eval --compare a.json b.json
  mcp-mmretrieval eval DATA --work /tmp/sets --quick
Your library is copied first, and never changed; it may be in use."""


def _eval(evaluating: argparse.ArgumentParser) -> None:
    evaluating.formatter_class = argparse.RawDescriptionHelpFormatter
    evaluating.epilog = _EVAL_EPILOG
    evaluating.add_argument("paths", nargs="*", metavar="PATH", help="questions, see below; without: made here")
    evaluating.add_argument("--topics", metavar="FILE", help="PATH is TREC's qrels: id, tab and words of each question")
    evaluating.add_argument(
        "--questions", type=int, default=200, metavar="N", help="how many are made; 200 unless told"
    )
    evaluating.add_argument("--seed", type=int, default=0, metavar="N", help="make others of them")
    evaluating.add_argument(
        "--absent", metavar="FILE", help="questions that nothing answers, to see what match is worth"
    )
    evaluating.add_argument("--save-questions", metavar="FILE", help="write the questions, for another time or library")
    evaluating.add_argument(
        "--quick", action="store_true", help="only as a search is, not each lane alone and left out"
    )
    evaluating.add_argument("--work", metavar="DIR", help="keep the library of the sets here, for the next time")
    evaluating.add_argument("--versus", metavar="SETTING=VALUE", help="measure sets again so, and compare")
    evaluating.add_argument(
        "--compare", nargs="+", metavar="RUN", help="compare two saved runs, or one with what is measured now"
    )
    evaluating.add_argument("--json", nargs="?", const="-", metavar="FILE", help="save the run, or print it as JSON")
    evaluating.add_argument("--plot", metavar="FILE", help="draw it, as .svg or .png")
    evaluating.add_argument("--markdown", metavar="FILE", help="put the tables between the marks of this document")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="plain JSON on stdout")
