from pathlib import Path

import numpy as np
import pypdfium2  # type: ignore[import-untyped]


def test_the_report_has_three_pages_with_a_text_layer(demo_files: Path) -> None:
    with pypdfium2.PdfDocument(demo_files / "annual-report.pdf") as report:
        texts = [page.get_textpage().get_text_range() for page in report]
        drawn = np.asarray(report[1].render(scale=0.5).to_pil())
    assert len(texts) == 3
    assert "Sixty-one people work for us" in texts[0]
    assert "Passengers by month" in texts[1]
    assert "most common reason was fog" in texts[2]
    assert drawn.std() > 20
