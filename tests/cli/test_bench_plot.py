import sys
import warnings
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from mcp_mmretrieval.bench.report import BenchReport
from mcp_mmretrieval.cli.bench_plot import check_plot_file, write_plot
from mcp_mmretrieval.errors import RetrievalError
from tests.support.reports import LEFT_OUT, PICTURES, REPORT


def words_drawn(report: BenchReport, path: Path) -> set[str]:
    write_plot(report, path)
    texts = ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
    return {"".join(text.itertext()) for text in texts}


def test_a_plot_as_png_opens(tmp_path: Path) -> None:
    write_plot(REPORT, tmp_path / "it.png")
    with Image.open(tmp_path / "it.png") as drawn:
        assert drawn.width == 960
        assert len(drawn.convert("RGB").getcolors(1 << 20) or []) > 10


@pytest.mark.parametrize("rows", [(), (LEFT_OUT,)], ids=["no row", "rows left out"])
def test_a_plot_of_nothing_says_so(rows: tuple[()], tmp_path: Path) -> None:
    write_plot(replace(REPORT, rows=rows), tmp_path / "none.svg")
    assert "Nothing was measured" in (tmp_path / "none.svg").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_largest_size_within_the_cap(tmp_path: Path) -> None:
    beyond = replace(PICTURES[-1], share=2.0, amount=2e6, ms=500.0, p95_ms=501.0)
    words = words_drawn(replace(REPORT, rows=(*PICTURES, beyond)), tmp_path / "it.svg")
    assert {"picture", "20.0 ms, 50.0/s", "1.00 MP", "10 ms"} <= words
    assert any("0.9 GB, GPU 2.0 GB" in line for line in words)


def test_a_name_may_look_like_a_formula_or_be_in_any_script(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = words_drawn(replace(REPORT, profile="/models/$x^2$ & 日本"), tmp_path / "it.svg")
    assert "What an item costs: profile /models/$x^2$ & 日本" in words


def test_without_matplotlib_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    check_plot_file("it.SVG")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RetrievalError, match=r"Run: pip install 'mcp-mmretrieval\[plot\]'\.$"):
        check_plot_file("it.svg")
