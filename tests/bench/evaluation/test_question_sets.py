"""Where questions and their files lie."""

from pathlib import Path

import pytest

from mcp_mmretrieval.bench.evaluation.question_sets import question_sets
from mcp_mmretrieval.errors import BadArgument

LINE = '{"query": "Pumps?", "relevant": [{"file": "a.md"}]}\n'


def a_set(folder: Path) -> Path:
    (folder / "files").mkdir(parents=True)
    (folder / "queries.jsonl").write_text(LINE)
    return folder


def test_a_folder_of_sets_is_all_of_them_by_name(tmp_path: Path) -> None:
    a_set(tmp_path / "two"), a_set(tmp_path / "one")
    found = question_sets([tmp_path], None, tmp_path / "scratch")
    assert [(one.name, one.files) for one in found] == [
        ("one", (tmp_path / "one" / "files").resolve()),
        ("two", (tmp_path / "two" / "files").resolve()),
    ]
    assert [one.name for one in question_sets([tmp_path / "two"], None, tmp_path)] == ["two"]


def test_a_file_asks_the_persons_own_library(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(LINE)
    (found,) = question_sets([tmp_path / "mine.jsonl"], None, tmp_path)
    assert (found.name, found.files) == ("mine", None)


def test_texts_of_beir_become_files_that_their_ids_name(tmp_path: Path) -> None:
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "queries.jsonl").write_text('{"_id": "q", "text": "Pumps?"}\n')
    (beir / "qrels" / "test.tsv").write_text("q\td1\t1\n")
    (beir / "corpus.jsonl").write_text('{"_id": "d1", "title": "On pumps", "text": "They fail."}\n')
    (found,) = question_sets([beir], None, tmp_path / "scratch")
    assert found.files is not None
    assert (found.files / "d1.txt").read_text() == "On pumps\n\nThey fail.\n"
    (beir / "corpus.jsonl").write_text('{"_id": "../d1", "text": "Out."}\n')
    with pytest.raises(BadArgument, match=r"corpus\.jsonl, line 1"):
        question_sets([beir], None, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"_id": "\xff", "text": "a"}', "not UTF-8"),
        (b'{"_id": "d1", "text": "a"}', "line 2: two texts have the id 'd1'"),
        (b'{"_id": "%s", "text": "a"}' % (b"a" * 300), "line 2: .* can be no file's name"),
        (b'{"_id": "a\\u0000", "text": "a"}', "line 2: .* can be no file's name"),
        (b'{"_id": "d2", "text": "\\ud800"}', "line 2: is no JSON"),
        (b'{"_id": "d2", "text": null}', 'line 2: needs "_id" and "text"'),
    ],
)
def test_a_wrong_text_of_beir_is_named_with_its_file_and_line(tmp_path: Path, line: bytes, told: str) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "Pumps?"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("q\td1\t1\n")
    (tmp_path / "corpus.jsonl").write_bytes(b'{"_id": "d1", "text": "They fail."}\n' + line)
    with pytest.raises(BadArgument, match=rf"corpus\.jsonl(, |: is ){told}"):
        question_sets([tmp_path], None, tmp_path / "scratch")


def test_what_is_no_set_or_two_of_a_name_or_a_mixture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"has a queries\.jsonl"):
        question_sets([tmp_path], None, tmp_path)
    one, other = a_set(tmp_path / "x" / "same"), a_set(tmp_path / "y" / "same")
    with pytest.raises(BadArgument, match="Two sets are called same"):
        question_sets([one, other], None, tmp_path)
    (tmp_path / "mine.jsonl").write_text(LINE)
    with pytest.raises(BadArgument, match="not both"):
        question_sets([one, tmp_path / "mine.jsonl"], None, tmp_path)
    (one / "files").rmdir()
    with pytest.raises(BadArgument, match="nothing to search"):
        question_sets([one], None, tmp_path)
