import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.server.log import EntryFormatter

NOISY = """
import logging, os, sys
from mcp_mmretrieval.server import log
log.log_to_file(sys.argv[1])
for number in range(4_000):
    logging.getLogger("engine").info("line %d %s", number, "x" * 1_000)
print("a library that prints", flush=True)
os.write(2, b"a library in C\\n")
"""


def test_the_log_rotates_and_takes_what_libraries_print(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    done = subprocess.run([sys.executable, "-c", NOISY, str(path)], capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["engine.log", "engine.log.1", "engine.log.2", "engine.log.3"]
    assert sum(file.stat().st_size for file in files) < 4_100_000
    last = path.read_text().splitlines()
    assert last[-2:] == ["a library that prints", "a library in C"]
    assert "line 3999" in last[-3]


def test_an_entry_has_no_hidden_letters_and_cannot_write_another_entry() -> None:
    name = "a\u202e\u200b\x1b[31m.pdf\n2026-01-01 00:00:00,000 INFO engine: all is well"
    record = logging.LogRecord("adding", logging.ERROR, "", 0, "%s: cannot be added", (name,), None)
    first, second = EntryFormatter().format(record).split("\n")
    assert first.endswith("ERROR adding: a.pdf")
    assert second == "  2026-01-01 00:00:00,000 INFO engine: all is well: cannot be added"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_only_bears_the_logs_name_is_not_written(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "engine.log", tmp_path / "other"
    other.write_text("kept")
    path.symlink_to(other) if kind == "link" else os.mkfifo(path)
    code = [sys.executable, "-c", NOISY.replace("4_000", "1"), str(path)]
    done = subprocess.run(code, capture_output=True, timeout=60, check=True)
    assert b"line 0" in done.stderr
    assert other.read_text() == "kept"


def test_where_it_cannot_be_written_stderr_has_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOISY.replace("4_000", "1"), str(tmp_path / "nowhere" / "engine.log")],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert b"line 0" in done.stderr
