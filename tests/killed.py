"""A process to be killed while it embeds.

killed.py LIBRARY ROOT WHAT

It adds its root, and

deadly   kills itself where it is to embed a text about something deadly
another  chooses another profile, and HALTs after five pictures with its model
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from mcp_mmretrieval.adding import batching as gathering
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.types import Content, Vectors
from tests.by_hand import ColourEmbedder, ModelsByHand

OTHER = "longer"
FEW = 5


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Deadly(ColourEmbedder):
    """The process ends with certain texts."""

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        if any("deadly" in content for content in contents if isinstance(content, str)):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_documents(contents, titles)


class Halting(ColourEmbedder):
    """Stops after a few pictures."""

    def __init__(self) -> None:
        super().__init__(OTHER)
        self._left = FEW

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        if not self._left:
            say("HALT")
            threading.Event().wait()
        self._left -= 1
        return super().embed_documents(contents, titles)


class MadeHere(ModelsByHand):
    """The embedders above."""

    def __init__(self, settings: Settings, made: Embedder | None) -> None:
        super().__init__(settings)
        self._given = made

    def embedder(self, timeout: float | None = None) -> Embedder:
        if self._given is not None and self._given.identity == self._made.identity:
            return self._given
        return super().embedder(timeout)


def main(folder: Path, root: Path, what: str) -> None:
    gathering.DECODED = 1  # one picture at a time
    settings = Settings(library=folder, roots=(root,), workers=1)
    models = MadeHere(settings, Deadly() if what == "deadly" else Halting())
    library = Library.open(settings=settings, models=models)
    library.add().wait()
    library.settle()
    say("SETTLED")
    if what == "another":
        library.choose(OTHER)
        library.settle()
        say("SETTLED AGAIN")
    library.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
