from pathlib import Path

import numpy as np
from PIL import Image

from mcp_mmretrieval.cli.demo import SNAPSHOT_FILE
from mcp_mmretrieval.demo_media import make_another_photograph


def test_the_picture_to_ask_with_is_no_copy(demo_files: Path, tmp_path: Path) -> None:
    make_another_photograph(tmp_path / SNAPSHOT_FILE)
    with Image.open(tmp_path / SNAPSHOT_FILE) as asked, Image.open(demo_files / "photos" / "lighthouse.jpg") as held:
        assert asked.size == held.size
        assert np.abs(np.asarray(asked, int) - np.asarray(held, int)).mean() > 10
