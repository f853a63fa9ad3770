"""`eval`: how well the library answers, by questions with known answers; or how two measurements differ.

Questions are asked of a copy, so nothing of the person's library changes, and it may be in use meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mcp_mmretrieval.bench.evaluation.evaluate import (
    EvaluationPlan,
    Said,
    evaluated,
    library_copy,
    library_of_sets,
    setting_override,
)
from mcp_mmretrieval.bench.evaluation.known_items import known_items
from mcp_mmretrieval.bench.evaluation.markdown import put_between_marks, run_as_markdown
from mcp_mmretrieval.bench.evaluation.measures import require_measures
from mcp_mmretrieval.bench.evaluation.question_sets import QuestionSet, question_sets
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion, read_questions
from mcp_mmretrieval.bench.evaluation.runs import EvaluationRun, load_run, run_as_json, save_run
from mcp_mmretrieval.cli import EXIT_OK, bench_plot, eval_plot, eval_table, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.added_folders import with_roots
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument

OWN_SET = "known items"
"""The name of the set that is made from the person's library."""
_STDOUT = "-"


def eval_command(arguments: argparse.Namespace) -> int:
    """Measure, and print; or compare what was measured."""
    log_to_stderr()
    require_measures()
    _check(arguments)
    before = [load_run(Path(name)) for name in arguments.compare or ()]
    if len(before) == 2:
        _print_comparison(before[0], before[1])
        return EXIT_OK
    with tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as scratch, _progressing() as say:
        run, other = _measured(arguments, Path(scratch), say)
    _write(run, arguments)
    if other is not None:
        _print_comparison(run, other)
    for earlier in before:
        _print_comparison(earlier, run)
    return EXIT_OK


def _check(arguments: argparse.Namespace) -> None:
    """Raises BadArgument before anything is read, not after."""
    if arguments.compare and len(arguments.compare) > 2:
        raise BadArgument("--compare takes one saved run, to compare with what is measured now, or two.")
    if arguments.questions < 1:
        raise BadArgument(f"--questions {arguments.questions}: must be 1 at least.")
    if arguments.topics and len(arguments.paths) != 1:
        raise BadArgument("--topics says what one file of qrels asks: name that file.")
    if arguments.plot:
        bench_plot.check_plot_file(arguments.plot)
    for option in ("json", "plot", "save_questions"):
        named = getattr(arguments, option)
        if named and named != _STDOUT and not Path(named).absolute().parent.is_dir():
            raise BadArgument(f"--{option.replace('_', '-')} {named}: its folder is not there.")
    if arguments.markdown and not Path(arguments.markdown).is_file():
        raise BadArgument(f"--markdown {arguments.markdown}: there is no such file.")


def _measured(arguments: argparse.Namespace, scratch: Path, say: Said) -> tuple[EvaluationRun, EvaluationRun | None]:
    """What was found, and what was found with the other setting."""
    given = given_settings(arguments)
    sets = question_sets(list(map(Path, arguments.paths)), _path(arguments.topics), scratch / "corpora")
    absent = read_questions(Path(arguments.absent)) if arguments.absent else []
    if any(one.files for one in sets):
        settings = Settings.of({**given, "library": str(_work(arguments, Settings.of(given), scratch))})
        return _measured_sets(arguments, EvaluationPlan(sets=sets, absent=absent), settings, say)
    if arguments.work or arguments.versus:
        raise BadArgument(
            "--work and --versus are for sets with their own files: name a folder of questions and files."
        )
    settings = Settings.of(with_roots(given))
    say("Copying the library", 0, 0)
    with library_copy(settings, scratch) as library:
        if not sets:
            made = known_items(library, arguments.questions, arguments.seed)
            if not made:
                raise BadArgument("No question can be made of this library: it holds no text. Add documents first.")
            sets = [QuestionSet(name=OWN_SET, questions=tuple(made))]
        _save_questions(arguments, sets)
        plan = EvaluationPlan(sets=sets, every_lane=not arguments.quick, absent=absent)
        return evaluated(library, plan, say), None


def _measured_sets(
    arguments: argparse.Namespace, plan: EvaluationPlan, settings: Settings, say: Said
) -> tuple[EvaluationRun, EvaluationRun | None]:
    plan = replace(plan, every_lane=not arguments.quick)
    _save_questions(arguments, plan.sets)
    with library_of_sets(plan.sets, settings, say) as library:
        run = evaluated(library, plan, say)
    if not arguments.versus:
        return run, None
    changed = Settings.model_validate({**settings.model_dump(), **setting_override(arguments.versus)})
    with library_of_sets(plan.sets, changed, say) as library:
        return run, evaluated(library, plan, say)


def _work(arguments: argparse.Namespace, settings: Settings, scratch: Path) -> Path:
    """The folder of the library that the sets are read into: never the person's own."""
    if not arguments.work:
        return scratch / "sets"
    work = Path(arguments.work).expanduser().absolute()
    if os.path.realpath(work) == os.path.realpath(settings.library):
        raise BadArgument(f"--work {work}: this is your library, which eval never changes. Name another folder.")
    return work


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None


def _save_questions(arguments: argparse.Namespace, sets: Sequence[QuestionSet]) -> None:
    if arguments.save_questions:
        import json

        questions: list[JudgedQuestion] = [question for one in sets for question in one.questions]
        lines = [json.dumps(question.as_json(), ensure_ascii=False) for question in questions]
        Path(arguments.save_questions).write_text("\n".join(lines) + "\n", encoding="utf-8")
        show.tell_written(arguments.save_questions)


def _write(run: EvaluationRun, arguments: argparse.Namespace) -> None:
    """The tables on stdout, unless that is to have the JSON; and the files."""
    if arguments.json == _STDOUT:
        show.print_json(run_as_json(run))
    elif (out := show.stdout_console()).is_terminal:
        out.print(eval_table.run_tables(run))
    else:
        show.print_records(eval_table.run_records(run))
    if arguments.json and arguments.json != _STDOUT:
        save_run(run, Path(arguments.json))
        show.tell_written(arguments.json)
    if arguments.plot:
        eval_plot.write_eval_plot(run, Path(arguments.plot))
        show.tell_written(arguments.plot)
    if arguments.markdown:
        put_between_marks(Path(arguments.markdown), run_as_markdown(run))
        show.tell_written(arguments.markdown)


def _print_comparison(before: EvaluationRun, after: EvaluationRun) -> None:
    """As a terminal shows it; where a program reads, as records; that there are none is told on stderr."""
    if (out := show.stdout_console()).is_terminal:
        out.print(eval_table.comparison_table(before, after))
    else:
        records = list(eval_table.comparison_records(before, after))
        show.print_records(records)
        if not records:
            show.stderr_console().print(eval_table.comparison_table(before, after))


@contextmanager
def _progressing() -> Iterator[Said]:
    """Shows on stderr what is being done. Silent where stderr is no terminal."""
    out = show.stderr_console()
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn())
    with Progress(
        *columns, console=out, transient=True, disable=not show.has_bars(out) or not sys.stderr.isatty()
    ) as bar:
        line = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(line, description=what, completed=done, total=total or None)
