"""The script that measures a card runs to its end wherever torch does, in a tiny size."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_measures_each_part_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (made := tmp_path / "made").mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    done = subprocess.run(
        [ROOT / "benchmarks" / "gpu.sh", "--tiny", "--json", tmp_path / "it.json"],
        env={**own, "PYTHON": sys.executable, "TMPDIR": str(made)}, capture_output=True, text=True, timeout=280,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "it.json").read_text(encoding="utf-8"))
    parts = {name: found[name] for name in ("matmul", "patches", "pages", "rerank", "sound")}
    assert [(name, part) for name, part in parts.items() if part.keys() & {"failed", "left_out"}] == []
    pages = parts["pages"]
    assert (pages["pages"], sum(pages["batches"])) == (2, 2)  # the first file warms up
    assert 0 < pages["card_busy"] <= 1
    assert 0 < pages["of_matmul"] <= pages["of_matmul_while_busy"]
    assert parts["rerank"]["queries"] == 2
    assert 0 < parts["rerank"]["p50_s"] <= parts["rerank"]["p95_s"]
    assert parts["sound"]["sounds"] == 8
    assert list(made.glob("mcp-*")) == []
