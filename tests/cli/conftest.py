from pathlib import Path

import pytest

from mcp_mmretrieval.demo_media import MEETING_NOTES
from mcp_mmretrieval.demo_media.charts import bar_chart, line_chart


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes, two charts and a file that is no PDF at all, but for its name."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "charts").mkdir()
    (folder / "notes.md").write_text(MEETING_NOTES, encoding="utf-8")
    bar_chart().save(folder / "charts" / "routes.png")
    line_chart().save(folder / "charts" / "diesel.png")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing more")
    return folder
