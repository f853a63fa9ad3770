"""`mcp-mmretrieval bench` over the real command: what it measures, tells and writes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mcp_mmretrieval.models.weights import MINILM_WHEEL
from tests.support.threads import until

COMMAND = (sys.executable, "-m", "mcp_mmretrieval", "bench")
PARTS = ["adding", "asking", "reranking"]


def run(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    return subprocess.run(
        [*COMMAND, "--library", str(cwd / "library"), *map(str, arguments)],
        capture_output=True, text=True, timeout=280, check=False, cwd=cwd, stdin=subprocess.DEVNULL,
        env={**own, "COLUMNS": "80", **more},
    )  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The built-in models, measured for a moment, with all that can be written."""
    if not MINILM_WHEEL.installed:
        pytest.skip("the extra [builtin] is not installed")
    folder = tmp_path_factory.mktemp("bench")
    return run("--quick", "--seconds", "0.02", "--json", "it.json", "--plot", "it.svg", cwd=folder), folder


@pytest.mark.builtin
def test_it_measures_the_built_in_models(measured: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = measured
    assert done.returncode == 0, done.stderr
    assert "random weights" not in done.stdout
    for told in ("builtin", "late interaction", "float32", "Adding", "A query by", "Reranking a pair", "0.30 MP"):
        assert told in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "Wrote it.json" in done.stderr
    assert not (folder / "library").exists()


@pytest.mark.builtin
def test_its_json_has_figures_that_fit_each_other(measured: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    found: dict[str, Any] = json.loads((measured[1] / "it.json").read_text(encoding="utf-8"))
    assert (found["profile"], found["random_weights"], found["embedder"]["name"]) == ("builtin", False, "builtin")
    assert found["machine"]["matmul_tflops"] > 0
    assert found["loading_s"] > 0
    assert list(dict.fromkeys(row["part"] for row in found["rows"])) == PARTS
    for row in found["rows"]:
        assert row["items"] >= row["batch"] >= 1
        assert 0 < row["ms"] <= row["p95_ms"]
        assert row["gflop"] == row["of_matmul"] == 0  # only torch counts, and runs no built-in model
        assert row["memory_mb"] > 100
        assert row["gpu_mb"] == 0


@pytest.mark.builtin
def test_its_plot_names_what_was_measured(measured: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    root = ElementTree.parse(measured[1] / "it.svg").getroot()
    words = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"What an item costs: profile builtin", "Adding", "A query by", "Reranking a pair", "film frame"} <= words


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--profile", "clap"], "no such profile. Did you mean clip?"),
        (["--plot", "it.pdf"], "must end in .svg or .png"),
        (["--json", "nowhere/it.json"], "its folder is not there"),
        (["--seconds", "0"], "must be more than 0"),
        (["--quick", "--full"], "not allowed with"),
        (["--random-weights", "gemma"], "no such profile or architecture"),
        (["--random-weights"], "the profile builtin has no architecture that can be built"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_told_before_anything_is_measured(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run("--profile", tmp_path / "nothing", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such folder" in done.stderr


def test_random_weights_are_called_that_wherever_figures_are(tmp_path: Path) -> None:
    asked = ("--random-weights", "minilm-l6", "--quick", "--seconds", "0.02", "--json", "it.json", "--plot", "it.svg")
    done = run(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "random weights: speed and memory only" in done.stdout
    assert "random weights: speed and memory only" in (tmp_path / "it.svg").read_text(encoding="utf-8")
    found = json.loads((tmp_path / "it.json").read_text(encoding="utf-8"))
    assert found["random_weights"] is True
    assert found["profile"] == found["embedder"]["model"] == "minilm-l6"


def test_what_ends_it_leaves_its_rows_and_none_of_its_weights(tmp_path: Path) -> None:
    """As `timeout` and containers end a process."""
    (made := tmp_path / "made").mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    asked = ("--random-weights", "minilm-l6", "--seconds", "60", "--json", "it.json", "--library", "library")
    with subprocess.Popen(
        [*COMMAND, *asked], cwd=tmp_path, env={**own, "TMPDIR": str(made)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        until(lambda: any(made.glob("mcp-*")) or process.poll() is not None, 120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    assert list(made.glob("mcp-*")) == []


def test_its_json_is_whole_after_each_row(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    asked = ("--random-weights", "minilm-l6", "--quick", "--seconds", "1", "--json", "it.json", "--library", "library")
    with subprocess.Popen(
        [*COMMAND, *asked], cwd=tmp_path, env=own, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        until(lambda: (tmp_path / "it.json").exists() or process.poll() is not None, 120)
        rows = len(json.loads((tmp_path / "it.json").read_text(encoding="utf-8"))["rows"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, 128 + signal.SIGTERM)
    assert rows >= 1
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("it.json.")] == []
