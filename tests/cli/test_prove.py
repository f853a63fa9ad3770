"""`mcp-mmretrieval prove` over the real command: what it compares, tells and writes, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.models.weights import MINILM_WHEEL
from tests.support import tiny
from tests.support.little_hub import COMMIT, MODEL, serving

COMMAND = (sys.executable, "-m", "mcp_mmretrieval", "prove")


def run(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True, text=True, timeout=280, check=False, cwd=cwd, stdin=subprocess.DEVNULL,
        env={**own, "COLUMNS": "80", **more},
    )  # fmt: skip


@pytest.mark.builtin
def test_the_built_in_models_are_proven(tmp_path: Path) -> None:
    if not MINILM_WHEEL.installed:
        pytest.skip("the extra [builtin] is not installed")
    done = run("builtin", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "proven"), done.stdout + done.stderr
    assert "text → photo" in done.stdout
    assert "Wrote proof-builtin.json" in done.stderr
    found: dict[str, Any] = json.loads((tmp_path / "proof-builtin.json").read_text(encoding="utf-8"))
    assert found["differences"] == {}
    assert len(found["facts"]) == 11
    assert all(fact["right"] for fact in found["facts"])
    assert all(pair["ndcg"] > pair["needed"] for pair in found["found"])
    assert {one["what"] for one in found["agreement"]} == {"text", "question"}


def test_another_model_in_the_place_of_a_profiles_says_what_differs(tmp_path: Path) -> None:
    folder = tiny.clip(tmp_path / "tiny-clip")
    done = run("clip", "--embedder", folder, "--json", "it.json", cwd=tmp_path, MMRETRIEVAL_DEVICE="cpu")
    assert done.returncode == 1, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("differs: ")
    assert "clip numbers of a vector" in last
    assert "expected 512, found 16 (config.json)" in " ".join(done.stdout.split())
    written = (tmp_path / "it.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in written
    found: dict[str, Any] = json.loads(written)
    assert found["differences"]["clip numbers of a vector"] == "expected 512, found 16 (config.json)"
    assert [one["what"] for one in found["agreement"] if one["worst"] >= one["needed"]] == ["photo", "question"]


def test_a_model_that_is_not_here_is_fetched_first(tmp_path: Path) -> None:
    folder = tiny.bert(tmp_path / "tiny-bert")
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with serving(files) as hub:
        cache = tmp_path / "hub"
        done = run(
            f"{MODEL}@{COMMIT}", cwd=tmp_path,
            HF_ENDPOINT=hub.url, HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="0", MMRETRIEVAL_DEVICE="cpu",
        )  # fmt: skip
    assert (cache / "models--owner--name" / "snapshots" / COMMIT / "modules.json").is_file()
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "differs: text → text", "all that an untrained model lacks"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["clap"], "no such profile. Did you mean clip?"),
        (["builtin", "--json", "nowhere/it.json"], "its folder is not there"),
        (["clip", "--reranker", "there"], "this profile has no reranker of its own"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_fetched(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []
