"""A model process whose models do what their contents say: die, be killed, fail, wait, or answer.

What is done to it more than once is counted in files under the library, since processes come and go.
"""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.concurrency.priority_lock import PriorityLock
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.models import Embedder, RecognisedText, Reranker, TextReader, Transcriber, Transcript, progress
from mcp_mmretrieval.models.identity import builtin_ocr_identity
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.process import host
from mcp_mmretrieval.types import Content, Cue, Identity, Picture, Sound, VectorKind, Vectors
from tests.support.models import ColourEmbedder, LengthReranker, ShapeReader


class Counter:
    """Counts across processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def up(self, name: str) -> int:
        """How often it was called with this name, this time included."""
        file = self._folder / f"count {name}"
        count = int(file.read_text()) + 1 if file.exists() else 1
        file.write_text(str(count))
        return count


class Panic(BaseException):
    """What a library in Rust raises where it fails."""


class ObedientEmbedder(ColourEmbedder):
    """Does what the first word of each text says; the second word is how often."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter
        self._turns = PriorityLock()

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        if isinstance(query, str):
            self._obey(query)
        return super().embed_query(query)

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        for row, content in enumerate(contents):
            if isinstance(content, str):
                if content == "unfit":
                    raise Unfit([row], "too long")
                self._obey(content)
        return super().embed_documents(contents, titles)

    def _obey(self, text: str) -> None:
        if not text.strip():
            return
        order, _, rest = text.partition(" ")
        times = int(rest) if rest.isdigit() else 1
        if order in ("die", "kill", "lose") and self._counter.up(order) <= times:
            if order == "lose":
                raise DeviceLost("cuda:0 was lost: an ECC error.")
            os._exit(3) if order == "die" else os.kill(os.getpid(), signal.SIGKILL)
        if order == "break":
            raise KeyError("a bug")
        if order == "panic":
            raise Panic("index out of bounds")
        if order == "missing":
            raise ModelUnavailable("not here") from MemoryError()
        if order == "wait":
            with self._turns:
                self._counter.up("waiting")
                while not (Path(self._counter._folder) / "go").exists():
                    time.sleep(0.01)
        if order == "foreground" and foreground.foreground_is_busy():
            raise ValueError("somebody waits")


class SlowReader(ShapeReader):
    """Takes a moment for each picture, and calls itself the built-in one."""

    @property
    def identity(self) -> Identity:
        return builtin_ocr_identity()

    def recognise(self, picture: Picture) -> RecognisedText:
        time.sleep(0.02)
        return super().recognise(picture)


class SayingTranscriber:
    """Says how long a sound is, and in which language it was asked."""

    @property
    def identity(self) -> Identity:
        return {"name": "seconds"}

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        if language == "xx":
            raise ValueError("no such language")
        return Transcript([Cue(0.0, len(sound.samples) / sound.rate, f"{sound.samples.max():.2f}")], language, 0.5)


class ObedientLoader(InProcessLoader):
    """Loads the models above; tells how far it is, and fails where the recipe says so."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._counter = Counter(settings.library / "counts")

    def embedder(self, maker: str) -> Embedder:
        self._counter.up(f"load {maker}")
        if maker == "missing":
            raise ModelUnavailable("missing: no such model")
        progress.report_progress("fetching", 1, 2)
        return ObedientEmbedder(self._counter)

    def reranker(self, profile: str) -> Reranker:
        return LengthReranker()

    def text_reader(self) -> TextReader:
        return SlowReader()

    def transcriber(self) -> Transcriber:
        return SayingTranscriber()


if __name__ == "__main__":
    host.main(ObedientLoader)
