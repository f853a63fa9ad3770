"""What a proof tells and writes."""

import json
from pathlib import Path

from mcp_mmretrieval.bench.proof.comparing import Agreement
from mcp_mmretrieval.bench.proof.facts import text_fact
from mcp_mmretrieval.bench.proof.proof import Proof
from mcp_mmretrieval.bench.proof.ranking import pair_figure


def proof() -> Proof:
    """One thing of each sort that is right, one that is not, and one that was not told."""
    made = Proof(profile="omni")
    made.facts = [
        text_fact("omni", "pooling", "mean", "mean", "1_Pooling/config.json"),
        text_fact("omni", "numbers of a vector", 768, 512, "1_Pooling/config.json"),
        text_fact("omni", "licence", "Apache-2.0", None, "README.md"),
    ]
    made.found = [pair_figure("text → page", [1] * 9, 20), pair_figure("text → sound", [9] * 9, 9)]
    made.agreement = [
        Agreement(model="omni", what=what, items=8, worst=worst, median=1.0, needed=0.98)
        for what, worst in (("text", 0.999), ("film", 0.7))
    ]
    made.problems = [("neomme", "does not load")]
    return made


def test_only_what_is_wrong_differs_and_says_what_was_expected_found_and_where() -> None:
    told = dict(proof().differences())
    assert list(told) == ["omni numbers of a vector", "omni film", "text → sound", "neomme"]
    assert told["omni numbers of a vector"] == "expected 768, found 512 (1_Pooling/config.json)"
    assert "0.7000" in told["omni film"]
    assert "chance" in told["text → sound"]


def test_what_is_written_has_all_of_it_and_nothing_of_the_person() -> None:
    made, home = proof(), Path.home()
    made.problems = [("omni", f"{home}/secret/models: no such folder"), ("neomme", "/mnt/of-mary/model: damaged")]
    written = made.as_json([Path("/mnt/of-mary/model")])
    assert str(home) not in written
    assert "mary" not in written
    found = json.loads(written)
    assert found["differences"]["omni"] == "FOLDER/secret/models: no such folder"
    assert [fact["right"] for fact in found["facts"]] == [True, False, False]
    assert [pair["pair"] for pair in found["found"]] == ["text → page", "text → sound"]
