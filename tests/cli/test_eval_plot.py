"""An evaluation as a picture."""

from pathlib import Path

from PIL import Image

from mcp_mmretrieval.cli.eval_plot import write_eval_plot
from tests.bench.evaluation.made_runs import AFTER, BEFORE


def test_ways_of_asking_and_matches_are_drawn_with_their_names(tmp_path: Path) -> None:
    write_eval_plot(BEFORE, tmp_path / "run.svg")
    text = (tmp_path / "run.svg").read_text(encoding="utf-8")
    for told in ("made: all", "made: words", "nDCG@10", "strong", "weak"):
        assert told in text


def test_a_png_is_a_picture(tmp_path: Path) -> None:
    write_eval_plot(AFTER, tmp_path / "run.png")
    with Image.open(tmp_path / "run.png") as picture:
        assert picture.width > 600
