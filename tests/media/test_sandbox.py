"""What a parser worker can no longer do."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.media.workers import Workers
from tests.support.parsing import linux, split


@linux
def test_a_worker_can_open_connect_and_kill_nothing(misbehaving: Workers) -> None:
    misbehaving.warm()
    assert "landlock" in misbehaving.sandbox and "no writing" in misbehaving.sandbox
    escaped, _ = split(misbehaving, "escape\nend")
    assert escaped[0] in ("page=1", "datagram page=1") or "no network" not in misbehaving.sandbox
    assert not Path("/tmp/escaped").exists()


CONFINED = """
import json, os, resource
from mcp_mmretrieval.media import sandbox
words = sandbox.lock_down(memory_bytes=700_000_000, parent=os.getppid())
limits = {name: resource.getrlimit(getattr(resource, name))[1] for name in ("RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_AS")}
try:
    bytearray(800_000_000)
    limits["filled"] = True
except MemoryError:
    limits["filled"] = False
print(json.dumps([words, limits, os.getcwd()]))
"""


@linux
def test_a_process_that_is_locked_down_says_how_and_has_its_bounds_for_good() -> None:
    said = subprocess.run([sys.executable, "-c", CONFINED], capture_output=True, text=True, check=True).stdout
    words, limits, folder = json.loads(said)
    assert {"no core dumps", "no writing", "32 files", "0.7 GB of memory"} <= set(words)
    assert limits == {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_AS": 700_000_000, "filled": False}
    assert folder == "/"


def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    locking = "sandbox.lock_down(memory_bytes=1 << 40, parent=1 << 30)"
    code = f"from mcp_mmretrieval.media import sandbox\n{locking}\nprint('still there')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""


FONTS = """
import json, os, sys
from mcp_mmretrieval.media import sandbox
folder, outside = sys.argv[1:3]
sandbox.FONT_FOLDERS = (folder, folder + "/not there")
words = sandbox.lock_down(memory_bytes=1 << 40, parent=os.getppid())
def attempt(act):
    try:
        return act()
    except OSError as error:
        return type(error).__name__
def read(path):
    with open(path) as file:
        return file.read()
print(json.dumps([
    words,
    attempt(lambda: read(folder + "/deep/a.ttf")),
    attempt(lambda: os.listdir(folder)),
    attempt(lambda: read(folder + "/link.ttf")),
    attempt(lambda: read(outside)),
    attempt(lambda: os.listdir(os.path.dirname(folder))),
    attempt(lambda: os.remove(folder + "/deep/a.ttf")),
    attempt(lambda: os.mkdir(folder + "/new")),
]))
"""


@linux
def test_the_systems_fonts_can_be_read_and_nothing_else_nor_changed(tmp_path: Path) -> None:
    fonts, outside = tmp_path / "fonts", tmp_path / "secret.txt"
    (fonts / "deep").mkdir(parents=True)
    (fonts / "deep" / "a.ttf").write_text("shapes", encoding="utf-8")
    outside.write_text("secret", encoding="utf-8")
    (fonts / "link.ttf").symlink_to(outside)
    command = [sys.executable, "-c", FONTS, str(fonts), str(outside)]
    words, read, listed, *refused = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    assert any(word.startswith("landlock") for word in words)
    assert read == "shapes"
    assert sorted(listed) == ["deep", "link.ttf"]
    assert refused == ["PermissionError"] * 5


PROGRAM = """
import json, os, socket, sys
from pathlib import Path
from mcp_mmretrieval.media import sandbox
bounds = {"memory_bytes": 4_000_000_000, "seconds": 60, "file_bytes": 1_000_000}
locked = sandbox.lock_down_program(**bounds, parent=os.getppid())
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return type(error).__name__
inside = Path(sandbox.PRIVATE_FOLDER, "inside")
print(json.dumps([locked, [
    attempt(lambda: inside.write_text("a")), attempt(lambda: inside.write_bytes(bytes(2_000_000))),
    attempt(lambda: Path(sys.argv[1]).read_text()), attempt(lambda: Path("/etc/hostname").write_text("a")),
    attempt(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 2)),
]]))
"""


@linux
def test_a_program_that_is_locked_in_has_a_folder_in_memory_and_neither_files_nor_a_network(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("private")
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = (str(tmp_path / "a.txt"), str(server.getsockname()[1]))
        said = subprocess.run(
            [sys.executable, "-c", PROGRAM, *given], capture_output=True, text=True, check=True
        ).stdout
    locked, (inside, large, private, system, network) = json.loads(said)
    if not locked:
        pytest.skip("this system does not let a program lock itself in")
    assert (inside, large) == ("done", "OSError")
    assert private in ("FileNotFoundError", "PermissionError")
    assert system == "PermissionError"
    assert network in ("ConnectionRefusedError", "OSError", "PermissionError")
    assert not Path("/tmp/inside").exists()
