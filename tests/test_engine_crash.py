"""The engine is killed again and again under clients that add and search.

A few rounds here; `TEST_ENGINE_KILLS=50 pytest tests/test_engine_crash.py -s` for many, `TEST_MODELS=builtin` with the
built-in models instead of those that one can work out by hand.
"""

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support.engines import Front, ToolFailed, alive, ended_engine, until

KILLS = int(os.environ.get("TEST_ENGINE_KILLS", "4"))
CLIENTS = 4
MODULE = "mcp_mmretrieval" if os.environ.get("TEST_MODELS") == "builtin" else "tests.support.engines"


class Assistant(threading.Thread):
    """Adds one new file after the other and searches for those that it was told are there."""

    def __init__(self, number: int, library: Path, folder: Path) -> None:
        super().__init__(daemon=True)
        self.front = Front(library, folder, stateless=bool(number % 2), module=MODULE)
        self.number = number
        self.folder = folder
        self.acknowledged: list[Path] = []
        self.lost_calls = 0
        self.answered = time.monotonic()
        self.trouble: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            path = self.folder / f"note-{self.number}-{count}.txt"
            path.write_text(f"{word(path)} red\n" * 3)
            try:
                self._add(path)
                self._find(random.choice(self.acknowledged))
            except Exception as error:  # noqa: BLE001  the test's own thread tells it
                self.trouble.append(repr(error))
                return

    def _add(self, path: Path) -> None:
        """Until it is acknowledged: a call that was lost with its engine is made again."""
        while not self.stop.is_set():
            try:
                told = self.front.call("add_documents", paths=[str(path)])
            except ToolFailed as error:
                self._again(error)
                continue
            self.answered = time.monotonic()
            if told["state"] == "done":
                assert told["added"] + told["unchanged"] == 1, told
                self.acknowledged.append(path)
                return

    def _find(self, path: Path) -> None:
        while not self.stop.is_set():
            try:
                answer = self.front.call("search_media", query=word(path))
            except ToolFailed as error:
                self._again(error)
                continue
            self.answered = time.monotonic()
            if path.name not in [Path(hit["path"]).name for hit in answer["hits"]]:
                self.trouble.append(f"{path.name} was acknowledged and is not found: {answer}")
            return

    def _again(self, error: ToolFailed) -> None:
        if "Ask again" not in str(error):
            raise error
        self.lost_calls += 1


def word(path: Path) -> str:
    """A word that stands in this file alone."""
    return "w" + path.stem.replace("-", "q")


def processes(library: Path) -> list[str]:
    """Command lines of whatever still works for a library."""
    listed = subprocess.run(["ps", "-eo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(library) in line and " Z" not in line]


def kill(engine: int, assistants: list[Assistant]) -> float:
    """Seconds from the engine's end until each of the assistants was answered again."""
    killed = time.monotonic()
    os.kill(engine, signal.SIGKILL)
    until(lambda: all(one.answered > killed or one.trouble for one in assistants), 60)
    return min(one.answered for one in assistants) - killed


@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_and_no_call_hangs_however_often_the_engine_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    folder, library = tmp_path / "files", tmp_path / "library"
    folder.mkdir()
    recovered: list[float] = []
    with ended_engine(library) as endpoint:
        assistants = [Assistant(number, library, folder) for number in range(CLIENTS)]
        for assistant in assistants:
            assistant.start()
        engines: set[int] = set()
        for _ in range(KILLS):
            until(lambda: all(assistant.acknowledged for assistant in assistants), 60)
            time.sleep(chance.uniform(0.0, 1.0))
            until(lambda: alive(int(str(endpoint.state().get("pid", 0)))), 60)
            engine = int(str(endpoint.state()["pid"]))
            engines.add(engine)
            recovered.append(kill(engine, assistants))
        for assistant in assistants:
            assistant.stop.set()
        for assistant in assistants:
            assistant.join(60)
            assert not assistant.is_alive(), "a call hangs"
            assert assistant.trouble == []
        acknowledged = {path.name for assistant in assistants for path in assistant.acknowledged}
        front = assistants[0].front
        listed: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = front.call("list_documents", limit=200, offset=offset)
            listed += [Path(document["path"]).name for document in page["documents"]]
            offset = page.get("next_offset")
        assert len(listed) == len(set(listed))
        assert acknowledged <= set(listed)
        for name in acknowledged:
            assert name in front.paths(word(Path(name)))
        lost = sum(assistant.lost_calls for assistant in assistants)
        for assistant in assistants:
            assistant.front.close()
        until(lambda: not processes(library), 30)
    print(
        f"{KILLS} kills, {len(acknowledged)} acknowledged, {lost} calls were to be made again; "
        f"seconds until words answered: at most {max(recovered):.2f}"
    )
