"""The real command in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "mcp_mmretrieval")


def environment(**more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    return {**own, "MMRETRIEVAL_ENGINE_IDLE_S": "5", **more}


def run(*arguments: str | Path, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
    )


def answered(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@contextmanager
def adding(folder: Path, library: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that adds, from when it holds the library on."""
    command = [*COMMAND, "add", str(folder), "--library", str(library)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment()) as process:
        try:
            while not (library / "catalog.db").exists() and process.poll() is None:
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
