"""What is built in leaves no trace of its use outside library and cache, and reports to nobody."""

import os
import re
import shutil
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


def traced(*command: str, home: Path) -> str:
    """Run it in a fresh home; what it and all that it started asked of the network, and which files they made."""
    trace, calls = home.with_name("trace"), "connect,sendto,sendmsg,sendmmsg,bind,openat,open,creat,mkdir,mkdirat"
    folders = {name: str(home / name) for name in ("TMPDIR", "XDG_RUNTIME_DIR")}
    for folder in folders.values():
        Path(folder).mkdir(parents=True)
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "400", "-e", f"trace={calls}", "-o", str(trace)]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], **folders}
    ran = subprocess.run([*strace, *command], cwd=home, env=environment, capture_output=True, text=True, timeout=280)
    assert ran.returncode == 0, ran.stderr
    return trace.read_text("utf-8", "replace")


@pytest.mark.builtin
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace watches what is asked of the system")
def test_the_whole_demo_asks_nothing_of_any_network_and_makes_no_file_outside_its_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lines = traced(sys.executable, "-P", "-m", "mcp_mmretrieval", "demo", home=home).splitlines()
    assert any("/home/.cache/mcp-mmretrieval/" in line for line in lines)  # it saw what went on
    families = {family for line in lines for family in re.findall(r"sa_family=(\w+)", line) if "bind(" not in line}
    assert families <= {"AF_UNIX"}
    made = {
        path
        for line in lines
        if re.search(r"O_CREAT|creat\(|mkdir", line) and not re.search(r"= -1|O_TMPFILE", line)
        for path in re.findall(r'"(/[^"]*)"', line)
    }
    outside = {path for path in made if not path.startswith((str(home), "/dev/")) and "__pycache__" not in path}
    assert {path for path in outside if Path(path).exists()} == set()


def test_what_the_person_has_decided_on_telemetry_stays(tmp_path: Path) -> None:
    show = (
        "import os, mcp_mmretrieval; print(os.environ['ORT_DISABLE_TELEMETRY'], os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    )
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "ORT_DISABLE_TELEMETRY": "0"}
    shown = subprocess.run(
        [sys.executable, "-P", "-c", show], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert shown.stdout.split() == ["0", "1"]
