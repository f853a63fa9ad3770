"""What is built in leaves no trace of its use outside the library, and reports to nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

READ_A_PICTURE = """
import numpy as np
from mcp_mmretrieval.models.builtin.ocr import PaddleOcr
PaddleOcr(1).read(np.full((64, 64, 3), 255, np.uint8))
"""


@pytest.mark.builtin
def test_reading_a_picture_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-P", "-c", READ_A_PICTURE], env=environment, check=True, timeout=120)
    assert [str(path) for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_the_person_has_decided_on_telemetry_stays(tmp_path: Path) -> None:
    show = (
        "import os, mcp_mmretrieval; print(os.environ['ORT_DISABLE_TELEMETRY'], os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    )
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "ORT_DISABLE_TELEMETRY": "0"}
    shown = subprocess.run(
        [sys.executable, "-P", "-c", show], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert shown.stdout.split() == ["0", "1"]
