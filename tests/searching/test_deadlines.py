"""What is left of a deadline, and what each stage took."""

import re

from mcp_mmretrieval.answers import Reranking, Scored
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.server.tools import as_text, results
from tests.searching.conftest import Held

# -- what is left behind ----------------------------------------------------------------------------------------------


def test_a_stage_left_behind_counts_until_now_and_stages_add_up() -> None:
    clock = DeadlineClock(None)
    with clock.stage("first"):
        assert set(clock.stages()) == {"first"}
        with clock.stage("second"):
            pass
    assert list(clock.stages()) == ["first", "second"]
    assert clock.left() is None


def test_the_stages_stand_in_the_data_and_in_the_text() -> None:
    ranking = Reranking(
        results=(Scored(text_index=0, score=0.5, reranked=True),),
        method="shortest first",
        reranked=1,
        elapsed_ms=12,
        stages={"load": 2, "score": 10},
        notes=("One was left out.",),
    )
    result = results.rerank_result(ranking)
    assert result.get("stages") == {"load": 2, "score": 10}
    text = as_text.rerank_text(result)
    assert text.startswith("Ranked by shortest first in 12 ms (load 2, score 10); 1 looked at by a model.")
    assert text.endswith("Note: One was left out.")


def test_the_text_of_a_search_says_what_its_stages_took(held: Held) -> None:
    result = results.search_result(held.library.search("pump"), ())
    told = re.search(r"^Milliseconds: (.*)\.$", as_text.search_text(result), re.MULTILINE)
    assert told is not None
    assert {"words", "embed", "neighbours", "fuse", "hits", "total"} == set(re.findall("[a-z]+", told[1]))
