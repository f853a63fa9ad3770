"""A conversion that counts words."""

import sys
from pathlib import Path

from mcp_mmretrieval.models.builtin.conversion import run_conversion


def count(source: Path, target: Path) -> None:
    words = (source / "words.txt").read_text(encoding="utf-8").split()
    (target / "count.txt").write_text(f"{len(words)}, torch: {sys.modules['torch']}", encoding="utf-8")


if __name__ == "__main__":
    run_conversion(count)
