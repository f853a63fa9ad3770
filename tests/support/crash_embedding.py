"""A process to be killed while it adds.

interrupted.py LIBRARY ROOT WHAT [READ]

It adds its root, or with `go-on-die` only goes on with what an earlier process began. Each picture that is read is told
as READ; after READ pictures (none given: at the first blue one) it says HALT and does WHAT:

halt             waits to be killed
die, go-on-die   kills itself
cancel           cancels its job, then waits to be killed
"""

import os
import signal
import sys
import threading
from pathlib import Path

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import RecognisedText, TextReader
from mcp_mmretrieval.types import Picture
from tests.support.models import ModelsByHand, ShapeReader

TOLD = threading.Event()
HALTED = threading.Event()
NEVER = threading.Event()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")  # in one piece: two threads speak
    sys.stdout.flush()


class Halting(ShapeReader):
    """Stops at a picture."""

    def __init__(self, most: int | None, *, die: bool) -> None:
        self._left = most
        self._die = die

    def read(self, picture: Picture) -> str:
        blue = picture[..., 2].mean() > 200 > 50 > picture[..., 0].mean()
        if self._left == 0 or (self._left is None and blue):
            TOLD.wait()
            say("HALT")
            if self._die:
                os.kill(os.getpid(), signal.SIGKILL)
            HALTED.set()
            NEVER.wait()
        if self._left is not None:
            self._left -= 1
        say("READ")
        return super().read(picture)

    def recognise(self, picture: Picture) -> RecognisedText:
        return RecognisedText(self.read(picture))


class HaltingModels(ModelsByHand):
    """All by hand, and a reader that stops."""

    def __init__(self, settings: Settings, reader: Halting) -> None:
        super().__init__(settings)
        self._halting = reader

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return self._halting


def main(folder: Path, root: Path, what: str, most: int | None) -> None:
    settings = Settings(library=folder, roots=(root,), workers=1)
    models = HaltingModels(settings, Halting(most, die=what.endswith("die")))
    library = Library.open(settings=settings, models=models)
    if what != "go-on-die":
        job = library.add()
        say(f"JOB {job.id}")
        TOLD.set()
        if what == "cancel":
            HALTED.wait()
            job.cancel()
            say("CANCELLED")
    TOLD.set()
    NEVER.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else None)
