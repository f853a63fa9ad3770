"""Files of questions: our own, BEIR's, TREC's."""

from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion, read_questions
from mcp_mmretrieval.errors import BadArgument


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_question_names_files_pages_and_grades(tmp_path: Path) -> None:
    path = written(
        tmp_path / "q.jsonl",
        '{"id": "a", "query": "Pumps?", "group": "x", "relevant": [{"file": "r.pdf", "page": 7, "grade": 2}]}\n\n'
        '{"query": "Nothing?", "relevant": []}\n',
    )
    first, second = read_questions(path)
    assert first == JudgedQuestion(id="a", query="Pumps?", group="x", grades={"r.pdf#page=7": 2})
    assert (first.paged, list(first.documents)) == (True, ["r.pdf"])
    assert (second.id, second.grades, second.paged) == ("3", {}, False)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    import json

    question = JudgedQuestion(id="a", query="Pumps?", group="x", grades={"r.pdf#page=7": 2, "b.png": 1})
    assert read_questions(written(tmp_path / "q.jsonl", json.dumps(question.as_json()))) == [question]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is no JSON"),
        ("[1]", "must be an object"),
        ('{"query": " "}', "`query` has no words"),
        ('{"query": "a", "group": "all"}', "`group` must be"),
        ('{"query": "a", "relevant": {}}', "`relevant` must be a list"),
        ('{"query": "a", "relevant": [{"page": 1}]}', 'needs a "file"'),
        ('{"query": "a", "relevant": [{"file": "b", "page": 0}]}', "`page` must be"),
        ('{"query": "a", "relevant": [{"file": "b", "grade": 0}]}', "`grade` must be"),
        ('{"query": "a", "relevant": [{"file": "b", "page": true}]}', "`page` must be"),
        ('{"query": "a", "relevant": [{"file": "b", "grade": true}]}', "`grade` must be"),
        ('{"query": "half a pair: \\ud800"}', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_a_wrong_line_is_named_with_its_file_and_number(tmp_path: Path, line: str, told: str) -> None:
    path = written(tmp_path / "q.jsonl", f'{{"query": "right"}}\n{line}\n')
    with pytest.raises(BadArgument) as refused:
        read_questions(path)
    assert str(refused.value).startswith(f"{path}, line 2: ")
    assert told in str(refused.value)


def test_files_that_hold_no_questions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(BadArgument, match="no question"):
        read_questions(written(tmp_path / "empty.jsonl", "\n"))
    with pytest.raises(BadArgument, match="two questions have the id 1"):
        read_questions(written(tmp_path / "twice.jsonl", '{"id": 1, "query": "a"}\n{"id": 1, "query": "b"}'))
    (tmp_path / "latin.jsonl").write_bytes('{"query": "é"}'.encode("latin-1"))
    with pytest.raises(BadArgument, match="not UTF-8"):
        read_questions(tmp_path / "latin.jsonl")


def test_the_mark_that_editors_on_windows_put_in_front_is_no_part_of_the_first_question(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", '\ufeff{"query": "Pumps?"}\n')
    assert [one.query for one in read_questions(path)] == ["Pumps?"]


def test_judgements_are_none_or_as_they_are_written(tmp_path: Path) -> None:
    written(tmp_path / "queries.jsonl", '{"_id": "q1", "text": "Pumps?"}\n')
    table = written(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\n")
    with pytest.raises(BadArgument, match=r"test\.tsv: there is no judgement"):
        read_questions(tmp_path)
    table.write_text('q1\t"d1\t1\n')
    assert read_questions(tmp_path)[0].grades == {'"d1': 1}


def test_a_folder_of_beir_is_read_with_its_test_judgements(tmp_path: Path) -> None:
    written(tmp_path / "queries.jsonl", '{"_id": "q1", "text": "Pumps?"}\n{"_id": "q2", "text": "Not judged?"}\n')
    written(tmp_path / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore\nq2\td9\t1\n")
    table = written(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n")
    assert read_questions(tmp_path) == [JudgedQuestion(id="q1", query="Pumps?", grades={"d1": 2})]
    table.write_text("query-id\tcorpus-id\tscore\nq1\td1\n")
    with pytest.raises(BadArgument, match=r"test\.tsv, line 2: needs three fields"):
        read_questions(tmp_path)


def test_qrels_of_trec_are_read_with_their_topics(tmp_path: Path) -> None:
    qrels = written(tmp_path / "qrels.txt", "1 0 d1 1\n1 0 d2 -1\n2 0 d3 2\n")
    topics = written(tmp_path / "topics.tsv", "1\tPumps?\n2\tValves?\n")
    first, second = read_questions(qrels, topics)
    assert (first.query, first.grades, second.grades) == ("Pumps?", {"d1": 1}, {"d3": 2})
    qrels.write_text("1 0 d1 1\n3 0 d1 x\n")
    with pytest.raises(BadArgument, match=r"qrels\.txt, line 2: 'x' is no grade"):
        read_questions(qrels, topics)
    qrels.write_text("3 0 d1 1\n")
    with pytest.raises(BadArgument, match=r"qrels\.txt: 3 is judged, but no question"):
        read_questions(qrels, topics)
    topics.write_text("1 Pumps?\n")
    with pytest.raises(BadArgument, match=r"topics\.tsv, line 1"):
        read_questions(qrels, topics)
