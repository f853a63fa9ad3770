"""What the library says to agents is said to a person in the person's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.cli import wording
from mcp_mmretrieval.server.metrics import TOOL_LABELS

PACKAGE = Path(wording.__file__).parent.parent
TOOLS = sorted(TOOL_LABELS - {"rerank", "status"})
"""The names that are no words of English."""
FOR_AGENTS = re.compile(
    rf"{'|'.join(TOOLS)}|[Cc]all (status|rerank|jobs)|\bstatus (says|tells|with|shows)|say that it is|allowed folder"
    r"|[Aa]sk the person"
)


def sentences() -> Iterator[tuple[str, str]]:
    """Every text in the code that may be said, with its module; what is put into it is called X."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = str(path.relative_to(PACKAGE))
        if module == "cli/wording.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield (
                    module,
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (silent | parts):
                yield module, node.value


SPOKEN = [(module, text) for module, text in sentences() if " " in text and FOR_AGENTS.search(text)]


def test_there_are_sentences_for_agents() -> None:
    assert len(SPOKEN) > 25


@pytest.mark.parametrize(("module", "text"), SPOKEN, ids=lambda value: value[:60])
def test_no_sentence_of_the_library_names_a_tool_to_a_person(module: str, text: str) -> None:
    told = wording.for_person(text)
    assert not re.search(rf"\b({'|'.join(TOOLS)})\b", told), told
    assert not re.search(r"\b[Cc]all \w+", told) or "Calls" in told, told
    if not module.startswith("cli/"):
        assert told != text


def test_each_rule_says_something_that_the_library_says() -> None:
    said = [text for _, text in sentences()]
    spare = {rf"\b{tool}\b" for tool in TOOLS} | {r"\b(dry_run|picture|sheet)=false\b"}
    unused = [rule.pattern for rule, _ in wording._COMPILED if not any(rule.search(text) for text in said)]
    assert set(unused) - spare == set()


def test_what_a_file_says_stays_as_it_is() -> None:
    answer = {
        "hits": [{"snippet": "Call add_documents.", "citation": "open_media.md", "title": "list_documents"}],
        "notes": ["Call add_documents to read it again."],
        "jobs": [{"failed": [{"path": "/search_media", "reason": "x. Call add_documents to read it again."}]}],
    }
    told = wording.answer_for_person(answer)
    assert told["hits"] == answer["hits"]
    assert told["notes"] == ["Run `mcp-mmretrieval add` with it to read it again."]
    assert told["jobs"][0]["failed"][0] == {
        "path": "/search_media",
        "reason": "x. Run `mcp-mmretrieval add` with it to read it again.",
    }
