"""A model process that is killed again and again while files are added and questions asked."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.process.client import ModelProcess
from mcp_mmretrieval.models.process.remote import ProcessLoader
from tests.support.engines import until
from tests.support.files import picture

KILLS = 30
PICTURES, TEXTS = 30, 30


def kill_while(process: ModelProcess, busy: threading.Event) -> int:
    """Kill the process at times of its life that differ, as long as somebody is busy; how often."""
    moments, kills = random.Random(11), 0
    while busy.is_set() and kills < KILLS:
        if (pid := process.pid) is None:
            time.sleep(0.01)
            continue
        time.sleep(moments.choice([0.0, 0.2, 0.8]) * moments.random())
        with suppress(ProcessLookupError):  # it rests, or died this moment
            os.kill(pid, signal.SIGKILL)
            kills += 1
            until(lambda pid=pid: process.pid != pid, 30)  # type: ignore[misc]
    return kills


def test_nothing_is_lost_and_no_search_fails_however_often_the_model_process_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=2, profile="clip", device="cpu")
    loader = ProcessLoader(settings, entry="tests.support.obedient_models")
    (process,) = loader.processes
    busy, failures, searches = threading.Event(), list[Exception](), 0
    busy.set()
    with Library.open(settings=settings, models=ModelPool(settings, loader)) as library:
        killed = list[int]()
        killer = threading.Thread(target=lambda: killed.append(kill_while(process, busy)))
        killer.start()
        added = 0
        while killer.is_alive():
            for number in range(PICTURES):
                picture(folder / f"{added}-{number}.png", (255, added % 256, number), size=(90, 30))
            for number in range(TEXTS):
                (folder / f"{added}-{number}.txt").write_text(f"red lighthouse number{added}x{number}")
            job = library.add()
            while job.running:
                try:
                    library.search("lighthouse", lanes=("words",))
                    library.search("lighthouse", deadline=0.2)
                except Exception as error:  # noqa: BLE001 - told below
                    failures.append(error)
                searches += 2
            outcome = job.wait(120)
            assert (outcome.state, outcome.failed) == ("done", ())
            added += 1
        killer.join()
        assert killed == [KILLS]
        assert failures == []
        documents = added * (PICTURES + TEXTS)
        until(lambda: library.held() == (documents, 0), 120)
        for number in (0, added - 1):
            assert library.search(f"number{number}x7").hits[0].path == str(folder / f"{number}-7.txt")
        listed, total = library.documents(limit=documents)
        assert total == documents
        assert all(document.embedded and not document.notes for document in listed)
    print(f"{killed[0]} kills, {documents} documents, {searches} searches")
