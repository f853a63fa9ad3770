"""Questions with known answers, and files of them: our own lines of JSON, BEIR's folders, TREC's qrels.

Ours has one question a line: `{"id", "query", "group", "relevant": [{"file", "page"?, "grade"?}]}`. With an empty
`relevant` nothing answers it. A file is named as it lies below the folder that was added, or by its name alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_mmretrieval.errors import BadArgument

QUESTION_FILE = "queries.jsonl"
ALL_QUESTIONS = "all"
"""The group of every question; no question may name it as its own."""
MAX_LINE_SHOWN = 60
"""Characters of a line that an error repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuestion:
    """What is asked, and what answers it."""

    id: str
    query: str
    group: str = ""
    grades: Mapping[str, int]
    """How well each answer does, from 1; by file or page: `report.pdf#page=7`. Empty: nothing answers."""

    @property
    def paged(self) -> bool:
        """Whether it asks for a page."""
        return any("#page=" in target for target in self.grades)

    @property
    def documents(self) -> frozenset[str]:
        """The files that answer it."""
        return frozenset(target.partition("#page=")[0] for target in self.grades)

    def as_json(self) -> dict[str, Any]:
        """The line of a file that `read_questions` reads."""
        relevant = []
        for target, grade in self.grades.items():
            file, _, page = target.partition("#page=")
            relevant.append({"file": file, **({"page": int(page)} if page else {}), "grade": grade})
        return {"id": self.id, "query": self.query, "group": self.group, "relevant": relevant}


def read_questions(path: Path, topics: Path | None = None) -> list[JudgedQuestion]:
    """The questions of a file. Raises BadArgument, which names file and line.

    `topics`: what TREC's qrels in `path` are asked by, a number, a tab and the words a line.
    """
    if topics is not None:
        return _with_qrels(path, dict(_topics(topics)), _trec(path))
    if path.is_dir():
        return _beir(path)
    found = [_question(path, number, row) for number, row in json_rows(path)]
    ids = set[str]()
    for question in found:
        if question.id in ids:
            raise BadArgument(f"{path}: two questions have the id {question.id}. Give each its own.")
        ids.add(question.id)
    if not found:
        raise BadArgument(f"{path}: there is no question in it.")
    return found


def _question(path: Path, number: int, row: Mapping[str, Any]) -> JudgedQuestion:
    where = f"{path}, line {number}"
    query, group, relevant = row.get("query"), row.get("group", ""), row.get("relevant", [])
    if not isinstance(query, str) or not query.strip():
        raise BadArgument(f"{where}: `query` has no words. Write what is asked.")
    if not isinstance(group, str) or group == ALL_QUESTIONS:
        raise BadArgument(f"{where}: `group` must be a name other than {ALL_QUESTIONS!r}.")
    if not isinstance(relevant, list):
        raise BadArgument(f'{where}: `relevant` must be a list, such as [{{"file": "report.pdf", "page": 7}}].')
    grades = dict(_grade(where, item) for item in relevant)
    return JudgedQuestion(id=str(row.get("id", number)), query=query, group=group, grades=grades)


def _grade(where: str, item: object) -> tuple[str, int]:
    if not isinstance(item, dict) or not isinstance(item.get("file"), str) or not item["file"]:
        raise BadArgument(f'{where}: each of `relevant` needs a "file", such as {{"file": "report.pdf", "page": 7}}.')
    page, grade = item.get("page"), item.get("grade", 1)
    if page is not None and (type(page) is not int or page < 1):  # true is an int to Python
        raise BadArgument(f"{where}: `page` must be a whole number from 1.")
    if type(grade) is not int or grade < 1:
        raise BadArgument(f"{where}: `grade` must be a whole number from 1; leave out what does not answer.")
    return (f"{item['file']}#page={page}" if page else item["file"]), grade


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, from 1."""
    try:
        with path.open(encoding="utf-8-sig") as file:  # editors on Windows write the mark in front
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\n")
    except OSError as error:
        raise BadArgument(f"{path}: cannot be read: {error.strerror}. Name a file of questions.") from error
    except UnicodeDecodeError as error:
        raise BadArgument(f"{path}: is not UTF-8 text. Save it as UTF-8.") from error


def json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of a file of JSON lines, each with the number of its line. Raises BadArgument, which names it."""
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            json.dumps(row, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError) as error:
            shown = line[:MAX_LINE_SHOWN]
            raise BadArgument(f"{path}, line {number}: is no JSON: {shown!r}. Write one object a line.") from error
        if not isinstance(row, dict):
            raise BadArgument(f"{path}, line {number}: must be an object, in braces.")
        yield number, row


# -- BEIR and TREC ----------------------------------------------------------------------------------------------------

Judgements = dict[str, dict[str, int]]
"""Grades by question and document."""


def _beir(folder: Path) -> list[JudgedQuestion]:
    """A folder of BEIR: `queries.jsonl` with `_id` and `text`, and `qrels/` with tables of judgements."""
    asked = {}
    for number, row in json_rows(folder / QUESTION_FILE):
        if not isinstance(row.get("text"), str) or "_id" not in row:
            raise BadArgument(f'{folder / QUESTION_FILE}, line {number}: needs "_id" and "text", as BEIR has them.')
        asked[str(row["_id"])] = str(row["text"])
    tables = sorted((folder / "qrels").glob("*.tsv"))
    table = next((one for one in tables if one.stem == "test"), next(iter(tables), None))
    if table is None:
        raise BadArgument(f"{folder}: has no qrels/test.tsv, which says what answers each question.")
    return _with_qrels(table, asked, _beir_judgements(table))


def _beir_judgements(path: Path) -> Judgements:
    judged: Judgements = defaultdict(dict)
    for number, line in _lines(path):
        cells = line.split("\t")
        if number == 1 and cells[:1] == ["query-id"]:
            continue
        if len(cells) != 3:
            raise BadArgument(f"{path}, line {number}: needs three fields: query, document, score.")
        judged[cells[0]][cells[1]] = _whole_number(path, number, cells[2])
    return judged


def _trec(path: Path) -> Judgements:
    """Judgements as trec_eval reads them: query, iteration, document, grade."""
    judged: Judgements = defaultdict(dict)
    for number, line in _lines(path):
        cells = line.split()
        if len(cells) != 4:
            raise BadArgument(f"{path}, line {number}: needs four fields, as TREC's qrels: query, 0, document, grade.")
        judged[cells[0]][cells[2]] = _whole_number(path, number, cells[3])
    return judged


def _topics(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in _lines(path):
        name, tab, words = line.partition("\t")
        if not tab or not words.strip():
            raise BadArgument(f"{path}, line {number}: needs a question's id, a tab and its words.")
        yield name.strip(), words.strip()


def _whole_number(path: Path, number: int, written: str) -> int:
    try:
        return int(written)
    except ValueError as error:
        shown = written[:MAX_LINE_SHOWN]
        raise BadArgument(f"{path}, line {number}: {shown!r} is no grade. Write a whole number.") from error


def _with_qrels(path: Path, asked: Mapping[str, str], judged: Judgements) -> list[JudgedQuestion]:
    """The questions that were judged, with the answers of a grade above 0."""
    missing = sorted(set(judged) - set(asked))
    if missing:
        raise BadArgument(
            f"{path}: {missing[0]} is judged, but no question has this id. Ids without a question: {len(missing)}."
        )
    if not judged:
        raise BadArgument(f"{path}: there is no judgement in it.")
    return [
        JudgedQuestion(id=id, query=asked[id], grades={name: grade for name, grade in grades.items() if grade > 0})
        for id, grades in judged.items()
    ]
