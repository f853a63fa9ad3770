"""What a parser worker can no longer do."""

import json
import subprocess
import sys
from pathlib import Path

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
