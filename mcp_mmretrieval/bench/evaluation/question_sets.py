"""Where questions and their files lie: a set is a folder with both; a file alone asks the person's own library."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval.bench.evaluation.questions import QUESTION_FILE, JudgedQuestion, json_rows, read_questions
from mcp_mmretrieval.errors import BadArgument

OWN_FILES = "files"
"""The folder of a set with what is searched."""
BEIR_CORPUS = "corpus.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSet:
    """Questions with a name, and the files that they are asked of."""

    name: str
    questions: tuple[JudgedQuestion, ...]
    files: Path | None = None
    """None: the person's own library."""


def question_sets(paths: Sequence[Path], topics: Path | None, scratch: Path) -> list[QuestionSet]:
    """The sets that paths name: folders with files and questions, folders of such, BEIR's folders, question files.

    BEIR's texts are written into `scratch`, a file each. Raises BadArgument.
    """
    found = [one for path in paths for one in _sets(path, topics, scratch)]
    names = [one.name for one in found]
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise BadArgument(f"Two sets are called {double}. Rename one of the folders.")
    kinds = {one.files is None for one in found}
    if len(kinds) > 1:
        raise BadArgument("Name either folders with their own files, or files of questions to your library, not both.")
    return found


def _sets(path: Path, topics: Path | None, scratch: Path) -> Iterator[QuestionSet]:
    if not path.is_dir():
        yield QuestionSet(name=path.stem, questions=tuple(read_questions(path, topics)))
    elif (path / QUESTION_FILE).is_file():
        yield _set(path, scratch)
    else:
        inner = sorted(one.parent for one in path.glob(f"*/{QUESTION_FILE}"))
        if not inner:
            raise BadArgument(f"{path}: neither it nor a folder in it has a {QUESTION_FILE}. See eval --help.")
        yield from (_set(one, scratch) for one in inner)


def _set(folder: Path, scratch: Path) -> QuestionSet:
    if (folder / OWN_FILES).is_dir():
        questions = read_questions(folder / QUESTION_FILE)
        return QuestionSet(name=folder.name, questions=tuple(questions), files=(folder / OWN_FILES).resolve())
    if (folder / BEIR_CORPUS).is_file():
        return QuestionSet(
            name=folder.name, questions=tuple(read_questions(folder)), files=_written_corpus(folder, scratch)
        )
    raise BadArgument(f"{folder}: has neither {OWN_FILES}/ nor {BEIR_CORPUS}, so there is nothing to search.")


def _written_corpus(folder: Path, scratch: Path) -> Path:
    """BEIR's texts as files, named by their ids."""
    scratch.mkdir(parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(dir=scratch)) / folder.name
    target.mkdir()
    corpus = folder / BEIR_CORPUS
    for number, row in json_rows(corpus):
        if "_id" not in row or not isinstance(row.get("text"), str):
            raise BadArgument(f'{corpus}, line {number}: needs "_id" and "text", as BEIR has them.')
        name, text = str(row["_id"]), f"{row.get('title') or ''}\n\n{row['text']}".strip()
        if "/" in name or name in (".", ".."):
            raise BadArgument(f"{corpus}, line {number}: {name!r} can be no file's name.")
        try:
            with (target / f"{name}.txt").open("x", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except FileExistsError as error:
            raise BadArgument(f"{corpus}, line {number}: two texts have the id {name!r}. Give each its own.") from error
        except (ValueError, OSError) as error:
            raise BadArgument(f"{corpus}, line {number}: {name[:60]!r} can be no file's name: {error}.") from error
    return target.resolve()
