"""Bombs are added through a real server: each ends with its place in the library or one clear reason, in time.

Meanwhile the engine stays the same and small, another client's searches are answered, and the file beside is added.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.errors import FAILURE_CODES
from tests.attack.bombs import BOMBS, FILES, FOLDERS, write_bomb
from tests.attack.forms import FULL
from tests.support.engines import Front, ended_engine

CALL_S, PART_S, FILE_S = 5.0, 10.0, 20.0
"""The limits of a call, a part and a file here: the usual ones would take a day."""
LIMITS: dict[str, Any] = {
    "MMRETRIEVAL_CALL_BUDGET_S": f"{CALL_S}",
    "MMRETRIEVAL_PART_TIMEOUT_S": f"{PART_S}",
    "MMRETRIEVAL_FILE_TIMEOUT_S": f"{FILE_S}",
    "MMRETRIEVAL_WORKER_MEMORY_MB": "1000",
}
SLACK_S = 1.0
OTHER_S = 5.0
"""Seconds in which a file is hashed and its parser is started and ended, where the machine has time."""
SEGMENTS_A_SECOND = 500.0
"""That are written once a file was read."""
MAX_GROWTH_MB = 600.0
"""By which the peak of the engine may grow over all bombs: texts of 20 million characters pass through it."""
SHORT = (
    *("pixels.png", "frames.gif", "pixels.tiff", "uses.svg", "pages.pdf", "box.pdf", "brackets.json"),
    *("front-matter.md", "parts.eml", "length.wav", "duration.mp4", "depth.zip", "members.zip"),
    *("sparse beyond the limit", "costly patterns", "deep folders"),
)


class Bystander(threading.Thread):
    """Another client, which searches all the time; `trouble` says what was wrong with an answer."""

    def __init__(self, front: Front, folder: Path) -> None:
        super().__init__(daemon=True)
        self._front, self._folder = front, folder
        self._ended = threading.Event()
        self.trouble = ""
        self.longest = 0.0
        """Seconds of an answer."""

    def run(self) -> None:
        while not self._ended.wait(0.1) and not self.trouble:
            began = time.monotonic()
            try:
                if (found := self._front.paths("beforeq", under=str(self._folder))) != ["before.md"]:
                    self.trouble = f"the note is searched for, and found is {found}"
            except Exception as error:  # noqa: BLE001  the test tells it
                self.trouble = repr(error)
            self.longest = max(self.longest, time.monotonic() - began)

    def end(self) -> None:
        self._ended.set()
        self.join(60)


class Scene:
    """A server with one note, a client that adds bombs and one that searches."""

    def __init__(self, front: Front, bystander: Bystander, root: Path) -> None:
        self.front, self.bystander, self.root = front, bystander, root
        self.engine = front.engine()
        self.memory = peak_mb(self.engine)

    def add(self, folder: Path) -> dict[str, Any]:
        """What adding a folder came to; each call of it answers in time."""
        while True:
            began = time.monotonic()
            told = self.front.call("add_documents", paths=[str(folder)])
            assert time.monotonic() - began < CALL_S + SLACK_S
            if told["state"] != "running":
                return told


def peak_mb(pid: int) -> float:
    """The most memory that a process has had so far (proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM:"))


def busyness() -> float:
    """How many times as long as alone a process takes, about, among the others that want the processors now."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = tmp_path_factory.mktemp("bombs")
    root, library = made / "files", made / "library"
    (root / "before").mkdir(parents=True)
    (root / "before" / "before.md").write_text("beforeq\n")
    with ended_engine(library), Front(library, root, **LIMITS) as front, Front(library, root, **LIMITS) as other:
        while front.call("add_documents", paths=[str(root / "before")])["state"] == "running":
            pass
        bystander = Bystander(other, root / "before")
        bystander.start()
        yield Scene(front, bystander, root)
        bystander.end()
        subprocess.run(["rm", "-r", str(root)], check=True)  # too deep for Python, and so for pytest
        assert bystander.trouble == ""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BOMBS if FULL else SHORT)
def test_a_bomb_comes_to_a_clear_end_in_time_and_harms_nothing_else(scene: Scene, name: str) -> None:
    folder = scene.root / name.replace(" ", "-").replace(".", "-")
    folder.mkdir()
    write_bomb(name, folder)
    word = f"beside{BOMBS.index(name)}q"
    (folder / "beside.md").write_text(f"{word}\n")

    began = time.monotonic()
    told = scene.add(folder)
    took = time.monotonic() - began
    if name in FOLDERS:  # which is looked through once more
        assert scene.add(folder)["state"] == "done"

    held = {Path(one["path"]).name: one for one in scene.front.call("list_documents", under=str(folder))["documents"]}
    print(
        f"\n{name}: {took:.1f} s, longest search {scene.bystander.longest:.2f} s, peak {peak_mb(scene.engine):.0f} MB"
    )
    print({key: told[key] for key in ("state", "added", "skipped", "failed", "notes") if told.get(key)})
    print(held.get(name))
    assert told["state"] == "done"
    assert "beside.md" in scene.front.paths(word, under=str(folder))
    segments = sum(one["segments"] for one in held.values())
    assert took < (FILE_S + OTHER_S + segments / SEGMENTS_A_SECOND) * busyness()
    failed = Counter(one["path"] for one in told["failed"])
    assert set(failed.values()) <= {1}
    for one in told["failed"]:
        assert one["code"] in FAILURE_CODES - {"internal"}
        assert one["reason"].isprintable()
        assert len(one["reason"]) < 300
    if name in FILES:
        assert (name in held) != (str(folder / name) in failed)
    assert scene.front.engine() == scene.engine
    assert scene.bystander.trouble == ""
    assert peak_mb(scene.engine) < scene.memory + MAX_GROWTH_MB
